/** The own keys of each Binance spot record, in the order of the record contract. */
import { type BodyWriter, type Fields, readInterval } from './parse-fields.ts'
import type { SpotKind } from './parse-kinds.ts'

export interface RecordIds {
  readonly first: bigint
  readonly last: bigint
  /** What grows along the stream; null = the event time. */
  readonly progress: bigint | null
}

const NO_IDS: RecordIds = { first: -1n, last: -1n, progress: null }
const same = (id: bigint): RecordIds => ({ first: id, last: id, progress: id })
const range = (first: bigint, last: bigint): RecordIds => ({ first, last, progress: last })

export function writeBody(kind: SpotKind, writer: BodyWriter, fields: Fields): RecordIds {
  switch (kind.name) {
    case 'trade':
    case 'blockTrade':
      return trade(writer)
    case 'aggTrade':
      return aggTrade(writer)
    case 'kline':
      return kline(writer, fields)
    case 'miniTicker':
      return miniTicker(writer)
    case 'ticker24h':
    case 'ticker1h':
    case 'ticker4h':
    case 'ticker1d':
      return ticker(kind, writer)
    case 'bookTicker':
      return bookTicker(writer)
    case 'depth':
      return depth(writer)
    case 'book':
      return book(writer)
    case 'avgPrice':
      return avgPrice(writer, fields)
    case 'referencePrice':
      return referencePrice(writer, fields)
  }
}

function trade(writer: BodyWriter): RecordIds {
  const id = writer.id('tradeId', 't')
  writer.decimals([
    ['price', 'p'],
    ['quantity', 'q']
  ])
  writer.time('tradeTime', 'T')
  writer.side()
  return same(id)
}

function aggTrade(writer: BodyWriter): RecordIds {
  const id = writer.id('aggregateId', 'a')
  writer.id('firstTradeId', 'f')
  writer.id('lastTradeId', 'l')
  writer.decimals([
    ['price', 'p'],
    ['quantity', 'q']
  ])
  writer.time('tradeTime', 'T')
  writer.side()
  return same(id)
}

function kline(writer: BodyWriter, fields: Fields): RecordIds {
  writer.raw('interval', `"${readInterval(fields.get('i'))}"`)
  writer.time('openTime', 't')
  writer.closeTime('closeTime', 'T')
  writer.decimal('open', 'o')
  writer.highLow()
  writer.decimals([
    ['close', 'c'],
    ['volume', 'v'],
    ['quoteVolume', 'q']
  ])
  writer.id('trades', 'n')
  writer.decimals([
    ['takerBuyVolume', 'V'],
    ['takerBuyQuoteVolume', 'Q']
  ])
  const first = writer.id('firstTradeId', 'f')
  const last = writer.id('lastTradeId', 'L')
  writer.raw('closed', String(writer.bool('x')))
  return range(first, last)
}

function miniTicker(writer: BodyWriter): RecordIds {
  writer.decimal('open', 'o')
  writer.highLow()
  writer.decimals([
    ['close', 'c'],
    ['volume', 'v'],
    ['quoteVolume', 'q']
  ])
  return NO_IDS
}

function ticker(kind: SpotKind, writer: BodyWriter): RecordIds {
  const isWhole = kind.name === 'ticker24h'
  const wholeOnly = (name: string, key: string): void => {
    if (isWhole) writer.decimal(name, key)
    else writer.raw(name, 'null')
  }
  writer.raw('window', `"${kind.window}"`)
  writer.decimal('priceChange', 'p', true)
  writer.decimal('priceChangePercent', 'P', true)
  writer.decimal('weightedAveragePrice', 'w')
  wholeOnly('previousClose', 'x')
  writer.decimal('last', 'c')
  wholeOnly('lastQuantity', 'Q')
  wholeOnly('bid', 'b')
  wholeOnly('bidQuantity', 'B')
  wholeOnly('ask', 'a')
  wholeOnly('askQuantity', 'A')
  writer.decimal('open', 'o')
  writer.highLow()
  writer.decimals([
    ['volume', 'v'],
    ['quoteVolume', 'q']
  ])
  writer.time('openTime', 'O')
  writer.time('closeTime', 'C')
  const first = writer.id('firstTradeId', 'F')
  const last = writer.id('lastTradeId', 'L')
  writer.id('trades', 'n')
  return range(first, last)
}

function bookTicker(writer: BodyWriter): RecordIds {
  const id = writer.id('updateId', 'u')
  writer.decimals([
    ['bid', 'b'],
    ['bidQuantity', 'B'],
    ['ask', 'a'],
    ['askQuantity', 'A']
  ])
  return same(id)
}

function depth(writer: BodyWriter): RecordIds {
  const first = writer.id('firstUpdateId', 'U')
  const last = writer.id('finalUpdateId', 'u')
  writer.levels('bids', 'b')
  writer.levels('asks', 'a')
  return range(first, last)
}

function book(writer: BodyWriter): RecordIds {
  const id = writer.id('lastUpdateId', 'lastUpdateId')
  writer.levels('bids', 'bids')
  writer.levels('asks', 'asks')
  return same(id)
}

function avgPrice(writer: BodyWriter, fields: Fields): RecordIds {
  writer.raw('interval', `"${readInterval(fields.get('i'))}"`)
  writer.decimal('price', 'w')
  writer.time('lastTradeTime', 'T')
  return NO_IDS
}

function referencePrice(writer: BodyWriter, fields: Fields): RecordIds {
  if (fields.get('r').kind === 'null') writer.raw('price', 'null')
  else writer.decimal('price', 'r')
  return { first: -1n, last: -1n, progress: writer.time('time', 't') }
}
