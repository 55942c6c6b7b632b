/**
 * Time as a parameter: tests own it, production passes `systemClock`. Every timeout uses the monotonic
 * reading; only records and reports use the wall clock.
 */
export interface Clock {
  /** µs since the epoch, an integer. May step. */
  wallUs(): number
  /** ms on a clock that never steps back; its zero has no meaning. */
  monotonicMs(): number
  /** Runs `callback` once after `ms`; returns a handle for `clear`. */
  setTimer(callback: () => void, ms: number): TimerHandle
  clearTimer(handle: TimerHandle): void
}

export type TimerHandle = ReturnType<typeof setTimeout> | number

const ORIGIN_US = Math.round(performance.timeOrigin * 1000)
let wallOffsetUs = ORIGIN_US
let nextCheckMs = 0

/**
 * The wall clock with µs resolution: the monotonic clock plus an offset that is compared with
 * `Date.now()` once a second and follows it when it is more than 2 ms away (a step, or a slew).
 */
function wallUs(): number {
  const ms = performance.now()
  if (ms >= nextCheckMs) {
    nextCheckMs = ms + 1000
    const drift = Date.now() * 1000 - (wallOffsetUs + ms * 1000)
    if (drift > 2000 || drift < -2000) wallOffsetUs += Math.round(drift)
  }
  return Math.round(wallOffsetUs + ms * 1000)
}

export const systemClock: Clock = {
  wallUs,
  monotonicMs: () => performance.now(),
  setTimer: (callback, ms) => setTimeout(callback, ms),
  clearTimer: (handle) => clearTimeout(handle)
}
