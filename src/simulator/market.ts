/**
 * The whole market: all symbols, played in steps of 5 ms of model time, symbol after symbol. The order
 * of everything it reports is thus a function of the seed and the start time, never of who drives it
 * how often.
 */
import { createPrng } from '../core/prng.ts'
import type { CandleSeries } from './candle-series.ts'
import { type MarketListener, SymbolMarket } from './symbol-market.ts'
import type { SymbolSpec } from './symbols.ts'

export const QUANTUM_US = 5_000
const BOOK_PERIOD_US = 100_000
const SECOND_US = 1_000_000

export interface ExchangeListener extends MarketListener {
  /** Every 100 ms. */
  onBookPeriod(market: SymbolMarket, timeUs: number): void
  /** Every second; `closed` are the candles that ended with it. */
  onSecond(market: SymbolMarket, timeUs: number, closed: readonly CandleSeries[]): void
  /** Every second, after all symbols. */
  onMarketSecond(timeUs: number): void
}

export interface MarketOptions {
  readonly specs: readonly SymbolSpec[]
  readonly seed: number
  readonly startUs: number
  /** Mean trades a second over all symbols, shared out by weight. */
  readonly tradesPerSecond: number
  /** Trades a second of single symbols, beside the overall rate. */
  readonly symbolRates?: Readonly<Record<string, number>>
  readonly historyRows: number
}

export class Market {
  readonly symbols = new Map<string, SymbolMarket>()
  readonly startUs: number
  #nowUs: number

  constructor(options: MarketOptions) {
    this.startUs = Math.floor(options.startUs / SECOND_US) * SECOND_US
    this.#nowUs = this.startUs
    const prng = createPrng(options.seed)
    const own = new Map(Object.entries(options.symbolRates ?? {}))
    const shared = options.specs.filter((spec) => !own.has(spec.symbol))
    const weights = shared.reduce((sum, spec) => sum + spec.weight, 0)
    for (const spec of options.specs) {
      const share = (options.tradesPerSecond * spec.weight) / weights
      this.symbols.set(
        spec.symbol,
        new SymbolMarket({
          spec,
          prng: prng.fork(spec.symbol),
          startUs: this.startUs,
          tradesPerSecond: own.get(spec.symbol) ?? share,
          historyRows: options.historyRows
        })
      )
    }
  }

  /** The instant up to which everything has happened, µs. */
  get nowUs(): number {
    return this.#nowUs
  }

  /** Plays on, in whole steps, as far as `untilUs` allows. */
  advance(untilUs: number, listener: ExchangeListener): void {
    while (this.#nowUs + QUANTUM_US <= untilUs) {
      const endUs = this.#nowUs + QUANTUM_US
      const bookPeriod = endUs % BOOK_PERIOD_US === 0
      const second = endUs % SECOND_US === 0
      for (const market of this.symbols.values()) {
        market.advance(endUs, listener)
        if (bookPeriod) listener.onBookPeriod(market, endUs)
        if (second) listener.onSecond(market, endUs, market.closeSecond(endUs))
      }
      this.#nowUs = endUs
      if (second) listener.onMarketSecond(endUs)
    }
  }
}

/** Plays without telling anybody: for history before the first client. */
export const silentListener: ExchangeListener = {
  onTrade: () => undefined,
  onAggregateTrade: () => undefined,
  onBlockTrade: () => undefined,
  onBestChanged: () => undefined,
  onBookPeriod: () => undefined,
  onSecond: () => undefined,
  onMarketSecond: () => undefined
}
