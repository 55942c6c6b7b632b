/** One side of the order book: price levels sorted with the best at the end, so that takers pop. */

export class BookSide {
  /** +1 for bids (the highest is best), −1 for asks. */
  readonly sign: 1 | -1
  readonly #ticks: number[] = []
  readonly #steps: number[] = []

  constructor(sign: 1 | -1) {
    this.sign = sign
  }

  get count(): number {
    return this.#ticks.length
  }

  /** Price of the level `rank` places behind the best; NaN when there is none. */
  ticksAt(rank: number): number {
    return this.#ticks[this.#ticks.length - 1 - rank] ?? Number.NaN
  }

  stepsAt(rank: number): number {
    return this.#steps[this.#steps.length - 1 - rank] ?? 0
  }

  /** Quantity at a price; 0 when the level does not exist. */
  quantity(ticks: number): number {
    const index = this.#find(ticks)
    return this.#ticks[index] === ticks ? (this.#steps[index] as number) : 0
  }

  /** Sets a level's absolute quantity; 0 removes it. */
  set(ticks: number, steps: number): void {
    const index = this.#find(ticks)
    const exists = this.#ticks[index] === ticks
    if (steps > 0) {
      if (exists) this.#steps[index] = steps
      else {
        this.#ticks.splice(index, 0, ticks)
        this.#steps.splice(index, 0, steps)
      }
    } else if (exists) {
      this.#ticks.splice(index, 1)
      this.#steps.splice(index, 1)
    }
  }

  /** First index whose price is not worse than `ticks`. */
  #find(ticks: number): number {
    const all = this.#ticks
    const last = all.length - 1
    const sign = this.sign
    // Most changes are at the top of the book.
    if (last < 0 || sign * (ticks - (all[last] as number)) > 0) return last + 1
    let low = 0
    let high = last
    while (low < high) {
      const middle = (low + high) >> 1
      if (sign * ((all[middle] as number) - ticks) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
