/** Exchange payload → the further keys of a record (DESIGN 3.3), one function a type. */
import { checkedSymbol, compareDecimals, Fields, isMilliseconds, Rejected } from './fields.ts'

/** JSON text of one value. */
type Json = string
export interface Mapped {
  readonly type: string
  readonly symbol: string
  /** Null where the exchange sends none. */
  readonly eventTimeUs: bigint | null
  readonly firstId: bigint
  readonly lastId: bigint
  readonly interval: string | null
  readonly window: string | null
  /** Key and JSON text, in order. */
  readonly keys: readonly (readonly [string, Json])[]
  readonly isSuspect: boolean
}

const quoted = (text: string): Json => JSON.stringify(text)
const isNegative = (decimal: string): boolean => /^-.*[1-9]/.test(decimal)
const isBadId = (id: bigint): boolean => id < -1n

interface Parts {
  readonly ids?: readonly [bigint, bigint]
  readonly hasEventTime?: boolean
  readonly interval?: string
  readonly window?: string
  readonly symbol?: string
  readonly isSuspect: boolean
}

function mapped(type: string, data: Fields, keys: Mapped['keys'], parts: Parts): Mapped {
  const [firstId, lastId] = parts.ids ?? [-1n, -1n]
  return {
    type,
    symbol: parts.symbol ?? checkedSymbol(data.text('s')),
    eventTimeUs: parts.hasEventTime === false ? null : data.time('E'),
    firstId,
    lastId,
    interval: parts.interval ?? null,
    window: parts.window ?? null,
    keys,
    isSuspect: parts.isSuspect
  }
}

function mapTrade(type: 'trade' | 'blockTrade', data: Fields): Mapped {
  const id = data.integer('t')
  const [price, quantity] = [data.decimal('p'), data.decimal('q')]
  return mapped(
    type,
    data,
    [
      ['tradeId', `${id}`],
      ['price', quoted(price)],
      ['quantity', quoted(quantity)],
      ['tradeTime', `${data.time('T')}`],
      ['side', data.flag('m') ? '"sell"' : '"buy"']
    ],
    { ids: [id, id], isSuspect: [price, quantity].some(isNegative) || isBadId(id) }
  )
}

function mapAggTrade(data: Fields): Mapped {
  const [id, first, last] = [data.integer('a'), data.integer('f'), data.integer('l')]
  const [price, quantity] = [data.decimal('p'), data.decimal('q')]
  return mapped(
    'aggTrade',
    data,
    [
      ['aggregateId', `${id}`],
      ['firstTradeId', `${first}`],
      ['lastTradeId', `${last}`],
      ['price', quoted(price)],
      ['quantity', quoted(quantity)],
      ['tradeTime', `${data.time('T')}`],
      ['side', data.flag('m') ? '"sell"' : '"buy"']
    ],
    {
      ids: [id, id],
      isSuspect: [price, quantity].some(isNegative) || [id, first, last].some(isBadId)
    }
  )
}

function mapKline(data: Fields): Mapped {
  const k = new Fields(data.raw('k'))
  if (k.text('s') !== data.text('s')) throw new Rejected('stream_mismatch')
  const close = k.integer('T')
  // The exchange's close time is the last unit of the candle; ours is its last microsecond.
  const closeTime = isMilliseconds(close) ? close * 1000n + 999n : close
  const prices = { o: k.decimal('o'), h: k.decimal('h'), l: k.decimal('l'), c: k.decimal('c') }
  const volumes = { v: k.decimal('v'), q: k.decimal('q'), V: k.decimal('V'), Q: k.decimal('Q') }
  const [first, last] = [k.integer('f'), k.integer('L')]
  return mapped(
    'kline',
    data,
    [
      ['interval', quoted(k.interval('i'))],
      ['openTime', `${k.time('t')}`],
      ['closeTime', `${closeTime}`],
      ['open', quoted(prices.o)],
      ['high', quoted(prices.h)],
      ['low', quoted(prices.l)],
      ['close', quoted(prices.c)],
      ['volume', quoted(volumes.v)],
      ['quoteVolume', quoted(volumes.q)],
      ['trades', `${k.integer('n')}`],
      ['takerBuyVolume', quoted(volumes.V)],
      ['takerBuyQuoteVolume', quoted(volumes.Q)],
      ['firstTradeId', `${first}`],
      ['lastTradeId', `${last}`],
      ['closed', `${k.flag('x')}`]
    ],
    {
      ids: [first, last],
      interval: k.interval('i'),
      isSuspect:
        [...Object.values(prices), ...Object.values(volumes)].some(isNegative) ||
        compareDecimals(prices.h, prices.l) < 0 ||
        [first, last, k.integer('n')].some(isBadId)
    }
  )
}

