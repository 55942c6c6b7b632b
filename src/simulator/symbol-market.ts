/**
 * One symbol of the market model. Everything the exchange says about it, on any stream or REST path,
 * is read from here. Time is the model's own: `advance` plays what happens up to an instant.
 */
import type { Prng } from '../core/prng.ts'
import { Bar, type Trade } from './bar.ts'
import { CandleSeries } from './candle-series.ts'
import { INTERVALS, type Interval } from './intervals.ts'
import { OrderFlow } from './order-flow.ts'
import { RollingWindow } from './rolling-window.ts'
import { RowLog } from './row-log.ts'
import type { SymbolSpec } from './symbols.ts'

export const TRADE = { TIME: 0, PRICE: 1, QUANTITY: 2, MAKER: 3 } as const
export const AGG = { TIME: 0, PRICE: 1, QUANTITY: 2, MAKER: 3, FIRST: 4, LAST: 5 } as const

export const WINDOWS = { '1h': 3_600_000_000, '4h': 14_400_000_000, '1d': 86_400_000_000 } as const
export type WindowName = keyof typeof WINDOWS
/** The exchange's only other time zone on streams. */
export const SHANGHAI_OFFSET_US = 28_800_000_000

const SHANGHAI_INTERVALS: ReadonlySet<Interval> = new Set(['6h', '12h', '1d', '3d', '1w', '1M'])

/** Mean number of trades of one taker order in this flow; measured, and held by a test. */
const TRADES_PER_TAKER = 1.79
const QUOTES_PER_TAKER = 3
const MINUTE_US = 60_000_000

export interface AggregateTrade {
  readonly id: number
  readonly timeUs: number
  readonly priceTicks: number
  readonly quantitySteps: number
  readonly buyerIsMaker: boolean
  readonly firstId: number
  readonly lastId: number
}

export interface BlockTrade extends Trade {
  readonly eventUs: number
}

/** What happens as it happens; all calls in the order the exchange would send it. */
export interface MarketListener {
  onTrade(market: SymbolMarket, trade: Trade, eventUs: number): void
  onAggregateTrade(market: SymbolMarket, trade: AggregateTrade, eventUs: number): void
  onBlockTrade(market: SymbolMarket, trade: BlockTrade): void
  onBestChanged(market: SymbolMarket): void
}

export interface SymbolMarketOptions {
  readonly spec: SymbolSpec
  readonly prng: Prng
  readonly startUs: number
  /** Mean trades a second; 0 = nothing ever happens here. */
  readonly tradesPerSecond: number
  /** Trades and aggregate trades kept for REST. */
  readonly historyRows: number
}

export class SymbolMarket {
  readonly spec: SymbolSpec
  readonly flow: OrderFlow
  readonly firstTradeId: number
  readonly firstAggregateId: number
  readonly trades: RowLog
  readonly aggregates: RowLog
  readonly candles = new Map<Interval, CandleSeries>()
  readonly shanghaiCandles = new Map<Interval, CandleSeries>()
  readonly windows = new Map<WindowName, RollingWindow>()
  /** The running second and the running minute without it. */
  second: Bar
  minute: Bar
  lastTrade: Trade
  readonly #prng: Prng
  readonly #series: ReadonlySet<CandleSeries>
  readonly #meanGapUs: number
  #nextActionUs: number
  #lastEventUs = 0
  #blockTrades = 0
  #bestText = ''

  constructor(options: SymbolMarketOptions) {
    const { spec, startUs } = options
    const ids = options.prng.fork('ids')
    this.spec = spec
    this.#prng = options.prng.fork('actions')
    this.flow = new OrderFlow(spec, options.prng.fork('flow'), 40_000_000_000 + ids.int(1e10))
    this.firstTradeId = 1_000_000_000 + ids.int(1e9)
    this.firstAggregateId = 600_000_000 + ids.int(1e8)
    this.trades = new RowLog(4, options.historyRows)
    this.aggregates = new RowLog(6, options.historyRows)
    const price = spec.startTicks
    for (const interval of INTERVALS) {
      const series = new CandleSeries({ interval, offsetUs: 0, startUs, price })
      this.candles.set(interval, series)
      const offsetUs = SHANGHAI_OFFSET_US
      // Eight hours are a whole number of the shorter candles: those are the same in both zones.
      const own = SHANGHAI_INTERVALS.has(interval)
      this.shanghaiCandles.set(
        interval,
        own ? new CandleSeries({ interval, offsetUs, startUs, price }) : series
      )
    }
    this.#series = new Set([...this.candles.values(), ...this.shanghaiCandles.values()])
    for (const name of Object.keys(WINDOWS) as WindowName[]) {
      this.windows.set(name, new RollingWindow(WINDOWS[name], price))
    }
    this.second = new Bar(Math.floor(startUs / 1e6) * 1e6, price)
    this.minute = new Bar(Math.floor(startUs / MINUTE_US) * MINUTE_US, price)
    this.lastTrade = {
      id: this.firstTradeId - 1,
      timeUs: startUs,
      priceTicks: price,
      quantitySteps: 0,
      buyerIsMaker: false
    }
    const actionsPerSecond = (options.tradesPerSecond / TRADES_PER_TAKER) * (1 + QUOTES_PER_TAKER)
    this.#meanGapUs = actionsPerSecond > 0 ? 1e6 / actionsPerSecond : Number.POSITIVE_INFINITY
    this.#nextActionUs = startUs
    this.#schedule()
  }

