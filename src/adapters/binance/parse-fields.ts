/**
 * Fields of Binance spot messages, checked as they are written, in the order docs/wire-format.md fixes.
 * The first field that is not what it must be ends the record.
 */
import type { JsonObject, JsonValue } from '../../core/exact-json.ts'
import { DECIMAL_BYTES_MAX, INTERVAL_BYTES_MAX } from '../../model/frame-parser.ts'
import type { DeadLetterReasonName } from '../../model/record.ts'

/** Why a frame cannot be normalised; caught where the frame's verdict is made. */
export class Rejected extends Error {
  readonly reason: DeadLetterReasonName

  constructor(reason: DeadLetterReasonName) {
    super(reason)
    this.reason = reason
  }
}

const DECIMAL = /^-?[0-9]+(?:\.[0-9]+)?$/
const INTEGER = /^(?:0|-?[1-9][0-9]*)$/
const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
/** |t| below is ms, else µs. */
const MILLISECONDS_BELOW = 100_000_000_000_000n

/** One object of a message: the first value of each key, and which keys stand there twice. */
export class Fields {
  private readonly values = new Map<string, JsonValue>()
  private readonly twice = new Set<string>()

  constructor(object: JsonObject) {
    for (const [key, value] of object.entries) {
      if (this.values.has(key)) this.twice.add(key)
      else this.values.set(key, value)
    }
  }

  has(key: string): boolean {
    return this.values.has(key)
  }

  isTwice(key: string): boolean {
    return this.twice.has(key)
  }

  get(key: string): JsonValue {
    return this.values.get(key) ?? { kind: 'null' }
  }

  /** Every needed key stands there exactly once. */
  demand(needed: readonly string[]): void {
    if (needed.some((key) => this.twice.has(key))) throw new Rejected('duplicate_key')
    if (needed.some((key) => !this.values.has(key))) throw new Rejected('missing_field')
  }
}

/** A whole number as the exchange wrote it. */
export function readInteger(value: JsonValue): bigint {
  if (value.kind !== 'number' || !INTEGER.test(value.raw)) throw new Rejected('bad_number')
  // Longer text cannot fit, and converting a megabyte of digits takes long.
  if (value.raw.length > 20) throw new Rejected('bad_number')
  const integer = BigInt(value.raw)
  if (integer < INT64_MIN || integer > INT64_MAX) throw new Rejected('bad_number')
  return integer
}

function isMilliseconds(time: bigint): boolean {
  return time > -MILLISECONDS_BELOW && time < MILLISECONDS_BELOW
}

/** µs since the epoch. */
export function readTimeUs(value: JsonValue): bigint {
  const time = readInteger(value)
  return isMilliseconds(time) ? time * 1000n : time
}

export function readInterval(value: JsonValue): string {
  if (value.kind !== 'string') throw new Rejected('unexpected_shape')
  if (value.text.length > INTERVAL_BYTES_MAX || !/^[0-9A-Za-z]+$/.test(value.text)) {
    throw new Rejected('unexpected_shape')
  }
  return value.text
}

function isNegative(decimal: string): boolean {
  return decimal.startsWith('-') && /[1-9]/.test(decimal)
}

/** Exact comparison of two decimals. */
export function isLess(left: string, right: string): boolean {
  const scale = (text: string): number => {
    const point = text.indexOf('.')
    return point < 0 ? 0 : text.length - point - 1
  }
  const places = Math.max(scale(left), scale(right))
  const whole = (text: string): bigint =>
    BigInt(text.replace('.', '') + '0'.repeat(places - scale(text)))
  return whole(left) < whole(right)
}

/** Writes a record's own keys and notices what cannot be true. */
export class BodyWriter {
  isSuspect = false
  private text = ''
  private readonly fields: Fields

  constructor(fields: Fields) {
    this.fields = fields
  }

  body(): string {
    return this.text
  }

  raw(name: string, json: string): void {
    this.text += `${this.text === '' ? '' : ','}"${name}":${json}`
  }

  id(name: string, key: string): bigint {
    const value = readInteger(this.fields.get(key))
    if (value < -1n) this.isSuspect = true
    this.raw(name, `${value}`)
    return value
  }

  time(name: string, key: string): bigint {
    const timeUs = readTimeUs(this.fields.get(key))
    this.raw(name, `${timeUs}`)
    return timeUs
  }

  /** Last µs of a candle: the exchange gives its last ms, or already its last µs. */
  closeTime(name: string, key: string): void {
    const time = readInteger(this.fields.get(key))
    this.raw(name, `${isMilliseconds(time) ? time * 1000n + 999n : time}`)
  }

  decimal(name: string, key: string, mayBeNegative = false): string {
    const text = this.readDecimal(this.fields.get(key))
    if (!mayBeNegative && isNegative(text)) this.isSuspect = true
    this.raw(name, `"${text}"`)
    return text
  }

  decimals(pairs: readonly (readonly [string, string])[]): void {
    for (const [name, key] of pairs) this.decimal(name, key)
  }

  /** high and low, which belong together. */
  highLow(): void {
    const high = this.decimal('high', 'h')
    const low = this.decimal('low', 'l')
    if (isLess(high, low)) this.isSuspect = true
  }

  bool(key: string): boolean {
    const { kind } = this.fields.get(key)
    if (kind !== 'true' && kind !== 'false') throw new Rejected('unexpected_shape')
    return kind === 'true'
  }

  /** `m`: the buyer is the maker, so the taker sold. */
  side(): void {
    this.raw('side', this.bool('m') ? '"sell"' : '"buy"')
  }

  /** Price levels; what an element holds beyond price and quantity is dropped. */
  levels(name: string, key: string): void {
    const value = this.fields.get(key)
    if (value.kind !== 'array') throw new Rejected('unexpected_shape')
    const levels = value.items.map((level) => {
      if (level.kind !== 'array') throw new Rejected('unexpected_shape')
      const pair = level.items.slice(0, 2).map((item) => this.readDecimal(item))
      if (pair.length < 2) throw new Rejected('unexpected_shape')
      if (pair.some(isNegative)) this.isSuspect = true
      return `["${pair[0]}","${pair[1]}"]`
    })
    this.raw(name, `[${levels.join(',')}]`)
  }

  private readDecimal(value: JsonValue): string {
    if (value.kind !== 'string' || value.raw.length > DECIMAL_BYTES_MAX) {
      throw new Rejected('bad_number')
    }
    if (!DECIMAL.test(value.raw)) throw new Rejected('bad_number')
    return value.raw
  }
}
