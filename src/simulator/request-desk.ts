/** Decides what every HTTP request and WebSocket upgrade gets: weights, bans, faults, then the answer. */
import type { Clock } from '../core/clock.ts'
import type { ConnectionRequest } from './connection.ts'
import type { FaultControl } from './fault-control.ts'
import type { RestFault } from './fault-plan.ts'
import type { HttpCall, HttpReply } from './http-front.ts'
import { type ExchangeLimits, SlidingWindow, WeightAccounts } from './limits.ts'
import { answerRest, errorBody, type RestSource, restWeight } from './rest-api.ts'

const FIVE_MINUTES_MS = 300_000
const JSON_TYPE = { 'Content-Type': 'application/json;charset=UTF-8' }
const HTML_TYPE = { 'Content-Type': 'text/html' }
/** Addresses remembered for the connection limit; the oldest are forgotten first. */
const ADDRESSES_MAX = 10_000

export interface RequestDeskOptions {
  readonly clock: Clock
  readonly limits: ExchangeLimits
  readonly faults: FaultControl
  readonly source: RestSource
}

export class RequestDesk {
  requests = 0
  refused = 0
  connectsRefused = 0
  readonly #options: RequestDeskOptions
  readonly #weights: WeightAccounts
  readonly #connects = new Map<string, SlidingWindow>()
  readonly #cuts = new Map<string, SlidingWindow>()

  constructor(options: RequestDeskOptions) {
    this.#options = options
    this.#weights = new WeightAccounts(options.limits)
  }

  onRequest(call: HttpCall): HttpReply {
    this.requests += 1
    const reply = this.#answer(call)
    if (reply.status !== 200) this.refused += 1
    return reply
  }

  /** The connection limit counts attempts, whether or not they succeed. */
  onUpgrade(call: HttpCall): ConnectionRequest | HttpReply {
    const answer = this.#admit(call)
    if ('status' in answer) this.connectsRefused += 1
    return answer
  }

  /** A connection was cut for a breach; an address that goes on like that is banned. */
  noteCut(address: string): void {
    const { clock, limits } = this.#options
    const cuts = windowOf(this.#cuts, address, limits.cutsBeforeBan - 1)
    if (!cuts.take(clock.monotonicMs())) this.#weights.ban(address, this.#wallMs())
  }

  #answer(call: HttpCall): HttpReply {
    const fault = this.#options.faults.takeRest(call.path)
    const delayMs = fault?.delayMs ?? 0
    if (fault !== null && fault.status !== 200) return { ...this.#faulty(fault), delayMs }
    const request = { path: call.path, query: call.query, timeUnit: call.timeUnit }
    const weight = restWeight(request)
    if (weight === null) {
      return { ...answerRest(request, this.#options.source), headers: HTML_TYPE, delayMs }
    }
    const verdict = this.#weights.charge(call.address, weight, this.#wallMs())
    const headers: Record<string, string> = {
      ...JSON_TYPE,
      'X-MBX-USED-WEIGHT': String(verdict.usedWeight),
      'X-MBX-USED-WEIGHT-1M': String(verdict.usedWeight)
    }
    if (verdict.status === 200) {
      return { ...answerRest(request, this.#options.source), headers, delayMs }
    }
    headers['Retry-After'] = String(verdict.retryAfterSeconds)
    const body = this.#refusal(verdict.status, verdict.bannedUntilMs)
    return { status: verdict.status, body, headers, delayMs }
  }

  #refusal(status: number, bannedUntilMs: number): string {
    if (status === 418) {
      return errorBody(
        -1003,
        `Way too much request weight used; IP banned until ${Math.floor(bannedUntilMs)}. ` +
          'Please use WebSocket Streams for live updates to avoid bans.'
      )
    }
    return errorBody(
      -1003,
      'Too much request weight used; current limit is ' +
        `${this.#options.limits.requestWeightPerMinute} request weight per 1 MINUTE. ` +
        'Please use WebSocket Streams for live updates to avoid polling the API.'
    )
  }

  #faulty(fault: RestFault): Omit<HttpReply, 'delayMs'> {
    const { status } = fault
    if (status === 429 || status === 418) {
      const seconds = fault.retryAfterSeconds ?? 1
      const headers = { ...JSON_TYPE, 'Retry-After': String(seconds) }
      return { status, headers, body: this.#refusal(status, this.#wallMs() + seconds * 1000) }
    }
    if (status === 451) {
      const body = errorBody(0, 'Service unavailable from a restricted location.')
      return { status, headers: JSON_TYPE, body }
    }
    if (status === 400) {
      return { status, headers: JSON_TYPE, body: errorBody(-1000, 'An unknown error occurred.') }
    }
    return { status, headers: HTML_TYPE, body: `<html><body>${status}</body></html>` }
  }

  #admit(call: HttpCall): ConnectionRequest | HttpReply {
    const { clock, limits } = this.#options
    if (call.path.length + call.query.length + 1 > limits.urlBytesMax) {
      return plainRefusal(414)
    }
    if (this.#weights.isBanned(call.address, this.#wallMs())) return plainRefusal(418)
    const connects = windowOf(this.#connects, call.address, limits.connectsPerFiveMinutes)
    if (!connects.take(clock.monotonicMs())) return plainRefusal(429)
    return connectionRequest(call) ?? plainRefusal(400)
  }

  #wallMs(): number {
    return this.#options.clock.wallUs() / 1000
  }
}

/** Null for a URL that cannot be decoded. */
export function connectionRequest(call: HttpCall): ConnectionRequest | null {
  const query = new URLSearchParams(call.query.replaceAll('+', '%2B'))
  const combined = call.path === '/stream'
  const timeUnit = query.get('timeUnit')?.toUpperCase() === 'MICROSECOND' ? 'us' : 'ms'
  try {
    const names = combined
      ? (query.get('streams') ?? '')
      : decodeURIComponent(call.path.replace(/^\/ws\/?/, ''))
    const streams = names.split('/').filter((name) => name !== '')
    return { combined, timeUnit, streams: [...new Set(streams)], address: call.address }
  } catch {
    return null
  }
}

function plainRefusal(status: number): HttpReply {
  return { status, body: '', headers: {}, delayMs: 0 }
}

function windowOf(all: Map<string, SlidingWindow>, address: string, limit: number): SlidingWindow {
  let window = all.get(address)
  if (window === undefined) {
    window = new SlidingWindow(limit, FIVE_MINUTES_MS)
    all.set(address, window)
    const oldest = all.keys().next().value
    if (all.size > ADDRESSES_MAX && oldest !== undefined) all.delete(oldest)
  }
  return window
}
