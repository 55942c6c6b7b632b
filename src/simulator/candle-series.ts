/**
 * The candles of one symbol in one interval. Trades reach it only as closed one-second bars, so sixteen
 * intervals cost one update a second each, not one a trade; a reader adds the running second itself.
 */
import { Bar } from './bar.ts'
import { candleOpenUs, type Interval, nextOpenUs } from './intervals.ts'

/** A little more than one REST page of 1,000. */
const CLOSED_BARS_MAX = 1500

export class CandleSeries {
  readonly interval: Interval
  readonly offsetUs: number
  readonly closed: Bar[] = []
  current: Bar
  #nextOpenUs: number

  constructor(options: { interval: Interval; offsetUs: number; startUs: number; price: number }) {
    this.interval = options.interval
    this.offsetUs = options.offsetUs
    const openUs = candleOpenUs(options.interval, options.startUs, options.offsetUs)
    this.current = new Bar(openUs, options.price)
    this.#nextOpenUs = nextOpenUs(options.interval, openUs, options.offsetUs)
  }

  /** Takes in the second that ended at `endUs`; true when it was its candle's last. */
  addSecond(second: Bar, endUs: number): boolean {
    this.current.merge(second)
    if (endUs < this.#nextOpenUs) return false
    this.closed.push(this.current)
    // Dropping from the front in blocks keeps the usual cost of an append at one push.
    if (this.closed.length >= CLOSED_BARS_MAX + 256) this.closed.splice(0, 256)
    this.current = new Bar(this.#nextOpenUs, this.current.closeTicks)
    this.#nextOpenUs = nextOpenUs(this.interval, this.#nextOpenUs, this.offsetUs)
    return true
  }

  /** The last µs of the candle that opened at `openUs`. */
  closeUs(openUs: number): number {
    return nextOpenUs(this.interval, openUs, this.offsetUs) - 1
  }
}
