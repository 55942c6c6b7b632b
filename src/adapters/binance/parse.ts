/**
 * Binance spot frames → records, the reference for the native kernel. Pure: bytes in, a verdict out.
 *
 * What can be wrong with a frame is found in a fixed order, the same in C++: not JSON; then the wrapper;
 * then the first faulty message in document order, and in it: kind, keys twice, keys missing, symbol,
 * interval, stream, fields in the order they are written.
 */
import { type JsonObject, type JsonValue, readExactJson } from '../../core/exact-json.ts'
import {
  type FrameInput,
  type FrameParser,
  type FrameVerdict,
  JSON_DEPTH_MAX,
  NAME_BYTES_MAX,
  type ParsedRecord,
  SYMBOL_BYTES_MAX
} from '../../model/frame-parser.ts'
import { BodyWriter, Fields, Rejected, readInterval, readTimeUs } from './parse-fields.ts'
import {
  asciiUpper,
  BOOK,
  BOOK_TICKER,
  fitsStream,
  isArrayStream,
  KIND_BY_EVENT,
  KLINE_KEYS,
  type SpotKind,
  TIME_ZONE_SUFFIX
} from './parse-kinds.ts'
import { writeBody } from './parse-records.ts'

const LONE_SURROGATE = /\p{Surrogate}/u
const IGNORED: FrameVerdict = { kind: 'ignored' }

export const binanceFrameParser: FrameParser = {
  parse(frame: FrameInput): FrameVerdict {
    const document = readExactJson(frame.payload, JSON_DEPTH_MAX)
    if (document === null) return { kind: 'dead', reason: 'invalid_json' }
    try {
      return judge(document, frame.streamName)
    } catch (error) {
      if (error instanceof Rejected) return { kind: 'dead', reason: error.reason }
      throw error
    }
  }
}

function judge(document: JsonValue, given: string | null): FrameVerdict {
  if (document.kind === 'array') return judgeArray(document.items, given)
  if (document.kind !== 'object') throw new Rejected('unexpected_shape')
  const root = new Fields(document)
  if (!root.has('stream') || !root.has('data')) return judgeMessage(root, given, true)
  if (root.isTwice('stream') || root.isTwice('data')) throw new Rejected('duplicate_key')
  const stream = readStreamName(root.get('stream'), given)
  const data = root.get('data')
  if (data.kind === 'array') return judgeArray(data.items, stream)
  if (data.kind !== 'object') throw new Rejected('unexpected_shape')
  return judgeMessage(new Fields(data), stream, false)
}

/** The wrapper's stream name; it must not contradict one given beside the frame. */
function readStreamName(value: JsonValue, given: string | null): string {
  if (value.kind !== 'string') throw new Rejected('unexpected_shape')
  const { text } = value
  if (text === '' || !isUsable(text) || (given !== null && given !== text)) {
    throw new Rejected('stream_mismatch')
  }
  return text
}

function isUsable(text: string): boolean {
  return !LONE_SURROGATE.test(text) && Buffer.byteLength(text) <= NAME_BYTES_MAX
}

function judgeArray(items: readonly JsonValue[], stream: string | null): FrameVerdict {
  if (stream !== null && !isArrayStream(stream)) throw new Rejected('unexpected_shape')
  const records = items.map((item) => {
    if (item.kind !== 'object') throw new Rejected('unexpected_shape')
    const fields = new Fields(item)
    const kind = identify(fields)
    // A shutdown notice is no element of anything.
    if (kind === 'serverShutdown') throw new Rejected('unknown_type')
    return parseMessage(kind, fields, stream)
  })
  return { kind: 'records', records }
}

function judgeMessage(fields: Fields, stream: string | null, isRoot: boolean): FrameVerdict {
  // Answers to our own requests, errors among them, name no event and no book.
  if (isRoot && !fields.has('e') && !fields.has('lastUpdateId') && !fields.has('u')) {
    const answers = fields.has('result') && fields.has('id')
    const fails = fields.has('error') || (fields.has('code') && fields.has('msg'))
    if (answers || fails) return IGNORED
  }
  const kind = identify(fields)
  if (kind === 'serverShutdown') return IGNORED
  if (stream !== null && isArrayStream(stream)) throw new Rejected('unexpected_shape')
  return { kind: 'records', records: [parseMessage(kind, fields, stream)] }
}