function mapTicker(window: string, data: Fields): Mapped {
  const isFull = window === '24h'
  const only24h = (key: string): Json => (isFull ? quoted(data.decimal(key)) : 'null')
  const [first, last] = [data.integer('F'), data.integer('L')]
  const checked = ['w', 'c', 'o', 'h', 'l', 'v', 'q', ...(isFull ? [...'xQbBaA'] : [])]
  return mapped(
    'ticker',
    data,
    [
      ['window', quoted(window)],
      ['priceChange', quoted(data.decimal('p'))],
      ['priceChangePercent', quoted(data.decimal('P'))],
      ['weightedAveragePrice', quoted(data.decimal('w'))],
      ['previousClose', only24h('x')],
      ['last', quoted(data.decimal('c'))],
      ['lastQuantity', only24h('Q')],
      ['bid', only24h('b')],
      ['bidQuantity', only24h('B')],
      ['ask', only24h('a')],
      ['askQuantity', only24h('A')],
      ['open', quoted(data.decimal('o'))],
      ['high', quoted(data.decimal('h'))],
      ['low', quoted(data.decimal('l'))],
      ['volume', quoted(data.decimal('v'))],
      ['quoteVolume', quoted(data.decimal('q'))],
      ['openTime', `${data.time('O')}`],
      ['closeTime', `${data.time('C')}`],
      ['firstTradeId', `${first}`],
      ['lastTradeId', `${last}`],
      ['trades', `${data.integer('n')}`]
    ],
    {
      ids: [first, last],
      window,
      isSuspect:
        checked.some((key) => isNegative(data.decimal(key))) ||
        compareDecimals(data.decimal('h'), data.decimal('l')) < 0 ||
        [first, last, data.integer('n')].some(isBadId)
    }
  )
}

function mapMiniTicker(data: Fields): Mapped {
  const names = { o: 'open', h: 'high', l: 'low', c: 'close', v: 'volume', q: 'quoteVolume' }
  const keys = Object.entries(names)
  return mapped(
    'miniTicker',
    data,
    keys.map(([key, name]) => [name, quoted(data.decimal(key))]),
    {
      isSuspect:
        keys.some(([key]) => isNegative(data.decimal(key))) ||
        compareDecimals(data.decimal('h'), data.decimal('l')) < 0
    }
  )
}

function mapBookTicker(data: Fields): Mapped {
  const id = data.integer('u')
  const names = { b: 'bid', B: 'bidQuantity', a: 'ask', A: 'askQuantity' }
  return mapped(
    'bookTicker',
    data,
    [
      ['updateId', `${id}`],
      ...Object.entries(names).map(([key, name]) => [name, quoted(data.decimal(key))] as const)
    ],
    {
      ids: [id, id],
      hasEventTime: false,
      isSuspect: Object.keys(names).some((key) => isNegative(data.decimal(key))) || isBadId(id)
    }
  )
}

function mapDepth(data: Fields): Mapped {
  const [first, last] = [data.integer('U'), data.integer('u')]
  const [bids, asks] = [data.levels('b'), data.levels('a')]
  return mapped(
    'depth',
    data,
    [
      ['firstUpdateId', `${first}`],
      ['finalUpdateId', `${last}`],
      ['bids', JSON.stringify(bids)],
      ['asks', JSON.stringify(asks)]
    ],
    {
      ids: [first, last],
      isSuspect: [...bids, ...asks].flat().some(isNegative) || [first, last].some(isBadId)
    }
  )
}

/** A partial-depth frame: it does not name its symbol, the stream's name does. */
function mapBook(data: Fields, stream: string | null): Mapped {
  if (stream === null) throw new Rejected('no_stream')
  const id = data.integer('lastUpdateId')
  const [bids, asks] = [data.levels('bids'), data.levels('asks')]
  const symbol = (stream.split('@')[0] ?? '').replace(/[a-z]/g, (letter) => letter.toUpperCase())
  return mapped(
    'book',
    data,
    [
      ['lastUpdateId', `${id}`],
      ['bids', JSON.stringify(bids)],
      ['asks', JSON.stringify(asks)]
    ],
    {
      ids: [id, id],
      hasEventTime: false,
      symbol: checkedSymbol(symbol),
      isSuspect: [...bids, ...asks].flat().some(isNegative) || isBadId(id)
    }
  )
}

function mapAvgPrice(data: Fields): Mapped {
  const price = data.decimal('w')
  return mapped(
    'avgPrice',
    data,
    [
      ['interval', quoted(data.interval('i'))],
      ['price', quoted(price)],
      ['lastTradeTime', `${data.time('T')}`]
    ],
    { isSuspect: isNegative(price) }
  )
}

function mapReferencePrice(data: Fields): Mapped {
  const price = data.raw('r') === null ? null : data.decimal('r')
  return mapped(
    'referencePrice',
    data,
    [
      ['price', price === null ? 'null' : quoted(price)],
      ['time', `${data.time('t')}`]
    ],
    { hasEventTime: false, isSuspect: price !== null && isNegative(price) }
  )
}

const BY_EVENT: Readonly<Record<string, (data: Fields) => Mapped>> = {
  trade: (data) => mapTrade('trade', data),
  blockTrade: (data) => mapTrade('blockTrade', data),
  aggTrade: mapAggTrade,
  kline: mapKline,
  '24hrTicker': (data) => mapTicker('24h', data),
  '1hTicker': (data) => mapTicker('1h', data),
  '4hTicker': (data) => mapTicker('4h', data),
  '1dTicker': (data) => mapTicker('1d', data),
  '24hrMiniTicker': mapMiniTicker,
  depthUpdate: mapDepth,
  avgPrice: mapAvgPrice,
  referencePrice: mapReferencePrice
}

/** One payload object; throws Rejected. */
export function mapPayload(data: Fields, stream: string | null): Mapped {
  if (data.has('e')) {
    const event = data.text('e')
    const map = Object.hasOwn(BY_EVENT, event) ? BY_EVENT[event] : undefined
    if (map === undefined) throw new Rejected('unknown_type')
    return map(data)
  }
  if (data.has('lastUpdateId')) return mapBook(data, stream)
  if (data.has('u') && data.has('B') && data.has('A')) return mapBookTicker(data)
  throw new Rejected('unexpected_shape')
}
