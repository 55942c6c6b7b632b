import type { Clock } from '../core/clock.ts'

const WAIT_MS_MAX = 900_000

/**
 * Paces planned replacements of one connection: a fault that a new connection does not cure must not
 * become a stream of new connections. The wait doubles until a replacement has held for long.
 */
export class ReplacePacer {
  private readonly baseMs: number
  private readonly clock: Clock
  private lastAtMs = Number.NEGATIVE_INFINITY
  private waitMs: number

  constructor(baseMs: number, clock: Clock) {
    this.baseMs = baseMs
    this.waitMs = baseMs
    this.clock = clock
  }

  /** May a replacement begin now? If so it counts as begun. */
  tryBegin(): boolean {
    const nowMs = this.clock.monotonicMs()
    const sinceMs = nowMs - this.lastAtMs
    if (sinceMs < this.waitMs) return false
    const isFresh = sinceMs > 2 * WAIT_MS_MAX
    this.waitMs = isFresh ? this.baseMs : Math.min(WAIT_MS_MAX, this.waitMs * 2)
    this.lastAtMs = nowMs
    return true
  }
}
