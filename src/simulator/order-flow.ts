/**
 * What traders do to one symbol's book: limit orders, cancellations, takers. Draws from the symbol's own
 * generator only, so the flow is a function of the seed and the symbol's name.
 */
import type { Prng } from '../core/prng.ts'
import { BookSide } from './book-side.ts'
import type { SymbolSpec } from './symbols.ts'

/** Levels kept on each side, about. */
const LEVELS_TARGET = 220

export interface Fill {
  readonly priceTicks: number
  /** Quantities of the makers' orders met at this price, oldest first. */
  readonly makerSteps: readonly number[]
}

export class OrderFlow {
  readonly bids = new BookSide(1)
  readonly asks = new BookSide(-1)
  /** Number of the last change of the book. */
  updateId: number
  /** Prices changed since the last `takeDirty…`, per side. */
  readonly dirtyBids = new Set<number>()
  readonly dirtyAsks = new Set<number>()
  readonly #spec: SymbolSpec
  readonly #prng: Prng

  constructor(spec: SymbolSpec, prng: Prng, firstUpdateId: number) {
    this.#spec = spec
    this.#prng = prng
    this.updateId = firstUpdateId
    for (let rank = 0; rank < LEVELS_TARGET; rank++) {
      const away = rank + Math.floor(rank * rank * 0.01)
      if (spec.startTicks - 1 - away > 0) {
        this.bids.set(spec.startTicks - 1 - away, this.#quantity())
      }
      this.asks.set(spec.startTicks + away, this.#quantity())
    }
  }

  /** A limit order that rests in the book, or a cancellation when that side is full. */
  quote(): void {
    const side = this.#prng.next() < 0.5 ? this.bids : this.asks
    const fullness = side.count / LEVELS_TARGET
    if (this.#prng.next() < 0.5 * fullness) this.#cancel(side)
    else this.#add(side)
  }

  /** A taker's order: what it filled, best price first, and whether it was a sale. */
  take(): { fills: Fill[]; buyerIsMaker: boolean } {
    const mid = this.bids.ticksAt(0)
    // Prices wander, but lean back towards where they started, so that they never reach zero.
    const lean = mid / this.#spec.startTicks > 1 ? 0.53 : 0.47
    const buyerIsMaker = this.#prng.next() < lean
    const side = buyerIsMaker ? this.bids : this.asks
    const fills: Fill[] = []
    const draw = this.#prng.next()
    const levels = draw < 0.82 ? 0 : draw < 0.96 ? 1 : 2 + this.#prng.int(3)
    for (let level = 0; level < levels && side.count > 20; level++) {
      fills.push(this.#fill(side, side.stepsAt(0)))
    }
    if (levels === 0) {
      const available = side.stepsAt(0)
      fills.push(this.#fill(side, Math.min(available, 1 + this.#prng.int(this.#quantity()))))
    }
    if (fills.length === 0) fills.push(this.#fill(side, 1))
    while (side.count < 40) this.#add(side)
    return { fills, buyerIsMaker }
  }

  /** Takes `steps` off the best level, split over the makers that waited there. */
  #fill(side: BookSide, steps: number): Fill {
    const priceTicks = side.ticksAt(0)
    this.#change(side, priceTicks, side.stepsAt(0) - steps)
    const makerSteps: number[] = []
    let left = steps
    while (left > 1 && makerSteps.length < 5 && this.#prng.next() < 0.4) {
      const part = 1 + this.#prng.int(left - 1)
      makerSteps.push(part)
      left -= part
    }
    makerSteps.push(left)
    return { priceTicks, makerSteps }
  }

  #add(side: BookSide): void {
    const other = side === this.bids ? this.asks : this.bids
    const reach = this.#prng.next() < 0.6 ? 8 : 160
    const away = Math.floor(-Math.log(1 - this.#prng.next()) * reach)
    const spread = Math.abs(other.ticksAt(0) - side.ticksAt(0))
    // Most orders queue behind the best price; some step into the spread when there is room.
    const inside = spread > 1 && this.#prng.next() < 0.4 ? 1 + this.#prng.int(spread - 1) : 0
    const offset = inside > 0 ? -inside : away
    const ticks = side.ticksAt(0) - side.sign * offset
    if (ticks < 1) return
    this.#change(side, ticks, side.quantity(ticks) + this.#quantity())
  }

  #cancel(side: BookSide): void {
    const rank = this.#prng.int(side.count)
    const steps = side.stepsAt(rank)
    const left = this.#prng.next() < 0.6 ? 0 : Math.floor(steps / 2)
    // The last levels of a side stay: an empty book would end the simulation.
    if (left === 0 && side.count < 40) return
    this.#change(side, side.ticksAt(rank), left)
  }

  #change(side: BookSide, ticks: number, steps: number): void {
    side.set(ticks, steps)
    this.updateId += 1
    if (side === this.bids) this.dirtyBids.add(ticks)
    else this.dirtyAsks.add(ticks)
  }

  #quantity(): number {
    const draw = -Math.log(1 - this.#prng.next())
    return 1 + Math.floor(draw * this.#spec.typicalSteps)
  }
}
