/**
 * The normalised records (schema version 1) as types: what the value of every record parses to. The
 * parsers write these objects as bytes, keys in this order, without ever building them; consumers,
 * tests and sinks that decode a value get them.
 */

/** The exchange's decimal string, byte for byte. */
export type Decimal = string
/** An exact 64-bit integer: a number where it is safe, a bigint beyond 2^53. */
export type ExactInteger = number | bigint
/** µs since the epoch. */
export type TimeUs = number
export type Side = 'buy' | 'sell'
/** Price and quantity. */
export type Level = readonly [Decimal, Decimal]

interface Head<Type extends string> {
  readonly v: 1
  readonly type: Type
  readonly exchange: string
  /** As the exchange writes it. */
  readonly symbol: string
  readonly receivedTime: TimeUs
  readonly source: 'live' | 'heal' | 'backfill' | 'aggregate'
}
interface TimedHead<Type extends string> extends Head<Type> {
  readonly eventTime: TimeUs
}
/** The exchange sends no event time with these. */
interface UntimedHead<Type extends string> extends Head<Type> {
  readonly eventTime: null
}

export interface Trade extends TimedHead<'trade'> {
  readonly tradeId: ExactInteger
  readonly price: Decimal
  readonly quantity: Decimal
  readonly tradeTime: TimeUs
  /** The taker's side. */
  readonly side: Side
}

export interface AggregateTrade extends TimedHead<'aggTrade'> {
  readonly aggregateId: ExactInteger
  readonly firstTradeId: ExactInteger
  readonly lastTradeId: ExactInteger
  readonly price: Decimal
  readonly quantity: Decimal
  readonly tradeTime: TimeUs
  readonly side: Side
}

/** `tradeId` counts in an id space of its own. */
export interface BlockTrade extends TimedHead<'blockTrade'> {
  readonly tradeId: ExactInteger
  readonly price: Decimal
  readonly quantity: Decimal
  readonly tradeTime: TimeUs
  readonly side: Side
}

export interface Kline extends TimedHead<'kline'> {
  readonly interval: string
  readonly openTime: TimeUs
  /** openTime + interval − 1 µs. */
  readonly closeTime: TimeUs
  readonly open: Decimal
  readonly high: Decimal
  readonly low: Decimal
  readonly close: Decimal
  readonly volume: Decimal
  readonly quoteVolume: Decimal
  readonly trades: ExactInteger
  readonly takerBuyVolume: Decimal
  readonly takerBuyQuoteVolume: Decimal
  /** −1 where the candle has no trade. */
  readonly firstTradeId: ExactInteger
  readonly lastTradeId: ExactInteger
  readonly closed: boolean
}

export interface Ticker extends TimedHead<'ticker'> {
  readonly window: '24h' | '1h' | '4h' | '1d'
  readonly priceChange: Decimal
  readonly priceChangePercent: Decimal
  readonly weightedAveragePrice: Decimal
  readonly previousClose: Decimal | null
  readonly last: Decimal
  readonly lastQuantity: Decimal | null
  readonly bid: Decimal | null
  readonly bidQuantity: Decimal | null
  readonly ask: Decimal | null
  readonly askQuantity: Decimal | null
  readonly open: Decimal
  readonly high: Decimal
  readonly low: Decimal
  readonly volume: Decimal
  readonly quoteVolume: Decimal
  readonly openTime: TimeUs
  readonly closeTime: TimeUs
  readonly firstTradeId: ExactInteger
  readonly lastTradeId: ExactInteger
  readonly trades: ExactInteger
}

export interface MiniTicker extends TimedHead<'miniTicker'> {
  readonly open: Decimal
  readonly high: Decimal
  readonly low: Decimal
  readonly close: Decimal
  readonly volume: Decimal
  readonly quoteVolume: Decimal
}

export interface BookTicker extends UntimedHead<'bookTicker'> {
  readonly updateId: ExactInteger
  readonly bid: Decimal
  readonly bidQuantity: Decimal
  readonly ask: Decimal
  readonly askQuantity: Decimal
}

/** Absolute quantities per level; a zero removes the level. */
export interface Depth extends TimedHead<'depth'> {
  readonly firstUpdateId: ExactInteger
  readonly finalUpdateId: ExactInteger
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
}

/** The best levels of the book, whole. */
export interface Book extends UntimedHead<'book'> {
  readonly lastUpdateId: ExactInteger
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
}

export interface AveragePrice extends TimedHead<'avgPrice'> {
  readonly interval: string
  readonly price: Decimal
  readonly lastTradeTime: TimeUs
}

export interface ReferencePrice extends UntimedHead<'referencePrice'> {
  readonly price: Decimal | null
  readonly time: TimeUs
}

export type MarketData =
  | Trade
  | AggregateTrade
  | BlockTrade
  | Kline
  | Ticker
  | MiniTicker
  | BookTicker
  | Depth
  | Book
  | AveragePrice
  | ReferencePrice
