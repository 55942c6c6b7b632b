/** One valid message of every spot stream, with the record it must become. Values of our own making. */
export interface SpotExample {
  readonly name: string
  readonly stream: string
  readonly payload: Readonly<Record<string, unknown>>
  /** The record without its head: from `eventTime` on, `receivedTime` and `source` left out. */
  readonly eventTime: string
  readonly body: string
  readonly type: string
  readonly firstId: bigint
  readonly lastId: bigint
}

const E = 1_789_964_483_614
const E_US = `${E}000`
const TICKER = {
  E,
  s: 'ABCUSDT',
  p: '-1.50',
  P: '-0.1',
  w: '10.1',
  c: '10.2',
  o: '9.9',
  h: '11',
  l: '9',
  v: '5.0',
  q: '50.5',
  O: E - 3600000,
  C: E - 1,
  F: 10,
  L: 29,
  n: 20
}
const TICKER_TAIL =
  '"open":"9.9","high":"11","low":"9","volume":"5.0","quoteVolume":"50.5",' +
  `"openTime":${E - 3600000}000,"closeTime":${E - 1}000,"firstTradeId":10,"lastTradeId":29,"trades":20`

function windowTicker(window: string): SpotExample {
  return {
    name: `ticker_${window}`,
    stream: `abcusdt@ticker_${window}`,
    type: 'ticker',
    payload: { e: `${window}Ticker`, ...TICKER },
    eventTime: E_US,
    body:
      `"window":"${window}","priceChange":"-1.50","priceChangePercent":"-0.1",` +
      '"weightedAveragePrice":"10.1","previousClose":null,"last":"10.2","lastQuantity":null,' +
      `"bid":null,"bidQuantity":null,"ask":null,"askQuantity":null,${TICKER_TAIL}`,
    firstId: 10n,
    lastId: 29n
  }
}

function trade(event: 'trade' | 'blockTrade', maker: boolean): SpotExample {
  return {
    name: `${event}, taker ${maker ? 'sold' : 'bought'}`,
    stream: `abcusdt@${event}`,
    type: event,
    payload: { e: event, E, s: 'ABCUSDT', t: 7, p: '0.10', q: '5', T: E - 1, m: maker, M: true },
    eventTime: E_US,
    body:
      `"tradeId":7,"price":"0.10","quantity":"5","tradeTime":${E - 1}000,` +
      `"side":"${maker ? 'sell' : 'buy'}"`,
    firstId: 7n,
    lastId: 7n
  }
}

function kline(stream: string, times: { t: number; T: number }, closeTime: string): SpotExample {
  const k = {
    ...times,
    s: 'ABCUSDT',
    i: '1m',
    f: -1,
    L: -1,
    o: '1.0',
    c: '1.0',
    h: '1.0',
    l: '1.0',
    v: '0.00',
    n: 0,
    x: true,
    q: '0.0',
    V: '0.000',
    Q: '0',
    B: '0'
  }
  const openTime = times.t > 1e14 ? `${times.t}` : `${times.t}000`
  return {
    name: `kline ${stream} closing ${closeTime}`,
    stream,
    type: 'kline',
    payload: { e: 'kline', E, s: 'ABCUSDT', k },
    eventTime: E_US,
    body:
      `"interval":"1m","openTime":${openTime},"closeTime":${closeTime},"open":"1.0","high":"1.0",` +
      '"low":"1.0","close":"1.0","volume":"0.00","quoteVolume":"0.0","trades":0,' +
      '"takerBuyVolume":"0.000","takerBuyQuoteVolume":"0","firstTradeId":-1,"lastTradeId":-1,' +
      '"closed":true',
    firstId: -1n,
    lastId: -1n
  }
}

