import type { Clock } from './clock.ts'

export interface TokenBucketOptions {
  /** Tokens that can be taken at once after a rest. */
  readonly capacity: number
  readonly refillPerSecond: number
  readonly clock: Clock
}

/** Tokens on the monotonic clock. Starts full. In any time t at most capacity + refill × t are taken. */
export class TokenBucket {
  readonly capacity: number
  private readonly refillPerMs: number
  private readonly clock: Clock
  private level: number
  private refilledAtMs: number

  constructor(options: TokenBucketOptions) {
    this.capacity = options.capacity
    this.refillPerMs = options.refillPerSecond / 1000
    this.clock = options.clock
    this.level = options.capacity
    this.refilledAtMs = options.clock.monotonicMs()
  }

  tokens(): number {
    const nowMs = this.clock.monotonicMs()
    const gained = (nowMs - this.refilledAtMs) * this.refillPerMs
    this.refilledAtMs = nowMs
    this.level = Math.min(this.capacity, this.level + gained)
    return this.level
  }

  /** Takes `count` tokens if `keep` more remain afterwards. */
  tryTake(count: number, keep = 0): boolean {
    // Refills are sums of fractions: a token that is there but for rounding counts as there.
    if (this.tokens() + 1e-9 < count + keep) return false
    this.level = Math.max(0, this.level - count)
    return true
  }

  /** Time until `tryTake` of the same arguments can succeed, ms; Infinity when it never can. */
  waitMs(count: number, keep = 0): number {
    if (count + keep > this.capacity) return Number.POSITIVE_INFINITY
    const missing = count + keep - this.tokens()
    return missing <= 0 ? 0 : Math.ceil(missing / this.refillPerMs)
  }
}
