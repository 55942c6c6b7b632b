/**
 * How a sleeping consumer hears that one of its rings has something. One slot per consumer thread, for
 * all its rings: {signal i32, sleeping i32}, 128 bytes apart.
 *
 * The check is Dekker's: the producer stores its cursor and then loads `sleeping`; the consumer stores
 * `sleeping` and then loads the cursors; all four sequentially consistent, so at least one side sees the
 * other. A notify with a sleeper costs 10–13 µs, hence one `ring()` per burst, not per entry.
 */
import { DOORBELL_BYTES, DOORBELL_SIGNAL, DOORBELL_SLEEPING } from './layout.ts'

/** Longest sleep, ms: bounds the cost of a lost wake-up and the delay of control messages. */
export const DOORBELL_WAIT_MS_MAX = 5

export function createDoorbells(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * DOORBELL_BYTES)
}

export class Doorbell {
  private readonly words: Int32Array
  private readonly signal: number
  private readonly sleeping: number

  constructor(buffer: SharedArrayBuffer, index: number) {
    this.words = new Int32Array(buffer)
    this.signal = (index * DOORBELL_BYTES + DOORBELL_SIGNAL) >> 2
    this.sleeping = (index * DOORBELL_BYTES + DOORBELL_SLEEPING) >> 2
  }

  /** Producer, after publishing: wakes the consumer if it sleeps. Returns whether it notified. */
  ring(): boolean {
    if (Atomics.load(this.words, this.sleeping) === 0) return false
    // Only the first of several producers notifies; the others see the flag already taken.
    if (Atomics.compareExchange(this.words, this.sleeping, 1, 0) !== 1) return false
    Atomics.add(this.words, this.signal, 1)
    Atomics.notify(this.words, this.signal, 1)
    return true
  }

  /**
   * Consumer: sleeps until `ring()`, at most `timeoutMs`, unless `hasWork` already says otherwise.
   * Never on the main thread.
   */
  wait(hasWork: () => boolean, timeoutMs: number = DOORBELL_WAIT_MS_MAX): void {
    const seen = Atomics.load(this.words, this.signal)
    Atomics.store(this.words, this.sleeping, 1)
    if (!hasWork()) Atomics.wait(this.words, this.signal, seen, timeoutMs)
    Atomics.store(this.words, this.sleeping, 0)
  }
}
