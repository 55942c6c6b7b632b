/**
 * Binance spot: which messages exist, which keys they need, and which stream names may carry them.
 * Source: web-socket-streams.md of binance-spot-api-docs, 2026-07-21.
 */
import { NAME_BYTES_MAX } from '../../model/frame-parser.ts'
import type { RecordTypeName } from '../../model/record.ts'

export type SpotKindName =
  | 'trade'
  | 'aggTrade'
  | 'blockTrade'
  | 'kline'
  | 'miniTicker'
  | 'ticker24h'
  | 'ticker1h'
  | 'ticker4h'
  | 'ticker1d'
  | 'bookTicker'
  | 'depth'
  | 'book'
  | 'avgPrice'
  | 'referencePrice'

export interface SpotKind {
  readonly name: SpotKindName
  readonly type: RecordTypeName
  /** Channel of a stream of one symbol; a pattern where it has parameters. */
  readonly channel: string | RegExp
  /** Name of the stream of all symbols, if there is one. */
  readonly allMarket: string | null
  readonly window: string | null
  /** Keys that must be there, once. */
  readonly needed: readonly string[]
}

const TICKER_KEYS = [...'EspPwochlvqOCFLn']
const keys = (letters: string): readonly string[] => [...letters]

function kind(
  name: SpotKindName,
  type: RecordTypeName,
  needed: readonly string[],
  rest: Partial<Pick<SpotKind, 'channel' | 'allMarket' | 'window'>> = {}
): SpotKind {
  return { name, type, needed, channel: type, allMarket: null, window: null, ...rest }
}

function windowTicker(name: SpotKindName, window: string): SpotKind {
  const channel = `ticker_${window}`
  return kind(name, 'ticker', TICKER_KEYS, { channel, window, allMarket: `!${channel}@arr` })
}

/** By the payload's `e`. */
export const KIND_BY_EVENT: ReadonlyMap<string, SpotKind> = new Map([
  ['trade', kind('trade', 'trade', keys('EstpqTm'))],
  ['aggTrade', kind('aggTrade', 'aggTrade', keys('EsapqflTm'))],
  ['blockTrade', kind('blockTrade', 'blockTrade', keys('EstpqTm'))],
  ['kline', kind('kline', 'kline', keys('Esk'))],
  [
    '24hrMiniTicker',
    kind('miniTicker', 'miniTicker', keys('Escohlvq'), { allMarket: '!miniTicker@arr' })
  ],
  [
    '24hrTicker',
    kind('ticker24h', 'ticker', [...TICKER_KEYS, ...'xQbBaA'], {
      channel: 'ticker',
      window: '24h',
      allMarket: '!ticker@arr'
    })
  ],
  ['1hTicker', windowTicker('ticker1h', '1h')],
  ['4hTicker', windowTicker('ticker4h', '4h')],
  ['1dTicker', windowTicker('ticker1d', '1d')],
  ['avgPrice', kind('avgPrice', 'avgPrice', keys('EsiwT'))],
  ['referencePrice', kind('referencePrice', 'referencePrice', keys('srt'))],
  ['depthUpdate', kind('depth', 'depth', keys('EsUuba'), { channel: /^depth(@[0-9]{1,5}ms)?$/ })]
])

/** The two messages that name no event. */
export const BOOK_TICKER = kind('bookTicker', 'bookTicker', keys('usbBaA'), {
  allMarket: '!bookTicker'
})
export const BOOK = kind('book', 'book', ['lastUpdateId', 'bids', 'asks'], {
  channel: /^depth[0-9]{1,5}(@[0-9]{1,5}ms)?$/
})

export const KLINE_KEYS = keys('tTsifLochlvnxqVQ')
export const TIME_ZONE_SUFFIX = '@+08:00'

/** Streams whose payload is an array, one element per symbol. */
export function isArrayStream(name: string): boolean {
  return name.length > 5 && name.startsWith('!') && name.endsWith('@arr')
}

/** ASCII letters only: what the exchange does to symbols in stream names. */
export function asciiUpper(text: string): string {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase())
}

/** The stream's name may carry this message for this symbol. */
export function fitsStream(
  kind: SpotKind,
  stream: string,
  symbol: string,
  interval: string | null
): boolean {
  if (Buffer.byteLength(stream) > NAME_BYTES_MAX) return false
  if (stream.startsWith('!')) return stream === kind.allMarket
  const at = stream.indexOf('@')
  if (at < 0 || asciiUpper(stream.slice(0, at)) !== asciiUpper(symbol)) return false
  const channel = stream.slice(at + 1)
  if (kind.name === 'kline') return channel === `kline_${interval}`
  return typeof kind.channel === 'string' ? channel === kind.channel : kind.channel.test(channel)
}