  /** Plays everything that happens before `untilUs`, which lies in the running second. */
  advance(untilUs: number, listener: MarketListener): void {
    while (this.#nextActionUs < untilUs) {
      const timeUs = Math.floor(this.#nextActionUs)
      if (this.#prng.int(1 + QUOTES_PER_TAKER) === 0) this.#trade(timeUs, listener)
      else this.flow.quote()
      this.#reportBest(listener)
      this.#schedule()
    }
  }

  /** Closes the second that ends at `endUs`; returns the series whose candle it closed. */
  closeSecond(endUs: number): CandleSeries[] {
    const closed: CandleSeries[] = []
    for (const series of this.#series) {
      if (series.addSecond(this.second, endUs)) closed.push(series)
    }
    this.minute.merge(this.second)
    this.second = new Bar(endUs, this.second.closeTicks)
    if (endUs % MINUTE_US === 0) {
      for (const window of this.windows.values()) window.addMinute(this.minute, endUs)
      this.minute = new Bar(endUs, this.minute.closeTicks)
    }
    return closed
  }

  /** The window's sums up to and including the last trade. */
  windowBar(name: WindowName): Bar {
    const window = this.windows.get(name) as RollingWindow
    return window.withRunning(this.minute.joined(this.second))
  }

  #schedule(): void {
    this.#nextActionUs += this.#meanGapUs * -Math.log(1 - this.#prng.next())
  }

  #trade(timeUs: number, listener: MarketListener): void {
    const { fills, buyerIsMaker } = this.flow.take()
    const eventUs = Math.max(this.#lastEventUs, timeUs + 100 + this.#prng.int(800))
    this.#lastEventUs = eventUs
    for (const { priceTicks, makerSteps } of fills) {
      const firstId = this.firstTradeId + this.trades.end
      let quantity = 0
      for (const quantitySteps of makerSteps) {
        quantity += quantitySteps
        const id = this.firstTradeId + this.trades.end
        const trade: Trade = { id, timeUs, priceTicks, quantitySteps, buyerIsMaker }
        this.trades.push(timeUs, priceTicks, quantitySteps, buyerIsMaker ? 1 : 0)
        this.second.addTrade(trade)
        this.lastTrade = trade
        listener.onTrade(this, trade, eventUs)
      }
      this.#aggregate(
        { timeUs, priceTicks, quantitySteps: quantity, buyerIsMaker, firstId, eventUs },
        listener
      )
    }
    if (this.#prng.int(400) === 0) this.#blockTrade(timeUs, listener)
  }

  #aggregate(
    row: Omit<AggregateTrade, 'id' | 'lastId'> & { eventUs: number },
    listener: MarketListener
  ): void {
    const { timeUs, priceTicks, quantitySteps, buyerIsMaker, firstId, eventUs } = row
    const id = this.firstAggregateId + this.aggregates.end
    const lastId = this.lastTrade.id
    this.aggregates.push(timeUs, priceTicks, quantitySteps, buyerIsMaker ? 1 : 0, firstId, lastId)
    listener.onAggregateTrade(
      this,
      { id, timeUs, priceTicks, quantitySteps, buyerIsMaker, firstId, lastId },
      eventUs
    )
  }

  /** Negotiated off the book, in an id space of its own; part of no candle and no ticker. */
  #blockTrade(timeUs: number, listener: MarketListener): void {
    listener.onBlockTrade(this, {
      id: this.#blockTrades++,
      timeUs,
      eventUs: timeUs + 200,
      priceTicks: this.lastTrade.priceTicks,
      quantitySteps: this.spec.typicalSteps * (50 + this.#prng.int(200)),
      buyerIsMaker: this.#prng.int(2) === 0
    })
  }

  /** Two consecutive bookTicker frames are never identical in price and quantity. */
  #reportBest(listener: MarketListener): void {
    const { bids, asks } = this.flow
    const bid = `${bids.ticksAt(0)},${bids.stepsAt(0)}`
    const text = `${bid},${asks.ticksAt(0)},${asks.stepsAt(0)}`
    if (text === this.#bestText) return
    this.#bestText = text
    listener.onBestChanged(this)
  }
}
