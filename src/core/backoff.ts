import type { Prng } from './prng.ts'

export interface BackoffOptions {
  /** Bound of the first wait, ms; it doubles with every failure. */
  readonly baseMs: number
  /** No wait is longer, ms. */
  readonly maxMs: number
  readonly prng: Prng
}

/**
 * Exponential backoff with full jitter: the first attempt is at once, then each wait is uniform in
 * [0, min(max, base × 2^failures)), so that many clients cut at the same time do not return together.
 */
export class Backoff {
  private readonly options: BackoffOptions
  private failures = 0

  constructor(options: BackoffOptions) {
    this.options = options
  }

  /** Wait before the next attempt, ms. Counts the attempt. */
  nextMs(): number {
    const attempt = this.failures++
    if (attempt === 0) return 0
    const { baseMs, maxMs, prng } = this.options
    return Math.floor(prng.next() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30)))
  }

  /** Attempts since the last success. */
  get attempts(): number {
    return this.failures
  }

  reset(): void {
    this.failures = 0
  }

  /** A success too short to trust: the next attempt is soon, but not at once. */
  ease(): void {
    this.failures = Math.min(this.failures, 1)
  }
}
