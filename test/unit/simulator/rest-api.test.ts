import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SPOT_LIMITS } from '../../../src/simulator/limits.ts'
import { Market, silentListener } from '../../../src/simulator/market.ts'
import { answerRest, type RestSource, restWeight } from '../../../src/simulator/rest-api.ts'
import { symbolSpecs } from '../../../src/simulator/symbols.ts'

const START_US = 1_767_571_200_000_000
const market = new Market({
  specs: symbolSpecs(3),
  seed: 5,
  startUs: START_US,
  tradesPerSecond: 300,
  historyRows: 4000
})
market.advance(START_US + 90e6, silentListener)
const btc = market.symbols.get('BTCUSDT')
const source: RestSource = {
  specs: new Map([...market.symbols].map(([name, each]) => [name, each.spec])),
  markets: market.symbols,
  limits: SPOT_LIMITS,
  nowUs: () => market.nowUs,
  recordedDepth: () => null
}

function get(pathAndQuery: string, timeUnit = ''): { status: number; body: unknown } {
  const [path = '', query = ''] = pathAndQuery.split('?')
  const answer = answerRest({ path: `/api/v3/${path}`, query, timeUnit }, source)
  return { status: answer.status, body: JSON.parse(String(answer.body)) }
}

const rows = (pathAndQuery: string, timeUnit = ''): Record<string, number>[] => {
  const { status, body } = get(pathAndQuery, timeUnit)
  assert.equal(status, 200, JSON.stringify(body))
  return body as Record<string, number>[]
}

test('aggregate trades page by id without hole, by time to the millisecond', () => {
  const all: Record<string, number>[] = []
  let from = btc?.firstAggregateId ?? 0
  for (;;) {
    const page = rows(`aggTrades?symbol=BTCUSDT&fromId=${from}&limit=700`)
    all.push(...page)
    if (page.length < 700) break
    from = (page.at(-1)?.['a'] ?? 0) + 1
  }
  assert.equal(all.length, 4000)
  assert.equal(all.at(-1)?.['a'], (btc?.firstAggregateId ?? 0) + (btc?.aggregates.end ?? 0) - 1)
  for (let index = 1; index < all.length; index++) {
    assert.equal(all[index]?.['a'], (all[index - 1]?.['a'] ?? 0) + 1)
    assert.equal(all[index]?.['f'], (all[index - 1]?.['l'] ?? 0) + 1)
  }
  const latest = rows('aggTrades?symbol=BTCUSDT&limit=5')
  assert.deepEqual(latest, all.slice(-5))
  const middle = all[Math.floor(all.length / 2)]?.['T'] ?? 0
  const same = all.filter((row) => row['T'] === middle)
  assert.deepEqual(rows(`aggTrades?symbol=BTCUSDT&startTime=${middle}&endTime=${middle}`), same)
  const until = all.filter((row) => (row['T'] ?? 0) <= middle).slice(-10)
  assert.deepEqual(rows(`aggTrades?symbol=BTCUSDT&endTime=${middle}&limit=10`), until)
  const since = all.filter((row) => (row['T'] ?? 0) >= middle).slice(0, 10)
  assert.deepEqual(rows(`aggTrades?symbol=BTCUSDT&startTime=${middle}000&limit=10`), since)
})

test('trades, and older ones by id; the oldest kept is where they begin', () => {
  const newest = rows('trades?symbol=BTCUSDT&limit=3')
  const from = newest[0]?.['id'] ?? 0
  assert.deepEqual(rows(`historicalTrades?symbol=BTCUSDT&fromId=${from}`), newest)
  const oldest = rows('historicalTrades?symbol=BTCUSDT&fromId=1&limit=1')[0]?.['id'] ?? 0
  assert.equal(oldest, (btc?.firstTradeId ?? 0) + (btc?.trades.start ?? 0))
  assert.ok((btc?.trades.start ?? 0) > 0, 'the log never wrapped')
  const micro = rows('trades?symbol=BTCUSDT&limit=1', 'MICROSECOND')[0]?.['time'] ?? 0
  assert.equal(Math.floor(micro / 1000), newest.at(-1)?.['time'])
})

