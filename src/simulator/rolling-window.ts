/**
 * A rolling window for the ticker streams, in whole minutes, as the exchange's windows of 1 h, 4 h and
 * 1 d open on a minute boundary (so they are up to 59,999 ms wider than their name). Sums are kept up
 * to date; the extremes are searched again only when a minute that held one leaves.
 */
import { Bar } from './bar.ts'

const MINUTE_US = 60_000_000

export class RollingWindow {
  readonly lengthUs: number
  readonly #minutes: Bar[] = []
  #first = 0
  #total: Bar
  /** Close of the minute that left last: the exchange's `x`. */
  #priceBefore: number | null = null

  constructor(lengthUs: number, startPrice: number) {
    this.lengthUs = lengthUs
    this.#total = new Bar(0, startPrice)
  }

  /** Appends a closed minute and drops those that no longer touch the window ending at `endUs`. */
  addMinute(minute: Bar, endUs: number): void {
    if (minute.trades > 0) {
      this.#minutes.push(minute)
      this.#total.merge(minute)
    }
    const openUs = Math.floor((endUs - this.lengthUs) / MINUTE_US) * MINUTE_US
    let dropped = false
    while (this.#first < this.#minutes.length) {
      const oldest = this.#minutes[this.#first] as Bar
      if (oldest.openUs >= openUs) break
      this.#priceBefore = oldest.closeTicks
      this.#first += 1
      dropped = true
    }
    if (!dropped) return
    if (this.#first > 2048) {
      this.#minutes.splice(0, this.#first)
      this.#first = 0
    }
    this.#rebuild()
  }

  /** The window's sums with the running minute added. */
  withRunning(running: Bar): Bar {
    return this.#total.joined(running)
  }

  /** Price of the trade before the window's first one; null while the window holds all trades. */
  get priceBefore(): number | null {
    return this.#priceBefore
  }

  /** Closed minutes with trades that opened at `openUs` or later. */
  minutesSince(openUs: number): Bar[] {
    return this.#minutes.slice(this.#first).filter((minute) => minute.openUs >= openUs)
  }

  /** Once a minute at most, over at most 1,440 bars. */
  #rebuild(): void {
    const total = new Bar(0, this.#total.closeTicks)
    for (let index = this.#first; index < this.#minutes.length; index++) {
      total.merge(this.#minutes[index] as Bar)
    }
    this.#total = total
  }
}
