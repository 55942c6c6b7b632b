/** Parameters of a REST request, and the errors the exchange answers bad ones with. */
import { type Interval, isInterval } from './intervals.ts'

export class RestError extends Error {
  readonly status: number
  readonly code: number

  constructor(code: number, message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

export const invalidSymbol = (): RestError => new RestError(-1121, 'Invalid symbol.')
export const badCombination = (): RestError =>
  new RestError(-1128, 'Combination of optional parameters invalid.')
const notValid = (name: string): RestError =>
  new RestError(-1130, `Data sent for parameter '${name}' is not valid.`)

/** Requests may not ask before this, 2017-01-01, nor more than ten seconds ahead. */
const OLDEST_US = 1_483_228_800_000_000
const AHEAD_US = 10_000_000
/** Above this a time parameter is in µs. */
const MS_MAX = 1e14

export class RestParameters {
  readonly #values = new Map<string, string>()
  readonly #read = new Set<string>()

  /** @throws RestError for a query that cannot be decoded */
  constructor(query: string) {
    for (const part of query.split('&')) {
      if (part === '') continue
      const equals = part.indexOf('=')
      const name = equals < 0 ? part : part.slice(0, equals)
      const text = equals < 0 ? '' : part.slice(equals + 1)
      try {
        this.#values.set(decodeURIComponent(name), decodeURIComponent(text.replaceAll('+', ' ')))
      } catch {
        throw new RestError(-1100, `Illegal characters found in a parameter.`)
      }
    }
  }

  text(name: string): string | undefined {
    this.#read.add(name)
    const value = this.#values.get(name)
    if (value === '') throw new RestError(-1105, `Parameter '${name}' was empty.`)
    return value
  }

  required(name: string): string {
    const value = this.text(name)
    if (value !== undefined) return value
    throw new RestError(
      -1102,
      `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`
    )
  }

  integer(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (/^[0-9]{1,20}$/.test(value)) return Number(value)
    throw new RestError(
      -1100,
      `Illegal characters found in parameter '${name}'; legal range is '^[0-9]{1,20}$'.`
    )
  }

  /** 1…; above `max` it is clamped, as the exchange does. */
  limit(initial: number, max: number): number {
    const value = this.integer('limit') ?? initial
    if (value < 1) throw notValid('limit')
    return Math.min(value, max)
  }

  /** A time in ms or µs, as µs. */
  timeUs(name: string, nowUs: number): number | undefined {
    const value = this.integer(name)
    if (value === undefined) return undefined
    const us = value < MS_MAX ? value * 1000 : value
    if (us < OLDEST_US || us > nowUs + AHEAD_US) throw notValid(name)
    return us
  }

  flag(name: string, initial: boolean): boolean {
    const value = this.text(name)
    if (value === undefined) return initial
    if (value === 'true' || value === 'false') return value === 'true'
    throw new RestError(
      -1100,
      `Illegal characters found in parameter '${name}'; legal range is '^(true|false)$'.`
    )
  }

  interval(): Interval {
    const value = this.required('interval')
    if (isInterval(value)) return value
    throw new RestError(-1120, 'Invalid interval.')
  }

  /** The text of a JSON array of strings. */
  list(name: string): string[] | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      value = null
    }
    if (Array.isArray(value) && value.length > 0) {
      if (value.every((each): each is string => typeof each === 'string')) return value
    }
    throw new RestError(
      -1100,
      `Illegal characters found in parameter '${name}'; legal range is ` +
        `'^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}")*\\]$'.`
    )
  }

  /** @throws RestError when the client sent a parameter that this path does not know */
  assertAllRead(): void {
    const sent = this.#values.size
    const read = [...this.#values.keys()].filter((name) => this.#read.has(name)).length
    if (read === sent) return
    throw new RestError(
      -1104,
      `Not all sent parameters were read; read '${read}' parameter(s) but was sent '${sent}'.`
    )
  }
}