test('candles by open time, the running one with everything until now', () => {
  const minutes = rows('klines?symbol=BTCUSDT&interval=1m') as unknown as (string | number)[][]
  assert.deepEqual(
    minutes.map((row) => [row[0], row[6]]),
    [0, 1].map((minute) => {
      const open = START_US / 1000 + minute * 60_000
      return [open, open + 59_999]
    })
  )
  assert.equal(
    minutes.reduce((sum, row) => sum + Number(row[8]), 0),
    btc?.trades.end
  )
  const second = rows(
    `klines?symbol=BTCUSDT&interval=1s&startTime=${START_US / 1000 + 5000}&limit=2`
  )
  assert.equal((second as unknown as number[][])[0]?.[0], START_US / 1000 + 5000)
  assert.equal(minutes[0]?.length, 12)
})

test('depth obeys its limit, and tickers agree with one another', () => {
  const depth = get('depth?symbol=BTCUSDT&limit=5').body as { bids: string[][] }
  assert.equal(depth.bids.length, 5)
  const best = get('ticker/bookTicker?symbol=BTCUSDT').body as Record<string, string>
  assert.deepEqual(depth.bids[0], [best['bidPrice'], best['bidQty']])
  const day = get('ticker/24hr?symbol=BTCUSDT').body as Record<string, unknown>
  const rolling = get('ticker?symbol=BTCUSDT&windowSize=7d').body as Record<string, unknown>
  for (const key of [
    'openPrice',
    'highPrice',
    'volume',
    'quoteVolume',
    'firstId',
    'lastId',
    'count'
  ]) {
    assert.equal(rolling[key], day[key], key)
  }
  assert.equal((get('ticker/price').body as unknown[]).length, 3)
  const pair = encodeURIComponent('["BTCUSDT","BNBUSDT"]')
  assert.equal((get(`ticker/24hr?type=MINI&symbols=${pair}`).body as unknown[]).length, 2)
  const info = get(`exchangeInfo?symbols=${pair}&showPermissionSets=false`).body as {
    symbols: { permissionSets: unknown[] }[]
  }
  assert.deepEqual(
    info.symbols.map((each) => each.permissionSets),
    [[], []]
  )
})

test('bad requests get the documented codes', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['depth', -1102],
    ['depth?symbol=', -1105],
    ['depth?symbol=NOPE', -1121],
    ['depth?symbol=BTCUSDT&limit=x', -1100],
    ['depth?symbol=BTCUSDT&limit=0', -1130],
    ['depth?symbol=BTCUSDT&color=red', -1104],
    ['klines?symbol=BTCUSDT&interval=7m', -1120],
    ['klines?symbol=BTCUSDT&interval=1m&startTime=1', -1130],
    ['klines?symbol=BTCUSDT&interval=1m&startTime=99999999999999', -1130],
    ['aggTrades?symbol=BTCUSDT&fromId=1&startTime=1767571200000', -1128],
    ['ticker/24hr?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D', -1128],
    ['exchangeInfo?symbols=BTCUSDT', -1100],
    ['exchangeInfo?symbol=BTCUSDT&symbolStatus=TRADING', -1128],
    ['exchangeInfo?symbolStatus=SLEEPING', -1122],
    ['ticker', -1102]
  ]
  for (const [request, code] of cases) {
    const { status, body } = get(request)
    assert.deepEqual([status, (body as { code: number }).code], [400, code], request)
  }
})

test('weights are the documented ones', () => {
  const weight = (pathAndQuery: string): number | null => {
    const [path = '', query = ''] = pathAndQuery.split('?')
    return restWeight({ path: `/api/v3/${path}`, query, timeUnit: '' })
  }
  const symbols = (count: number): string =>
    encodeURIComponent(JSON.stringify(Array.from({ length: count }, (_, index) => `S${index}`)))
  const expected: readonly (readonly [string, number | null])[] = [
    ['ping', 1],
    ['exchangeInfo', 20],
    ['depth?symbol=A', 5],
    ['depth?limit=101', 25],
    ['depth?limit=1000', 50],
    ['depth?limit=5000', 250],
    ['trades', 25],
    ['aggTrades', 4],
    ['klines', 2],
    ['ticker/24hr?symbol=A', 2],
    ['ticker/24hr', 80],
    [`ticker/24hr?symbols=${symbols(21)}`, 40],
    ['ticker/price', 4],
    ['ticker/bookTicker?symbol=A', 2],
    [`ticker?symbols=${symbols(100)}`, 200],
    ['nothing', null]
  ]
  for (const [request, value] of expected) assert.equal(weight(request), value, request)
})
