/**
 * Exact decimals for the market model. A price is a whole number of ticks, a quantity a whole number of
 * steps, and ticks × steps a whole number of quote units: all below 2^53, so plain numbers hold them.
 * Only sums of quote units can outgrow that; they are kept in two limbs and printed through bigint.
 */
import { invariant } from '../core/errors.ts'

/** Decimals of every price and quantity on the wire. */
export const WIRE_DECIMALS = 8

const POWERS: readonly number[] = Array.from({ length: 16 }, (_, index) => 10 ** index)
const ZEROS = '0'.repeat(32)

/** `units` × 10^−decimals with eight decimals; `units` is a safe integer, `decimals` ≤ 8. */
export function formatUnits(units: number, decimals: number): string {
  const scale = POWERS[decimals] as number
  const size = units < 0 ? -units : units
  const fraction = size % scale
  const digits = decimals === 0 ? '' : String(fraction)
  const sign = units < 0 ? '-' : ''
  const lead = ZEROS.slice(0, decimals - digits.length)
  return `${sign}${(size - fraction) / scale}.${lead}${digits}${ZEROS.slice(0, 8 - decimals)}`
}

/** `units` × 10^−decimals with `shown` decimals, for values that may exceed 2^53. */
export function formatBig(units: bigint, decimals: number, shown = WIRE_DECIMALS): string {
  const size = units < 0n ? -units : units
  const text = size.toString().padStart(decimals + 1, '0')
  const whole = text.slice(0, text.length - decimals)
  const fraction = text.slice(text.length - decimals).padEnd(shown, '0')
  return `${units < 0n ? '-' : ''}${whole}.${fraction}`
}

/** numerator / denominator × 10^shown, rounded half away from zero, as text with `shown` decimals. */
export function formatRatio(numerator: bigint, denominator: bigint, shown: number): string {
  if (denominator === 0n) return formatBig(0n, shown, shown)
  const negative = numerator < 0n
  const scaled = (negative ? -numerator : numerator) * 10n ** BigInt(shown)
  const rounded = (scaled * 2n + denominator) / (denominator * 2n)
  return formatBig(negative ? -rounded : rounded, shown, shown)
}

const LIMB = 2 ** 50

/** A sum of non-negative safe integers that may outgrow 2^53. */
export class WideSum {
  #high = 0
  #low = 0

  /** `value` < 2^52. */
  add(value: number): void {
    invariant(value >= 0 && value < 2 ** 52, `adding ${value} to a wide sum`)
    this.#carry(value)
  }

  addSum(other: WideSum): void {
    this.#high += other.#high
    this.#carry(other.#low)
  }

  /** `other` is part of this sum. */
  subtractSum(other: WideSum): void {
    this.#high -= other.#high
    this.#low -= other.#low
    if (this.#low < 0) {
      this.#low += LIMB
      this.#high -= 1
    }
  }

  toBigInt(): bigint {
    return BigInt(this.#high) * BigInt(LIMB) + BigInt(this.#low)
  }

  #carry(value: number): void {
    this.#low += value
    if (this.#low >= LIMB) {
      const limbs = Math.floor(this.#low / LIMB)
      this.#low -= limbs * LIMB
      this.#high += limbs
    }
  }
}
