import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../../src/simulator/frame.ts'
import { Market, silentListener } from '../../../src/simulator/market.ts'
import { bookPayload, type TimeUnit } from '../../../src/simulator/payloads.ts'
import { StreamHub } from '../../../src/simulator/stream-hub.ts'
import { symbolSpecs } from '../../../src/simulator/symbols.ts'

const START_US = 1_767_571_200_000_000

interface Message {
  readonly [key: string]: unknown
  readonly E?: number
}
type Level = [string, string]

class Collector {
  readonly combined: boolean
  readonly timeUnit: TimeUnit
  readonly frames: Frame[] = []

  constructor(combined = false, timeUnit: TimeUnit = 'ms') {
    this.combined = combined
    this.timeUnit = timeUnit
  }

  enqueue(frame: Frame): void {
    this.frames.push(frame)
  }

  of(stream: string): Message[] {
    const found = this.frames.filter((frame) => frame.stream === stream)
    return found.map((frame) => JSON.parse(String(frame.data)) as Message)
  }
}

function setUp(names: readonly string[], collector = new Collector()) {
  const market = new Market({
    specs: symbolSpecs(8),
    seed: 11,
    startUs: START_US,
    tradesPerSecond: 400,
    historyRows: 100_000
  })
  market.advance(START_US + 30e6, silentListener)
  const hub = new StreamHub(market)
  for (const name of names) hub.subscribe(name, collector)
  const advance = (seconds: number): void => market.advance(market.nowUs + seconds * 1e6, hub)
  return { market, hub, collector, advance }
}

const KEYS: Readonly<Record<string, string>> = {
  'btcusdt@trade': 'e,E,s,t,p,q,T,m,M',
  'btcusdt@aggTrade': 'e,E,s,a,p,q,f,l,T,m,M',
  'btcusdt@blockTrade': 'e,E,s,t,p,q,T,m',
  'btcusdt@kline_1s': 'e,E,s,k',
  'btcusdt@kline_1m@+08:00': 'e,E,s,k',
  'btcusdt@miniTicker': 'e,E,s,c,o,h,l,v,q',
  'btcusdt@ticker': 'e,E,s,p,P,w,x,c,Q,b,B,a,A,o,h,l,v,q,O,C,F,L,n',
  'btcusdt@ticker_1h': 'e,E,s,p,P,w,o,h,l,c,v,q,O,C,F,L,n',
  'btcusdt@bookTicker': 'u,s,b,B,a,A',
  'btcusdt@avgPrice': 'e,E,s,i,w,T',
  'btcusdt@referencePrice': 'e,s,r,t',
  'btcusdt@depth5': 'lastUpdateId,bids,asks',
  'btcusdt@depth20@100ms': 'lastUpdateId,bids,asks',
  'btcusdt@depth': 'e,E,s,U,u,b,a',
  'btcusdt@depth@100ms': 'e,E,s,U,u,b,a'
}

test('every stream speaks with the keys of the exchange, in their order', () => {
  const { collector, advance } = setUp(Object.keys(KEYS))
  advance(60)
  for (const [stream, keys] of Object.entries(KEYS)) {
    const messages = collector.of(stream)
    assert.ok(messages.length > 0, `${stream} is silent`)
    for (const message of messages) assert.equal(Object.keys(message).join(), keys, stream)
  }
  const kline = collector.of('btcusdt@kline_1s')[0]?.['k'] as object
  assert.equal(Object.keys(kline).join(), 't,T,s,i,f,L,o,c,h,l,v,n,x,q,V,Q,B')
})

test('a candle that closes is shown closed once, then the next begins', () => {
  const { collector, advance } = setUp(['btcusdt@kline_1m'])
  advance(150)
  const klines = collector.of('btcusdt@kline_1m').map((each) => each['k'] as Message)
  const closed = klines.filter((kline) => kline['x'] === true)
  assert.deepEqual(
    closed.map((kline) => kline['t']),
    [0, 60_000, 120_000].map((offset) => START_US / 1000 + offset)
  )
  for (const kline of closed) assert.equal(kline['T'], (kline['t'] as number) + 59_999)
})

test('diffs follow one another, and partial depth and best prices agree with the rebuilt book', () => {
  const streams = ['depth@100ms', 'depth', 'depth20@100ms', 'bookTicker', 'depth5']
  const { market, collector, advance } = setUp(streams.map((each) => `btcusdt@${each}`))
  advance(0.1)
  const symbol = market.symbols.get('BTCUSDT')
  assert.ok(symbol !== undefined)
  const snapshot = JSON.parse(bookPayload(symbol, 5000)) as Record<string, unknown>
  advance(40)
  assert.equal(JSON.stringify(rebuild(snapshot, collector).live), bookPayload(symbol, 5000))
  const { compared } = rebuild(snapshot, collector)
  assert.ok(compared.partial > 300 && compared.best > 100, JSON.stringify(compared))
})

