/**
 * The independent oracle: what a Binance spot frame must become, from the exchange's documentation and the
 * project's record contract alone. It shares no line with src.
 */
import { type ExactValue, isObject, parseExact } from './exact-json.ts'
import { Fields, Rejected } from './fields.ts'
import { type Mapped, mapPayload } from './mappers.ts'

export interface FrameFacts {
  readonly receivedTimeUs: bigint
  readonly exchange: string
  readonly source: string
  /** The stream's name when it came beside the frame. */
  readonly stream: string | null
}

export interface ExpectedRecord extends Mapped {
  readonly stream: string | null
  readonly receivedTimeUs: bigint
  readonly source: string
  readonly exchange: string
  /** The record's JSON text. */
  readonly value: string
}

export type Verdict =
  | { readonly kind: 'records'; readonly records: readonly ExpectedRecord[] }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'dead'; readonly reason: string }

const BORN_US = 1_483_228_800_000_000n // 2017-01-01, before the exchange
const DAY_US = 86_400_000_000n

export function normalise(frame: Uint8Array, facts: FrameFacts): Verdict {
  let document: ExactValue
  try {
    document = parseExact(frame)
  } catch {
    return { kind: 'dead', reason: 'invalid_json' }
  }
  try {
    if (isObject(document) && isControl(new Fields(document))) return { kind: 'ignored' }
    const { data, stream } = unwrap(document, facts.stream)
    if (isObject(data) && isControl(new Fields(data))) return { kind: 'ignored' }
    const payloads = Array.isArray(data) ? data : [data]
    const records = payloads.map((payload) => expected(new Fields(payload), stream, facts))
    return { kind: 'records', records }
  } catch (error) {
    if (error instanceof Rejected) return { kind: 'dead', reason: error.reason }
    throw error
  }
}

function isControl(fields: Fields): boolean {
  // What names an event is no reply, whatever else it carries.
  if (fields.has('e')) return fields.text('e') === 'serverShutdown'
  if (fields.has('result') && fields.has('id')) return true
  return fields.has('error') || (fields.has('code') && fields.has('msg'))
}

function unwrap(
  document: ExactValue,
  named: string | null
): { data: ExactValue; stream: string | null } {
  if (!isObject(document)) return { data: document, stream: named }
  const fields = new Fields(document)
  if (!fields.has('stream') || !fields.has('data')) return { data: document, stream: named }
  return { data: fields.raw('data'), stream: fields.text('stream') }
}

function expected(data: Fields, stream: string | null, facts: FrameFacts): ExpectedRecord {
  const mapped = mapPayload(data, stream)
  if (stream !== null && !fits(stream, mapped)) throw new Rejected('stream_mismatch')
  const { receivedTimeUs, source, exchange } = facts
  const head: readonly (readonly [string, string])[] = [
    ['v', '1'],
    ['type', JSON.stringify(mapped.type)],
    ['exchange', JSON.stringify(exchange)],
    ['symbol', JSON.stringify(mapped.symbol)],
    ['eventTime', mapped.eventTimeUs === null ? 'null' : `${mapped.eventTimeUs}`],
    ['receivedTime', `${receivedTimeUs}`],
    ['source', JSON.stringify(source)]
  ]
  const value = `{${[...head, ...mapped.keys].map(([key, text]) => `"${key}":${text}`).join(',')}}`
  const time = mapped.eventTimeUs
  const isOff = time !== null && (time < BORN_US || time > receivedTimeUs + DAY_US)
  return {
    ...mapped,
    isSuspect: mapped.isSuspect || isOff,
    stream,
    receivedTimeUs,
    source,
    exchange,
    value
  }
}

/** Whether the stream's name and what came on it belong together. */
function fits(stream: string, mapped: Mapped): boolean {
  const at = stream.indexOf('@')
  if (at < 0) return false
  const symbol = stream.slice(0, at)
  const channel = stream.slice(at + 1)
  if (stream.startsWith('!')) {
    if (channel !== 'arr') return false
    return symbol === (mapped.type === 'miniTicker' ? '!miniTicker' : `!${tickerChannel(mapped)}`)
  }
  if (asciiLower(symbol) !== asciiLower(mapped.symbol)) return false
  switch (mapped.type) {
    case 'kline':
      return channel.replace(/@\+08:00$/, '') === `kline_${mapped.interval}`
    case 'ticker':
      return channel === tickerChannel(mapped)
    case 'depth':
      // The speed is the exchange's affair: 100ms today, others on futures.
      return /^depth(@\d{1,5}ms)?$/.test(channel)
    case 'book':
      return /^depth\d{1,5}(@\d{1,5}ms)?$/.test(channel)
    default:
      return channel === mapped.type
  }
}

function tickerChannel(mapped: Mapped): string {
  return mapped.window === '24h' ? 'ticker' : `ticker_${mapped.window}`
}

function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** For failure messages. */
export function describe(verdict: Verdict): string {
  return verdict.kind === 'dead' ? `dead: ${verdict.reason}` : verdict.kind
}
