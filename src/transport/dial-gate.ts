/**
 * Decides when the connections of one exchange may dial. A token bucket keeps any five minutes within
 * the budget. While dials fail, one connection at a time tries, and the tokens the others will need are
 * left alone: so all are back soon after the exchange is.
 */
import type { Clock, TimerHandle } from '../core/clock.ts'
import { TokenBucket } from '../core/token-bucket.ts'

export interface DialGateOptions {
  /** Connection attempts in any five minutes. */
  readonly connectsPer5Minutes: number
  readonly clock: Clock
}

export interface DialTicket {
  cancel(): void
}

interface Waiting extends DialTicket {
  readonly dial: () => void
  dueMs: number
}

const WINDOW_SECONDS = 300

export class DialGate {
  private readonly clock: Clock
  private readonly bucket: TokenBucket
  private readonly waiting: Waiting[] = []
  private timer: TimerHandle | null = null
  private inFlight = 0
  private failing = false
  private closedUntilMs = 0
  private reason: string | null = null

  constructor(options: DialGateOptions) {
    this.clock = options.clock
    // A full bucket and all refills of a window together are the budget.
    const capacity = Math.max(1, Math.floor(options.connectsPer5Minutes / 4))
    const refills = Math.max(1, options.connectsPer5Minutes - capacity)
    this.bucket = new TokenBucket({
      capacity,
      refillPerSecond: refills / WINDOW_SECONDS,
      clock: options.clock
    })
  }

  /** Calls `dial` when it may, at the earliest after `delayMs`. Every call must be followed by one of `succeeded` and `failed`. */
  request(delayMs: number, dial: () => void): DialTicket {
    const ticket: Waiting = {
      dial,
      dueMs: this.clock.monotonicMs() + delayMs,
      cancel: () => {
        const index = this.waiting.indexOf(ticket)
        if (index >= 0) this.waiting.splice(index, 1)
        this.pump()
      }
    }
    this.waiting.push(ticket)
    this.pump()
    return ticket
  }

  succeeded(): void {
    this.inFlight -= 1
    if (this.failing) {
      this.failing = false
      const nowMs = this.clock.monotonicMs()
      for (const ticket of this.waiting) ticket.dueMs = Math.min(ticket.dueMs, nowMs)
    }
    this.pump()
  }

  failed(): void {
    this.inFlight -= 1
    this.failing = true
    this.pump()
  }

  /** The exchange asked for silence. */
  closeFor(ms: number, reason: string): void {
    this.closedUntilMs = Math.max(this.closedUntilMs, this.clock.monotonicMs() + ms)
    this.reason = reason
  }

  /** Why nobody dials now, or null. */
  get closedReason(): string | null {
    return this.clock.monotonicMs() < this.closedUntilMs ? this.reason : null
  }

  get waitingCount(): number {
    return this.waiting.length
  }

  private pump(): void {
    this.setTimer(null)
    for (let next = this.earliest(); next !== null; next = this.earliest()) {
      // While dials fail, an end of the one in flight pumps again.
      if (this.failing && this.inFlight > 0) return
      const keep = this.failing ? this.reserve() : 0
      const nowMs = this.clock.monotonicMs()
      const delayMs = Math.max(
        next.dueMs - nowMs,
        this.closedUntilMs - nowMs,
        this.bucket.waitMs(1, keep)
      )
      if (delayMs > 0 || !this.bucket.tryTake(1, keep)) {
        this.setTimer(Math.max(1, Math.ceil(delayMs)))
        return
      }
      this.waiting.splice(this.waiting.indexOf(next), 1)
      this.inFlight += 1
      next.dial()
    }
  }

  /** A dial that fails at once pumps inside the pump: there is never more than one timer. */
  private setTimer(ms: number | null): void {
    if (this.timer !== null) this.clock.clearTimer(this.timer)
    this.timer = ms === null ? null : this.clock.setTimer(() => this.pump(), ms)
  }

  private reserve(): number {
    return Math.max(0, Math.min(this.waiting.length - 1, Math.floor(this.bucket.capacity / 2)))
  }

  private earliest(): Waiting | null {
    let first: Waiting | null = null
    for (const ticket of this.waiting) {
      if (first === null || ticket.dueMs < first.dueMs) first = ticket
    }
    return first
  }
}
