/** Sums over consecutive trades of one symbol: a candle, or part of a rolling window. */
import { WideSum } from './decimal.ts'

export interface Trade {
  readonly id: number
  readonly timeUs: number
  readonly priceTicks: number
  readonly quantitySteps: number
  /** True when the taker sold. */
  readonly buyerIsMaker: boolean
}

export class Bar {
  readonly openUs: number
  /** −1 while no trade lies in the bar, like the exchange's `f` and `L`. */
  firstId = -1
  lastId = -1
  openTicks: number
  highTicks: number
  lowTicks: number
  closeTicks: number
  volumeSteps = 0
  takerVolumeSteps = 0
  trades = 0
  readonly quote = new WideSum()
  readonly takerQuote = new WideSum()

  /** `previousClose` is what a candle without trades shows as all four prices. */
  constructor(openUs: number, previousClose: number) {
    this.openUs = openUs
    this.openTicks = previousClose
    this.highTicks = previousClose
    this.lowTicks = previousClose
    this.closeTicks = previousClose
  }

  addTrade(trade: Trade): void {
    const { priceTicks, quantitySteps } = trade
    if (this.trades === 0) {
      this.firstId = trade.id
      this.openTicks = this.highTicks = this.lowTicks = priceTicks
    } else if (priceTicks > this.highTicks) this.highTicks = priceTicks
    else if (priceTicks < this.lowTicks) this.lowTicks = priceTicks
    this.lastId = trade.id
    this.closeTicks = priceTicks
    this.volumeSteps += quantitySteps
    this.trades += 1
    const quote = priceTicks * quantitySteps
    this.quote.add(quote)
    if (!trade.buyerIsMaker) {
      this.takerVolumeSteps += quantitySteps
      this.takerQuote.add(quote)
    }
  }

  /** Appends the trades of a bar that follows this one. */
  merge(later: Bar): void {
    if (later.trades === 0) return
    if (this.trades === 0) {
      this.firstId = later.firstId
      this.openTicks = later.openTicks
      this.highTicks = later.highTicks
      this.lowTicks = later.lowTicks
    } else {
      if (later.highTicks > this.highTicks) this.highTicks = later.highTicks
      if (later.lowTicks < this.lowTicks) this.lowTicks = later.lowTicks
    }
    this.lastId = later.lastId
    this.closeTicks = later.closeTicks
    this.volumeSteps += later.volumeSteps
    this.takerVolumeSteps += later.takerVolumeSteps
    this.trades += later.trades
    this.quote.addSum(later.quote)
    this.takerQuote.addSum(later.takerQuote)
  }

  /** This bar followed by `later`, both left as they are. */
  joined(later: Bar): Bar {
    const bar = new Bar(this.openUs, this.openTicks)
    bar.merge(this)
    bar.merge(later)
    return bar
  }
}
