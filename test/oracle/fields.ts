/** Reading fields of an exchange's object, exactly, or saying why the frame cannot be normalised. */
import { type ExactObject, type ExactValue, isNumber, isObject, isString } from './exact-json.ts'

/** Thrown while a frame is normalised: the reason of its dead letter. */
export class Rejected extends Error {
  readonly reason: string
  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

const DECIMAL = /^-?[0-9]+(\.[0-9]+)?$/
/** −0 is no integer anybody means. */
const INTEGER = /^(0|-?[1-9][0-9]*)$/
const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
/** Times below this magnitude are milliseconds. */
const MS_BOUND = 100_000_000_000_000n

export class Fields {
  private readonly pairs: ExactObject['o']

  constructor(value: ExactValue | undefined) {
    if (!isObject(value)) throw new Rejected('unexpected_shape')
    this.pairs = value.o
  }

  has(key: string): boolean {
    return this.pairs.some(([name]) => name === key)
  }

  raw(key: string): ExactValue {
    const found = this.pairs.filter(([name]) => name === key)
    if (found.length > 1) throw new Rejected('duplicate_key')
    const pair = found[0]
    if (pair === undefined) throw new Rejected('missing_field')
    return pair[1]
  }

  text(key: string): string {
    const value = this.raw(key)
    if (!isString(value)) throw new Rejected('unexpected_shape')
    return value.s
  }

  /** An interval's name goes into topics and keys: letters and digits. */
  interval(key: string): string {
    const text = this.text(key)
    if (!/^[0-9A-Za-z]{1,16}$/.test(text)) throw new Rejected('unexpected_shape')
    return text
  }

  flag(key: string): boolean {
    const value = this.raw(key)
    if (typeof value !== 'boolean') throw new Rejected('unexpected_shape')
    return value
  }

  /** A price or quantity: the exchange's string, digits only, as written. */
  decimal(key: string): string {
    return decimalOf(this.raw(key))
  }

  integer(key: string): bigint {
    const value = this.raw(key)
    if (!isNumber(value) || !INTEGER.test(value.n)) throw new Rejected('bad_number')
    const number = BigInt(value.n)
    if (number > INT64_MAX || number < INT64_MIN) throw new Rejected('bad_number')
    return number
  }

  /** µs; milliseconds are known by their magnitude. */
  time(key: string): bigint {
    const value = this.integer(key)
    return isMilliseconds(value) ? value * 1000n : value
  }

  /** [price, quantity] pairs; what else a level carries is dropped. */
  levels(key: string): [string, string][] {
    const value = this.raw(key)
    if (!Array.isArray(value)) throw new Rejected('unexpected_shape')
    return value.map((level) => {
      if (!Array.isArray(level) || level.length < 2) throw new Rejected('unexpected_shape')
      return [decimalOf(level[0]), decimalOf(level[1])]
    })
  }
}

export function isMilliseconds(value: bigint): boolean {
  return value > -MS_BOUND && value < MS_BOUND
}

function decimalOf(value: ExactValue | undefined): string {
  // An escape inside the string would make raw and value differ.
  if (!isString(value) || value.raw !== `"${value.s}"`) throw new Rejected('bad_number')
  if (value.s.length > 64 || !DECIMAL.test(value.s)) throw new Rejected('bad_number')
  return value.s
}

/** The symbol as the exchange writes it. */
export function checkedSymbol(symbol: string): string {
  const bytes = Buffer.byteLength(symbol)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (bytes === 0 || bytes > 64 || /["\\\u0000-\u001f\u007f]/.test(symbol)) {
    throw new Rejected('bad_symbol')
  }
  return symbol
}

/** −1, 0 or 1, exactly. */
export function compareDecimals(left: string, right: string): number {
  const scale = Math.max(fraction(left).length, fraction(right).length)
  const scaled = (text: string): bigint => {
    const digits = BigInt(text.replace('-', '').replace('.', '') || '0')
    const value = digits * 10n ** BigInt(scale - fraction(text).length)
    return text.startsWith('-') ? -value : value
  }
  const difference = scaled(left) - scaled(right)
  return difference === 0n ? 0 : difference < 0n ? -1 : 1
}

function fraction(text: string): string {
  return text.split('.')[1] ?? ''
}
