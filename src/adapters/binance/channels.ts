/**
 * Which channels spot has (web-socket-streams, read 2026-07-21). Names are case-sensitive: `kline_1M`
 * and `kline_1m` differ.
 */
export const KLINE_INTERVALS = [
  '1s',
  '1m',
  '3m',
  '5m',
  '15m',
  '30m',
  '1h',
  '2h',
  '4h',
  '6h',
  '8h',
  '12h',
  '1d',
  '3d',
  '1w',
  '1M'
] as const
const TICKER_WINDOWS = ['1h', '4h', '1d'] as const
const BOOK_LEVELS = [5, 10, 20] as const

export type BinanceChannelKind =
  | 'trade'
  | 'aggTrade'
  | 'blockTrade'
  | 'kline'
  | 'ticker'
  | 'miniTicker'
  | 'bookTicker'
  | 'avgPrice'
  | 'referencePrice'
  | 'depth'
  | 'book'

export interface BinanceChannel {
  readonly name: string
  readonly kind: BinanceChannelKind
  /** One stream for the whole market; takes no symbols. */
  readonly allMarket: boolean
  /** Levels of a partial book, else 0. */
  readonly levels: number
}

function perSymbol(name: string, kind: BinanceChannelKind, levels = 0): BinanceChannel {
  return { name, kind, allMarket: false, levels }
}

function listChannels(): readonly BinanceChannel[] {
  return [
    perSymbol('trade', 'trade'),
    perSymbol('aggTrade', 'aggTrade'),
    perSymbol('blockTrade', 'blockTrade'),
    ...KLINE_INTERVALS.flatMap((interval) => [
      perSymbol(`kline_${interval}`, 'kline'),
      // The only time zone variant of the streams; the payload does not tell it from the UTC one.
      perSymbol(`kline_${interval}@+08:00`, 'kline')
    ]),
    perSymbol('ticker', 'ticker'),
    ...TICKER_WINDOWS.map((window) => perSymbol(`ticker_${window}`, 'ticker')),
    perSymbol('miniTicker', 'miniTicker'),
    perSymbol('bookTicker', 'bookTicker'),
    perSymbol('avgPrice', 'avgPrice'),
    perSymbol('referencePrice', 'referencePrice'),
    perSymbol('depth', 'depth'),
    perSymbol('depth@100ms', 'depth'),
    ...BOOK_LEVELS.flatMap((levels) => [
      perSymbol(`depth${levels}`, 'book', levels),
      perSymbol(`depth${levels}@100ms`, 'book', levels)
    ]),
    // `!ticker@arr` and `!bookTicker` are gone from spot.
    { name: '!miniTicker@arr', kind: 'miniTicker', allMarket: true, levels: 0 },
    ...TICKER_WINDOWS.map((window): BinanceChannel => {
      return { name: `!ticker_${window}@arr`, kind: 'ticker', allMarket: true, levels: 0 }
    })
  ]
}

export const BINANCE_CHANNELS: ReadonlyMap<string, BinanceChannel> = new Map(
  listChannels().map((channel) => [channel.name, channel])
)
