import type { Clock, TimerHandle } from '../core/clock.ts'

export interface WeightBudgetOptions {
  /** Weight this process may use in one calendar minute. */
  readonly weightPerMinute: number
  readonly clock: Clock
}

const MINUTE_MS = 60_000
/** Our clock may run ahead of the exchange's: the new minute is trusted this much later, ms. */
const WINDOW_MARGIN_MS = 1500

/**
 * REST weight within calendar minutes, as the exchange counts it. What the exchange reports as used
 * (other processes of the same address included) replaces the own count when it is higher.
 */
export class WeightBudget {
  private readonly options: WeightBudgetOptions
  private minute = 0
  private usedWeight = 0

  constructor(options: WeightBudgetOptions) {
    this.options = options
  }

  /** Takes the weight, or says in how many ms the next window begins. 0 = taken. */
  take(weight: number): number {
    this.roll()
    const limit = this.options.weightPerMinute
    // A request heavier than the whole budget runs alone in its minute.
    if (this.usedWeight > 0 && this.usedWeight + weight > limit) return this.nextWindowMs()
    this.usedWeight += weight
    return 0
  }

  /** Waits until the weight is there. Rejects with the signal's reason. */
  async acquire(weight: number, signal?: AbortSignal): Promise<void> {
    for (let waitMs = this.take(weight); waitMs > 0; waitMs = this.take(weight)) {
      await sleep(this.options.clock, waitMs, signal)
    }
  }

  /** The used weight of the current minute as a response states it. */
  report(usedWeight: number): void {
    this.roll()
    if (Number.isFinite(usedWeight) && usedWeight > this.usedWeight) this.usedWeight = usedWeight
  }

  used(): number {
    this.roll()
    return this.usedWeight
  }

  nextWindowMs(): number {
    return MINUTE_MS - (this.shiftedMs() % MINUTE_MS)
  }

  private shiftedMs(): number {
    return Math.floor(this.options.clock.wallUs() / 1000) - WINDOW_MARGIN_MS
  }

  private roll(): void {
    const minute = Math.floor(this.shiftedMs() / MINUTE_MS)
    if (minute === this.minute) return
    this.minute = minute
    this.usedWeight = 0
  }
}

/** Resolves after `ms` on the given clock; rejects with the signal's reason when that comes first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    let timer: TimerHandle
    const onAbort = (): void => {
      clock.clearTimer(timer)
      reject(signal?.reason)
    }
    timer = clock.setTimer(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
