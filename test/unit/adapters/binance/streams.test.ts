import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KLINE_INTERVALS } from '../../../../src/adapters/binance/channels.ts'
import { connectionPlan, resolveStreams } from '../../../../src/adapters/binance/streams.ts'

const SYMBOLS = new Map(
  ['BTCUSDT', 'ETHUSDT', '这是测试币456'].map((symbol) => [symbol, { symbol, trading: true }])
)
const of = (channels: readonly string[], symbols: readonly string[]) => ({
  adapter: 'binance',
  channels,
  symbols
})
const names = (channels: readonly string[], symbols: readonly string[]) =>
  resolveStreams([of(channels, symbols)], SYMBOLS).streams.map(({ name }) => name)

test('every documented channel has its stream name', () => {
  const perSymbol = [
    'trade',
    'aggTrade',
    'blockTrade',
    'ticker',
    'ticker_1h',
    'ticker_4h',
    'ticker_1d',
    'miniTicker',
    'bookTicker',
    'avgPrice',
    'referencePrice',
    'depth',
    'depth@100ms',
    'depth5',
    'depth10',
    'depth20',
    'depth5@100ms',
    'depth10@100ms',
    'depth20@100ms',
    ...KLINE_INTERVALS.map((interval) => `kline_${interval}`),
    'kline_1d@+08:00'
  ]
  assert.deepEqual(
    names(perSymbol, ['BTCUSDT']),
    perSymbol.map((channel) => `btcusdt@${channel}`)
  )
  const market = ['!miniTicker@arr', '!ticker_1h@arr', '!ticker_4h@arr', '!ticker_1d@arr']
  assert.deepEqual(names(market, []), market)
})

test('months and minutes differ, retired and misspelt channels are unknown', () => {
  const wrong = [
    'kline_1mo',
    'kline_1D',
    'booktick',
    '!ticker@arr',
    '!bookTicker',
    'depth50',
    '__proto__',
    ''
  ]
  assert.deepEqual(resolveStreams([of(wrong, ['BTCUSDT'])], SYMBOLS).unknownChannels, wrong)
  assert.deepEqual(names(['kline_1M', 'kline_1m'], ['BTCUSDT']), [
    'btcusdt@kline_1M',
    'btcusdt@kline_1m'
  ])
})

test('everything unknown is listed over all subscriptions, each once', () => {
  const resolution = resolveStreams(
    [of(['trade', 'foo'], ['BTCUSDT', 'X1', 'x1']), of(['bar', 'foo'], ['X2', 'ETHUSDT'])],
    SYMBOLS
  )
  assert.deepEqual(resolution.unknownChannels, ['foo', 'bar'])
  assert.deepEqual(resolution.unknownSymbols, ['X1', 'X2'])
})

test('symbols of any script keep their letters; only ASCII is folded', () => {
  assert.deepEqual(names(['trade'], ['btcusdt', 'BTCUSDT', '这是测试币456']), [
    'btcusdt@trade',
    '这是测试币456@trade'
  ])
})

test('what could break out of a stream name is no symbol even where no list is known', () => {
  for (const symbol of [
    'A/b@trade',
    'A@trade',
    'A"',
    'A&x=1',
    '',
    ' ',
    'A'.repeat(65),
    'A\u0000'
  ]) {
    const resolution = resolveStreams([of(['trade'], [symbol])], null)
    assert.equal(resolution.streams.length, 0, JSON.stringify(symbol))
    assert.equal(resolution.unknownSymbols.length, 1)
  }
})

test('a channel without symbols and a subscription without channels are problems, not nothing', () => {
  assert.deepEqual(resolveStreams([of(['trade'], [])], SYMBOLS).problems, [
    'channel trade needs symbols'
  ])
  assert.equal(resolveStreams([of([], ['BTCUSDT'])], SYMBOLS).problems.length, 1)
})

test('the URL asks for µs, stays below its limit, and the rest is left for SUBSCRIBE', () => {
  const streams = Array.from({ length: 1000 }, (_, n) => `symbol${n}usdt@kline_1d@+08:00`)
  const plan = connectionPlan('wss://stream.binance.com:9443', streams)
  const url = new URL(plan.url)
  assert.ok(plan.url.length <= 7000 && plan.url.length > 6900)
  assert.equal(url.pathname, '/stream')
  assert.equal(url.searchParams.get('timeUnit'), 'MICROSECOND')
  const inUrl = (url.searchParams.get('streams') ?? '').split('/')
  assert.deepEqual([...inUrl, ...plan.remaining], streams)
  assert.ok(plan.remaining.length > 0)
})

test('a base URL may carry a path or an endpoint; what is no ws URL is refused', () => {
  const url = (base: string) => connectionPlan(base, ['a@trade']).url
  const query = '?timeUnit=MICROSECOND&streams=a@trade'
  assert.equal(url('ws://127.0.0.1:9000/'), `ws://127.0.0.1:9000/stream${query}`)
  assert.equal(url('ws://h/stream'), `ws://h/stream${query}`)
  assert.equal(url('wss://h/sub/ws/'), `wss://h/sub/stream${query}`)
  assert.equal(connectionPlan('ws://h', []).url, 'ws://h/stream?timeUnit=MICROSECOND')
  for (const wrong of ['http://h', 'h:80', '', 'wss//x']) {
    assert.throws(() => url(wrong), { code: 'SLUICE_CONFIG_INVALID' }, wrong)
  }
})