/** Applies every diff to the snapshot by the exchange's rules and compares at equal update ids. */
function rebuild(snapshot: Record<string, unknown>, collector: Collector) {
  const partial = new Map(
    collector.of('btcusdt@depth20@100ms').map((each) => [each['lastUpdateId'], each])
  )
  const best = new Map(collector.of('btcusdt@bookTicker').map((each) => [each['u'], each]))
  const bids = new Map(snapshot['bids'] as Level[])
  const asks = new Map(snapshot['asks'] as Level[])
  let id = snapshot['lastUpdateId'] as number
  const compared = { partial: 0, best: 0 }
  const top = (side: Map<string, string>, sign: number): Level[] =>
    [...side].sort(([left], [right]) => sign * (Number(right) - Number(left)))
  for (const diff of collector.of('btcusdt@depth@100ms')) {
    if ((diff['u'] as number) <= id) continue
    assert.equal(diff['U'], id + 1)
    for (const [side, key] of [
      [bids, 'b'],
      [asks, 'a']
    ] as const) {
      for (const [price, quantity] of diff[key] as Level[]) {
        if (quantity === '0.00000000') side.delete(price)
        else side.set(price, quantity)
      }
    }
    id = diff['u'] as number
    const shown = partial.get(id)
    assert.ok(shown !== undefined, 'no partial depth at this id')
    assert.deepEqual(shown['bids'], top(bids, 1).slice(0, 20))
    assert.deepEqual(shown['asks'], top(asks, -1).slice(0, 20))
    compared.partial += 1
    const quote = best.get(id)
    if (quote === undefined) continue
    assert.deepEqual([quote['b'], quote['B']], top(bids, 1)[0])
    assert.deepEqual([quote['a'], quote['A']], top(asks, -1)[0])
    compared.best += 1
  }
  return { compared, live: { lastUpdateId: id, bids: top(bids, 1), asks: top(asks, -1) } }
}

test('the slow diffs cover the fast ones exactly', () => {
  const { collector, advance } = setUp(['btcusdt@depth@100ms', 'btcusdt@depth'])
  advance(20)
  const fast = collector.of('btcusdt@depth@100ms')
  const slow = collector.of('btcusdt@depth')
  assert.equal(slow.length, 20)
  for (let index = 1; index < slow.length; index++) {
    assert.equal(slow[index]?.['U'], (slow[index - 1]?.['u'] as number) + 1)
  }
  assert.equal(slow[0]?.['U'], fast[0]?.['U'])
  assert.equal(slow.at(-1)?.['u'], fast.at(-1)?.['u'])
})

test('tickers equal the trades they name', () => {
  const names = ['trade', 'ticker', 'ticker_4h', 'miniTicker'].map((each) => `btcusdt@${each}`)
  const { market, collector, advance } = setUp(names)
  advance(30)
  const symbol = market.symbols.get('BTCUSDT')
  assert.ok(symbol !== undefined)
  const ticker = collector.of('btcusdt@ticker').at(-1) as Message
  assert.equal(ticker['n'], (ticker['L'] as number) - (ticker['F'] as number) + 1)
  assert.equal(ticker['F'], symbol.firstTradeId)
  let volume = 0n
  let quote = 0n
  for (let row = 0; row <= (ticker['L'] as number) - symbol.firstTradeId; row++) {
    const quantity = BigInt(symbol.trades.get(row, 2))
    volume += quantity
    quote += quantity * BigInt(symbol.trades.get(row, 1))
  }
  const digits = (text: unknown): bigint => BigInt(String(text).replace('.', ''))
  assert.equal(digits(ticker['v']), volume * 1000n)
  assert.equal(digits(ticker['q']), quote * 10n)
  const window = collector.of('btcusdt@ticker_4h').at(-1) as Message
  const mini = collector.of('btcusdt@miniTicker').at(-1) as Message
  for (const key of ['o', 'h', 'l', 'c', 'v', 'q']) {
    assert.equal(window[key], ticker[key], key)
    assert.equal(mini[key], ticker[key], key)
  }
  assert.equal((window['O'] as number) % 60_000, 0)
  assert.equal((ticker['C'] as number) - (ticker['O'] as number), 86_400_000)
})

test('market-wide arrays hold each symbol that changed, once', () => {
  const { collector, advance } = setUp(['!miniTicker@arr', '!ticker_1h@arr', '!ticker_1d@arr'])
  advance(5)
  for (const stream of ['!miniTicker@arr', '!ticker_1h@arr', '!ticker_1d@arr']) {
    const arrays = collector.of(stream) as unknown as Message[][]
    assert.equal(arrays.length, 5)
    const symbols = (arrays[0] as Message[]).map((each) => each['s'])
    assert.equal(new Set(symbols).size, symbols.length)
    assert.ok(symbols.includes('这是测试币456'))
  }
})

test('the four forms of one message differ in nothing but wrapper and time unit', () => {
  const name = '这是测试币456@aggTrade'
  const forms = [
    new Collector(false, 'ms'),
    new Collector(true, 'ms'),
    new Collector(false, 'us'),
    new Collector(true, 'us')
  ]
  const { hub, advance } = setUp([])
  for (const form of forms) hub.subscribe(name, form)
  advance(10)
  const [raw, combined, rawUs, combinedUs] = forms.map((form) => form.frames.map((f) => f.data))
  assert.ok(raw !== undefined && rawUs !== undefined && raw.length > 10)
  const wrap = (data: unknown): string => `{"stream":"${name}","data":${String(data)}}`
  assert.deepEqual(combined, raw.map(wrap))
  assert.deepEqual(combinedUs, rawUs.map(wrap))
  const trade = JSON.parse(String(rawUs[0])) as Message
  assert.equal(
    String(raw[0]),
    JSON.stringify({
      ...trade,
      E: Math.floor((trade.E as number) / 1000),
      T: Math.floor((trade['T'] as number) / 1000)
    })
  )
})

test('names that no stream has stay silent, and so does one that was given up', () => {
  const wrong = ['BTCUSDT@trade', 'btcusdt@kline_7m', 'nosuch@trade', 'btcusdt', 'btcusdt@depth7']
  const { hub, collector, advance } = setUp([...wrong, 'btcusdt@trade'])
  advance(1)
  const heard = collector.frames.length
  assert.ok(heard > 0)
  assert.ok(collector.frames.every((frame) => frame.stream === 'btcusdt@trade'))
  hub.unsubscribe('btcusdt@trade', collector)
  advance(1)
  assert.equal(collector.frames.length, heard)
})