export const SPOT_EXAMPLES: readonly SpotExample[] = [
  trade('trade', true),
  trade('trade', false),
  trade('blockTrade', false),
  {
    name: 'aggTrade',
    stream: 'abcusdt@aggTrade',
    type: 'aggTrade',
    payload: {
      e: 'aggTrade',
      E,
      s: 'ABCUSDT',
      a: 9007199254740993n,
      p: '1.5',
      q: '2',
      f: 1,
      l: 2,
      T: E,
      m: false,
      M: true
    },
    eventTime: E_US,
    body:
      '"aggregateId":9007199254740993,"firstTradeId":1,"lastTradeId":2,"price":"1.5",' +
      `"quantity":"2","tradeTime":${E}000,"side":"buy"`,
    firstId: 9007199254740993n,
    lastId: 9007199254740993n
  },
  kline('abcusdt@kline_1m', { t: E - 59999, T: E }, `${E}999`),
  kline('abcusdt@kline_1m', { t: (E - 59999) * 1000, T: E * 1000 + 999 }, `${E}999`),
  kline('abcusdt@kline_1m@+08:00', { t: E - 59999, T: E }, `${E}999`),
  {
    name: 'miniTicker',
    stream: 'abcusdt@miniTicker',
    type: 'miniTicker',
    payload: {
      e: '24hrMiniTicker',
      E,
      s: 'ABCUSDT',
      c: '2',
      o: '1',
      h: '3',
      l: '0.5',
      v: '9',
      q: '8'
    },
    eventTime: E_US,
    body: '"open":"1","high":"3","low":"0.5","close":"2","volume":"9","quoteVolume":"8"',
    firstId: -1n,
    lastId: -1n
  },
  {
    name: 'ticker',
    stream: 'abcusdt@ticker',
    type: 'ticker',
    payload: {
      e: '24hrTicker',
      ...TICKER,
      x: '9.8',
      Q: '0.1',
      b: '10.1',
      B: '3',
      a: '10.3',
      A: '4'
    },
    eventTime: E_US,
    body:
      '"window":"24h","priceChange":"-1.50","priceChangePercent":"-0.1",' +
      '"weightedAveragePrice":"10.1","previousClose":"9.8","last":"10.2","lastQuantity":"0.1",' +
      `"bid":"10.1","bidQuantity":"3","ask":"10.3","askQuantity":"4",${TICKER_TAIL}`,
    firstId: 10n,
    lastId: 29n
  },
  windowTicker('1h'),
  windowTicker('4h'),
  windowTicker('1d'),
  {
    name: 'bookTicker',
    stream: 'abcusdt@bookTicker',
    type: 'bookTicker',
    payload: { u: 400900217, s: 'ABCUSDT', b: '25.35', B: '31.21', a: '25.36', A: '40.66' },
    eventTime: 'null',
    body: '"updateId":400900217,"bid":"25.35","bidQuantity":"31.21","ask":"25.36","askQuantity":"40.66"',
    firstId: 400900217n,
    lastId: 400900217n
  },
  {
    name: 'depth',
    stream: 'abcusdt@depth@100ms',
    type: 'depth',
    payload: {
      e: 'depthUpdate',
      E,
      s: 'ABCUSDT',
      U: 157,
      u: 160,
      b: [
        ['0.0024', '10'],
        ['0.1', '0', []]
      ],
      a: []
    },
    eventTime: E_US,
    body: '"firstUpdateId":157,"finalUpdateId":160,"bids":[["0.0024","10"],["0.1","0"]],"asks":[]',
    firstId: 157n,
    lastId: 160n
  },
  {
    name: 'partial depth',
    stream: 'abcusdt@depth5@100ms',
    type: 'book',
    payload: { lastUpdateId: 160, bids: [['0.0024', '10']], asks: [['0.0026', '100']] },
    eventTime: 'null',
    body: '"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]',
    firstId: 160n,
    lastId: 160n
  },
  {
    name: 'avgPrice',
    stream: 'abcusdt@avgPrice',
    type: 'avgPrice',
    payload: { e: 'avgPrice', E, s: 'ABCUSDT', i: '5m', w: '25776.86', T: E - 5 },
    eventTime: E_US,
    body: `"interval":"5m","price":"25776.86","lastTradeTime":${E - 5}000`,
    firstId: -1n,
    lastId: -1n
  },
  {
    name: 'referencePrice',
    stream: 'abcusdt@referencePrice',
    type: 'referencePrice',
    payload: { e: 'referencePrice', s: 'ABCUSDT', r: '1.25', t: E },
    eventTime: 'null',
    body: `"price":"1.25","time":${E}000`,
    firstId: -1n,
    lastId: -1n
  },
  {
    name: 'referencePrice without a price',
    stream: 'abcusdt@referencePrice',
    type: 'referencePrice',
    payload: { e: 'referencePrice', s: 'ABCUSDT', r: null, t: E },
    eventTime: 'null',
    body: `"price":null,"time":${E}000`,
    firstId: -1n,
    lastId: -1n
  }
]

/** JSON text; bigints as plain integers. */
export function toJson(value: unknown): string {
  if (typeof value === 'bigint') return `${value}`
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${toJson(item)}`)
    .join(',')}}`
}
