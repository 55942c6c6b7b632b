/**
 * The newest rows of numbers, addressed by a running row number: what the REST history is served from.
 * Memory grows with use up to `capacity` rows, then the oldest row is overwritten.
 */
import { invariant } from '../core/errors.ts'

export class RowLog {
  readonly columns: number
  readonly #capacity: number
  #cells: Float64Array
  #rows = 0
  #allocated: number

  constructor(columns: number, capacity: number) {
    this.columns = columns
    this.#capacity = capacity
    this.#allocated = Math.min(256, capacity)
    this.#cells = new Float64Array(this.#allocated * columns)
  }

  /** Number of rows ever written. */
  get end(): number {
    return this.#rows
  }

  /** Number of the oldest row still held. */
  get start(): number {
    return Math.max(0, this.#rows - this.#capacity)
  }

  push(...values: number[]): void {
    if (this.#rows >= this.#allocated && this.#allocated < this.#capacity) this.#grow()
    this.#cells.set(values, (this.#rows % this.#capacity) * this.columns)
    this.#rows += 1
  }

  get(row: number, column: number): number {
    invariant(row >= this.start && row < this.#rows, `reading row ${row} of a row log`)
    return this.#cells[(row % this.#capacity) * this.columns + column] as number
  }

  /** First row in [start, end) whose `column` (never falling) is at least `value`; `end` if none. */
  lowerBound(column: number, value: number): number {
    let low = this.start
    let high = this.#rows
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.get(middle, column) < value) low = middle + 1
      else high = middle
    }
    return low
  }

  #grow(): void {
    this.#allocated = Math.min(this.#allocated * 2, this.#capacity)
    const cells = new Float64Array(this.#allocated * this.columns)
    cells.set(this.#cells)
    this.#cells = cells
  }
}