function identify(fields: Fields): SpotKind | 'serverShutdown' {
  if (!fields.has('e')) {
    // Two messages name no event: partial depth and bookTicker.
    if (fields.has('lastUpdateId')) return BOOK
    if (fields.has('u')) return BOOK_TICKER
    throw new Rejected('missing_field')
  }
  if (fields.isTwice('e')) throw new Rejected('duplicate_key')
  const event = fields.get('e')
  if (event.kind !== 'string') throw new Rejected('unexpected_shape')
  if (event.text === 'serverShutdown') return 'serverShutdown'
  const kind = KIND_BY_EVENT.get(event.text)
  if (kind === undefined) throw new Rejected('unknown_type')
  return kind
}

function parseMessage(kind: SpotKind, fields: Fields, stream: string | null): ParsedRecord {
  fields.demand(kind.needed)
  const kline = kind.name === 'kline' ? readKline(fields.get('k')) : null
  const symbol = readSymbol(kind, fields, kline, stream)
  const interval = kline === null ? null : readKlineInterval(kline, stream)
  if (stream !== null && !fitsStream(kind, stream, symbol, interval)) {
    throw new Rejected('stream_mismatch')
  }
  const hasEventTime = kind.needed.includes('E')
  const eventTimeUs = hasEventTime ? readTimeUs(fields.get('E')) : null
  const writer = new BodyWriter(kline ?? fields)
  const ids = writeBody(kind, writer, kline ?? fields)
  return {
    type: kind.type,
    symbol,
    stream,
    interval,
    window: kind.window,
    eventTimeUs,
    firstId: ids.first,
    lastId: ids.last,
    progress: ids.progress ?? eventTimeUs ?? 0n,
    isSuspect: writer.isSuspect,
    body: writer.body()
  }
}

function readKline(value: JsonValue): Fields {
  if (value.kind !== 'object') throw new Rejected('unexpected_shape')
  const kline = new Fields(value satisfies JsonObject)
  kline.demand(KLINE_KEYS)
  return kline
}

/** `k.i`, and the time zone, which only the stream's name tells. */
function readKlineInterval(kline: Fields, stream: string | null): string {
  const interval = readInterval(kline.get('i'))
  const hasZone = stream !== null && stream.length > TIME_ZONE_SUFFIX.length
  return hasZone && stream.endsWith(TIME_ZONE_SUFFIX) ? interval + TIME_ZONE_SUFFIX : interval
}

function readSymbol(
  kind: SpotKind,
  fields: Fields,
  kline: Fields | null,
  stream: string | null
): string {
  if (kind === BOOK) {
    // Partial depth names its symbol only in the stream's name, in lower case.
    if (stream === null) throw new Rejected('no_stream')
    const at = stream.indexOf('@')
    if (at < 0 || stream.startsWith('!')) throw new Rejected('stream_mismatch')
    return checkSymbol(asciiUpper(stream.slice(0, at)))
  }
  const symbol = symbolText(fields.get('s'))
  if (kline !== null && symbolOf(kline.get('s')) !== symbol) throw new Rejected('stream_mismatch')
  return symbol
}

function symbolText(value: JsonValue): string {
  return checkSymbol(symbolOf(value))
}

function symbolOf(value: JsonValue): string {
  if (value.kind !== 'string') throw new Rejected('bad_symbol')
  return value.text
}

/** Symbols go into JSON, topics and keys as they are. */
function checkSymbol(symbol: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these cannot stand in a symbol
  const isOdd = /["\\\u0000-\u001f\u007f]/.test(symbol)
  if (symbol === '' || isOdd || !isUsable(symbol)) throw new Rejected('bad_symbol')
  if (Buffer.byteLength(symbol) > SYMBOL_BYTES_MAX) throw new Rejected('bad_symbol')
  return symbol
}
