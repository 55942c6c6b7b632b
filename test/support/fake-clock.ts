import type { Clock, TimerHandle } from '../../src/core/clock.ts'

interface FakeTimer {
  readonly id: number
  readonly dueMs: number
  readonly callback: () => void
}

/** A clock that stands still until a test moves it; timers fire in the order they are due. */
export class FakeClock implements Clock {
  nowMs = 0
  private readonly startUs: number
  private timers: FakeTimer[] = []
  private lastId = 0

  constructor(startUs = 1_800_000_000_000_000) {
    this.startUs = startUs
  }

  wallUs(): number {
    return this.startUs + Math.round(this.nowMs * 1000)
  }

  monotonicMs(): number {
    return this.nowMs
  }

  setTimer(callback: () => void, ms: number): TimerHandle {
    const id = ++this.lastId
    this.timers.push({ id, dueMs: this.nowMs + ms, callback })
    return id
  }

  clearTimer(handle: TimerHandle): void {
    this.timers = this.timers.filter((timer) => timer.id !== handle)
  }

  get pending(): number {
    return this.timers.length
  }

  /** Moves time on, firing what becomes due, timers set meanwhile included. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms
    for (let next = this.next(untilMs); next !== null; next = this.next(untilMs)) {
      this.timers.splice(this.timers.indexOf(next), 1)
      this.nowMs = Math.max(this.nowMs, next.dueMs)
      next.callback()
    }
    this.nowMs = untilMs
  }

  /** The same in steps, with room between them for promises. */
  async run(ms: number, stepMs = 100): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      this.advance(Math.min(stepMs, ms - passedMs))
      await new Promise<void>((resolve) => {
        setImmediate(resolve)
      })
    }
  }

  private next(untilMs: number): FakeTimer | null {
    let first: FakeTimer | null = null
    for (const timer of this.timers) {
      if (timer.dueMs > untilMs) continue
      if (first === null || timer.dueMs < first.dueMs) first = timer
    }
    return first
  }
}
