/** How often a worker may die before the process gives up: restart with backoff, five deaths a minute at most. */
import type { Clock } from '../core/clock.ts'

export const DEATHS_PER_MINUTE_MAX = 5
const WINDOW_MS = 60_000
const FIRST_DELAY_MS = 10
const DELAY_MS_MAX = 1000

export class RestartPolicy {
  private readonly clock: Clock
  private readonly deathsMax: number
  private deaths: number[] = []

  constructor(clock: Clock, deathsMax: number) {
    this.clock = clock
    this.deathsMax = deathsMax
  }

  /** Counts a death. Returns the delay before the restart, ms, or null when it is time to give up. */
  onDeath(): number | null {
    const now = this.clock.monotonicMs()
    this.deaths = this.deaths.filter((at) => now - at < WINDOW_MS)
    this.deaths.push(now)
    if (this.deaths.length > this.deathsMax) return null
    return Math.min(FIRST_DELAY_MS * 2 ** (this.deaths.length - 1), DELAY_MS_MAX)
  }
}
