/** The machine's clock, `factor` times as fast: hours of budgets and windows in seconds. */
import { type Clock, systemClock } from '../../src/core/clock.ts'

export function createScaledClock(factor: number): Clock {
  const wallOrigin = systemClock.wallUs()
  const monotonicOrigin = systemClock.monotonicMs()
  return {
    wallUs: () => Math.round(wallOrigin + (systemClock.wallUs() - wallOrigin) * factor),
    monotonicMs: () => (systemClock.monotonicMs() - monotonicOrigin) * factor,
    setTimer: (callback, ms) => systemClock.setTimer(callback, ms / factor),
    clearTimer: (handle) => systemClock.clearTimer(handle)
  }
}
