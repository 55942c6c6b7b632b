/** The oracle against hand-written records: who checks the checker. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareDecimals } from './fields.ts'
import { murmur2, placementOf, timestampOf, topicSafe } from './kafka-facts.ts'
import { describe, type FrameFacts, normalise, type Verdict } from './normalise.ts'

const FACTS: FrameFacts = {
  receivedTimeUs: 1_789_964_484_000_123n,
  exchange: 'binance',
  source: 'live',
  stream: null
}
const HEAD = '"exchange":"binance","symbol":"BTCUSDT"'
const TAIL = '"receivedTime":1789964484000123,"source":"live"'

function judge(frame: string, facts: Partial<FrameFacts> = {}): Verdict {
  return normalise(Buffer.from(frame), { ...FACTS, ...facts })
}

function values(frame: string, facts: Partial<FrameFacts> = {}): string[] {
  const verdict = judge(frame, facts)
  assert.equal(verdict.kind, 'records', describe(verdict))
  return verdict.kind === 'records' ? verdict.records.map((record) => record.value) : []
}

const RECORDS: readonly (readonly [string, string, string])[] = [
  [
    'trade, combined, ms',
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1789964484109,"s":"BTCUSDT","t":6697971860,' +
      '"p":"81250.05000000","q":"0.00062000","T":1789964484108,"m":true,"M":true}}',
    `{"v":1,"type":"trade",${HEAD},"eventTime":1789964484109000,${TAIL},"tradeId":6697971860,` +
      '"price":"81250.05000000","quantity":"0.00062000","tradeTime":1789964484108000,"side":"sell"}'
  ],
  [
    'aggTrade, raw, µs, other key order, unknown key, white space',
    '{ "zz": [1.5e3, {"s":"X"}], "m":false,"l":9,"f":7,"T":1789964484108999,"q":"1","p":"0.1",' +
      '"a":5,"s":"BTCUSDT","E":1789964484109001,"e":"aggTrade" }',
    `{"v":1,"type":"aggTrade",${HEAD},"eventTime":1789964484109001,${TAIL},"aggregateId":5,` +
      '"firstTradeId":7,"lastTradeId":9,"price":"0.1","quantity":"1",' +
      '"tradeTime":1789964484108999,"side":"buy"}'
  ],
  [
    'kline, no trade, closed',
    '{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1681154040004,"s":"BTCUSDT","k":{' +
      '"t":1681153980000,"T":1681154039999,"s":"BTCUSDT","i":"1m","f":-1,"L":-1,"o":"4","c":"4",' +
      '"h":"4","l":"4","v":"0.0","n":0,"x":true,"q":"0","V":"0","Q":"0","B":"0"}}}',
    `{"v":1,"type":"kline",${HEAD},"eventTime":1681154040004000,${TAIL},"interval":"1m",` +
      '"openTime":1681153980000000,"closeTime":1681154039999999,"open":"4","high":"4","low":"4",' +
      '"close":"4","volume":"0.0","quoteVolume":"0","trades":0,"takerBuyVolume":"0",' +
      '"takerBuyQuoteVolume":"0","firstTradeId":-1,"lastTradeId":-1,"closed":true}'
  ],
  [
    'ticker of an hour: keys its source lacks are null',
    '{"stream":"btcusdt@ticker_1h","data":{"e":"1hTicker","E":1789964484666,"s":"BTCUSDT",' +
      '"p":"-123.96","P":"-0.152","w":"81397","o":"3","h":"5","l":"2","c":"4","v":"466","q":"38",' +
      '"O":1789960860000,"C":1789964484109,"F":6697891844,"L":6697971860,"n":80017}}',
    `{"v":1,"type":"ticker",${HEAD},"eventTime":1789964484666000,${TAIL},"window":"1h",` +
      '"priceChange":"-123.96","priceChangePercent":"-0.152","weightedAveragePrice":"81397",' +
      '"previousClose":null,"last":"4","lastQuantity":null,"bid":null,"bidQuantity":null,' +
      '"ask":null,"askQuantity":null,"open":"3","high":"5","low":"2","volume":"466",' +
      '"quoteVolume":"38","openTime":1789960860000000,"closeTime":1789964484109000,' +
      '"firstTradeId":6697891844,"lastTradeId":6697971860,"trades":80017}'
  ],
  [
    'bookTicker has no time',
    '{"stream":"btcusdt@bookTicker","data":{"u":7,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4"}}',
    `{"v":1,"type":"bookTicker",${HEAD},"eventTime":null,${TAIL},"updateId":7,` +
      '"bid":"1","bidQuantity":"2","ask":"3","askQuantity":"4"}'
  ],
  [
    'partial depth takes its symbol from the stream, extra level elements are dropped',
    '{"stream":"btcusdt@depth5@100ms","data":{"lastUpdateId":9,"bids":[["1","2",[]]],"asks":[]}}',
    `{"v":1,"type":"book",${HEAD},"eventTime":null,${TAIL},"lastUpdateId":9,` +
      '"bids":[["1","2"]],"asks":[]}'
  ],
  [
    'depth, id above 2^53',
    '{"e":"depthUpdate","E":1789964484000,"s":"BTCUSDT","U":9007199254740993,' +
      '"u":9223372036854775807,"b":[],"a":[["92233720368.54775807","0.00000000"]]}',
    `{"v":1,"type":"depth",${HEAD},"eventTime":1789964484000000,${TAIL},` +
      '"firstUpdateId":9007199254740993,"finalUpdateId":9223372036854775807,' +
      '"bids":[],"asks":[["92233720368.54775807","0.00000000"]]}'
  ],
  [
    'avgPrice',
    '{"e":"avgPrice","E":1789964484016,"s":"BTCUSDT","i":"5m","w":"8.1","T":1789964483033}',
    `{"v":1,"type":"avgPrice",${HEAD},"eventTime":1789964484016000,${TAIL},"interval":"5m",` +
      '"price":"8.1","lastTradeTime":1789964483033000}'
  ],
  [
    'referencePrice may be null',
    '{"e":"referencePrice","s":"BTCUSDT","r":null,"t":1789967129009}',
    `{"v":1,"type":"referencePrice",${HEAD},"eventTime":null,${TAIL},"price":null,` +
      '"time":1789967129009000}'
  ]
]

for (const [name, frame, value] of RECORDS) {
  test(`oracle: ${name}`, () => assert.deepEqual(values(frame), [value]))
}

const MINI =
  '{"e":"24hrMiniTicker","E":1789964483012,"s":"A","c":"4","o":"3","h":"5","l":"2",' +
  '"v":"8","q":"9"}'

test('oracle: an array is one record per element, one bad element spoils the frame', () => {
  const other = MINI.replace('"A"', '"这是测试币456"')
  const found = values(`{"stream":"!miniTicker@arr","data":[${MINI},${other}]}`)
  assert.equal(found.length, 2)
  assert.match(found[1] ?? '', /"symbol":"这是测试币456","eventTime":1789964483012000/)
  const bad = MINI.replace('"8"', '8')
  assert.deepEqual(judge(`[${MINI},${bad}]`), { kind: 'dead', reason: 'bad_number' })
  assert.deepEqual(values('[]'), [])
})

const TRADE =
  '{"e":"trade","E":1789964484109,"s":"BTCUSDT","t":1,"p":"2","q":"3",' +
  '"T":1789964484108,"m":true}'

for (const [reason, frame] of [
  ['invalid_json', TRADE.slice(0, -1)],
  ['invalid_json', `${TRADE}${TRADE}`],
  ['invalid_json', `\ufeff${TRADE}`],
  ['unexpected_shape', '"text"'],
  ['unexpected_shape', '{}'],
  ['unexpected_shape', '{"stream":"btcusdt@trade","data":null}'],
  ['missing_field', TRADE.replace('"t":1,', '')],
  ['duplicate_key', TRADE.replace('"t":1', '"t":1,"t":1')],
  ['bad_number', TRADE.replace('"2"', '"2e5"')],
  ['bad_number', TRADE.replace('"2"', '"\\u0032"')],
  ['bad_number', TRADE.replace('"2"', `"${'9'.repeat(65)}"`)],
  ['bad_number', TRADE.replace('"t":1', '"t":"1"')],
  ['bad_number', TRADE.replace('"t":1', '"t":9223372036854775808')],
  ['bad_number', TRADE.replace('"t":1', '"t":1.0')],
  ['bad_symbol', TRADE.replace('BTCUSDT', 'BTC\\"USDT')],
  ['bad_symbol', TRADE.replace('BTCUSDT', '')],
  ['unknown_type', TRADE.replace('"trade"', '"tradeLite"')],
  ['stream_mismatch', `{"stream":"ethusdt@trade","data":${TRADE}}`],
  ['stream_mismatch', `{"stream":"btcusdt@aggTrade","data":${TRADE}}`],
  ['no_stream', '{"lastUpdateId":9,"bids":[],"asks":[]}']
] as const) {
  test(`oracle: ${reason}: ${frame.slice(0, 60)}`, () => {
    assert.deepEqual(judge(frame), { kind: 'dead', reason })
  })
}

test('oracle: control frames are ignored', () => {
  for (const frame of [
    '{"result":null,"id":1}',
    '{"error":{"code":2,"msg":"x"},"id":1}',
    '{"code":0,"msg":"x"}',
    '{"e":"serverShutdown","E":1770123456789}',
    '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}'
  ]) {
    assert.deepEqual(judge(frame), { kind: 'ignored' }, frame)
  }
})

test('oracle: suspect values are marked and pass unaltered', () => {
  const suspect = (frame: string): boolean => {
    const verdict = judge(frame)
    return verdict.kind === 'records' && verdict.records.every((record) => record.isSuspect)
  }
  assert.equal(suspect(TRADE), false)
  assert.ok(suspect(TRADE.replace('"p":"2"', '"p":"-2"')))
  assert.ok(suspect(TRADE.replace('1789964484109', '1789964484109000000')))
  assert.ok(suspect(MINI.replace('"h":"5"', '"h":"1.99"')))
})

test('oracle: decimals compare exactly', () => {
  assert.equal(compareDecimals('0.10', '0.1'), 0)
  assert.equal(compareDecimals('9007199254740993.1', '9007199254740993.09'), 1)
  assert.equal(compareDecimals('-2', '1'), -1)
})

test('oracle: murmur2 gives what the Java client gives', () => {
  const known: Readonly<Record<string, number>> = {
    21: -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107
  }
  for (const [key, hash] of Object.entries(known))
    assert.equal(murmur2(Buffer.from(key)), hash, key)
})

test('oracle: topics, keys, timestamps', () => {
  const record = { type: 'trade', exchange: 'binance', symbol: '币/A', interval: null }
  assert.deepEqual(placementOf(record, 'market.{type}.{exchange}.{symbol}', 1), {
    topic: 'market.trade.binance.xe5xb8x81x2fA',
    key: '币/A',
    partition: 0
  })
  assert.equal(topicSafe('BTC-USDT_2.x'), 'BTC-USDT_2.x')
  const now = 1_789_964_484_000_123n
  assert.equal(timestampOf(null, now), 1_789_964_484_000n)
  assert.equal(timestampOf(now - 1_000_000n, now), 1_789_964_483_000n)
  assert.equal(timestampOf(now + 300_000_001n, now), 1_789_964_484_000n)
  assert.equal(timestampOf(now - 3_600_000_001n, now), 1_789_964_484_000n)
})
