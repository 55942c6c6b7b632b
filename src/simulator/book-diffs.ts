/** The changes of one symbol's book since the last diff, for the 100 ms and the 1000 ms stream. */
import type { BookSide } from './book-side.ts'
import { levelText, type TimeUnit, wireTime } from './payloads.ts'
import type { SymbolMarket } from './symbol-market.ts'

export interface BookDiff {
  readonly firstId: number
  readonly lastId: number
  render(unit: TimeUnit): string
}

class Accumulator {
  readonly #market: SymbolMarket
  readonly #bids = new Set<number>()
  readonly #asks = new Set<number>()
  #lastId: number

  constructor(market: SymbolMarket) {
    this.#market = market
    this.#lastId = market.flow.updateId
  }

  add(bids: ReadonlySet<number>, asks: ReadonlySet<number>): void {
    for (const ticks of bids) this.#bids.add(ticks)
    for (const ticks of asks) this.#asks.add(ticks)
  }

  /** Null when the book stood still: the exchange sends no empty diffs. */
  take(eventUs: number): BookDiff | null {
    const { flow, spec } = this.#market
    const firstId = this.#lastId + 1
    const lastId = flow.updateId
    if (lastId < firstId) return null
    this.#lastId = lastId
    const bids = this.#rows(this.#bids, flow.bids)
    const asks = this.#rows(this.#asks, flow.asks)
    const render = (unit: TimeUnit): string =>
      `{"e":"depthUpdate","E":${wireTime(eventUs, unit)},"s":"${spec.symbol}"` +
      `,"U":${firstId},"u":${lastId},"b":${bids},"a":${asks}}`
    return { firstId, lastId, render }
  }

  /** Best price first; absolute quantities as they are now, 0 for a level that went. */
  #rows(dirty: Set<number>, side: BookSide): string {
    const ticks = [...dirty].sort((left, right) => side.sign * (right - left))
    dirty.clear()
    const { spec } = this.#market
    return `[${ticks.map((price) => levelText(spec, price, side.quantity(price))).join(',')}]`
  }
}

export class BookDiffs {
  readonly #market: SymbolMarket
  readonly #fast: Accumulator
  readonly #slow: Accumulator

  constructor(market: SymbolMarket) {
    this.#market = market
    this.#fast = new Accumulator(market)
    this.#slow = new Accumulator(market)
    market.flow.dirtyBids.clear()
    market.flow.dirtyAsks.clear()
  }

  /** Call every 100 ms, also while nobody listens: the update ids must go on without a hole. */
  takeFast(eventUs: number): BookDiff | null {
    const { dirtyBids, dirtyAsks } = this.#market.flow
    this.#fast.add(dirtyBids, dirtyAsks)
    this.#slow.add(dirtyBids, dirtyAsks)
    dirtyBids.clear()
    dirtyAsks.clear()
    return this.#fast.take(eventUs)
  }

  /** Call every 1000 ms, after `takeFast`. */
  takeSlow(eventUs: number): BookDiff | null {
    return this.#slow.take(eventUs)
  }
}
