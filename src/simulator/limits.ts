/** The exchange's limits (spot, read 2026-09): what it allows, and windows to count by. */

export interface ExchangeLimits {
  /** Client messages in a second: PING, PONG and JSON all count. */
  readonly messagesPerSecond: number
  readonly streamsPerConnection: number
  /** Connection attempts per address in five minutes. */
  readonly connectsPerFiveMinutes: number
  /** SUBSCRIBE frames above this are neither answered nor obeyed. */
  readonly controlBytesMax: number
  readonly urlBytesMax: number
  readonly connectionLifeMs: number
  readonly pingIntervalMs: number
  readonly pongDeadlineMs: number
  readonly requestWeightPerMinute: number
  /** Requests answered 429 in one minute before the address is banned with 418. */
  readonly refusalsBeforeBan: number
  /** Length of the first ban; each further one is twice as long, up to three days. */
  readonly banMs: number
  /** Connections cut for too many messages, in five minutes, before the address is banned. */
  readonly cutsBeforeBan: number
  /** Unsent bytes of one connection before it is cut as too slow. */
  readonly unsentBytesMax: number
}

export const SPOT_LIMITS: ExchangeLimits = {
  messagesPerSecond: 5,
  streamsPerConnection: 1024,
  connectsPerFiveMinutes: 300,
  controlBytesMax: 4096,
  urlBytesMax: 8000,
  connectionLifeMs: 86_400_000,
  pingIntervalMs: 20_000,
  pongDeadlineMs: 60_000,
  requestWeightPerMinute: 6000,
  refusalsBeforeBan: 20,
  banMs: 120_000,
  cutsBeforeBan: 10,
  unsentBytesMax: 64 * 1024 * 1024
}

/** Counts what happened in the last `lengthMs`; remembers at most `limit` + 1 instants. */
export class SlidingWindow {
  readonly #limit: number
  readonly #lengthMs: number
  readonly #times: number[] = []

  constructor(limit: number, lengthMs: number) {
    this.#limit = limit
    this.#lengthMs = lengthMs
  }

  /** Counts one; false when that is one too many. */
  take(nowMs: number): boolean {
    const times = this.#times
    while (times.length > 0 && (times[0] as number) <= nowMs - this.#lengthMs) times.shift()
    if (times.length > this.#limit) times.shift()
    times.push(nowMs)
    return times.length <= this.#limit
  }
}

interface Account {
  minute: number
  weight: number
  refusals: number
  bannedUntilMs: number
  bans: number
}

export interface WeightVerdict {
  readonly status: 200 | 429 | 418
  readonly usedWeight: number
  readonly retryAfterSeconds: number
  readonly bannedUntilMs: number
}

const BAN_MS_MAX = 3 * 86_400_000

/** REST weight per address: fixed calendar minutes, 429 above the limit, 418 for carrying on. */
export class WeightAccounts {
  readonly #limits: ExchangeLimits
  readonly #accounts = new Map<string, Account>()

  constructor(limits: ExchangeLimits) {
    this.#limits = limits
  }

  charge(address: string, weight: number, nowMs: number): WeightVerdict {
    const account = this.#account(address, nowMs)
    if (nowMs < account.bannedUntilMs) return this.#verdict(account, 418, nowMs)
    account.weight += weight
    if (account.weight <= this.#limits.requestWeightPerMinute) {
      return this.#verdict(account, 200, nowMs)
    }
    account.refusals += 1
    if (account.refusals <= this.#limits.refusalsBeforeBan) {
      return this.#verdict(account, 429, nowMs)
    }
    this.ban(address, nowMs)
    return this.#verdict(account, 418, nowMs)
  }

  ban(address: string, nowMs: number): void {
    const account = this.#account(address, nowMs)
    const lengthMs = Math.min(this.#limits.banMs * 2 ** account.bans, BAN_MS_MAX)
    account.bans += 1
    account.refusals = 0
    account.bannedUntilMs = nowMs + lengthMs
  }

  isBanned(address: string, nowMs: number): boolean {
    return nowMs < (this.#accounts.get(address)?.bannedUntilMs ?? 0)
  }

  #account(address: string, nowMs: number): Account {
    const minute = Math.floor(nowMs / 60_000)
    let account = this.#accounts.get(address)
    if (account === undefined) {
      account = { minute, weight: 0, refusals: 0, bannedUntilMs: 0, bans: 0 }
      this.#accounts.set(address, account)
    }
    if (account.minute !== minute) {
      account.minute = minute
      account.weight = 0
      account.refusals = 0
    }
    return account
  }

  #verdict(account: Account, status: 200 | 429 | 418, nowMs: number): WeightVerdict {
    const untilMs = status === 418 ? account.bannedUntilMs : (account.minute + 1) * 60_000
    return {
      status,
      usedWeight: account.weight,
      retryAfterSeconds: status === 200 ? 0 : Math.max(1, Math.ceil((untilMs - nowMs) / 1000)),
      bannedUntilMs: account.bannedUntilMs
    }
  }
}
