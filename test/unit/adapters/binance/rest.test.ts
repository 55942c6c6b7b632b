import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamActivity } from '../../../../src/adapters/adapter.ts'
import { BINANCE_CHANNELS } from '../../../../src/adapters/binance/channels.ts'
import { streamProbe } from '../../../../src/adapters/binance/probes.ts'
import { parseRestError, parseSymbols } from '../../../../src/adapters/binance/rest.ts'

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const seen = (lastId: number, advancedTimeUs = 1_800_000_000_000_000): StreamActivity => ({
  records: 100,
  receivedTimeUs: advancedTimeUs,
  advancedTimeUs,
  lastId
})
const probeOf = (channel: string, symbol = 'BTCUSDT') => {
  const probe = streamProbe({ name: '', channel, symbol })
  assert.ok(probe)
  return probe
}
const trade = (a: number, l: number, T: number): Uint8Array =>
  bytes([{ a, p: '1', q: '1', f: l, l, T, m: true, M: true }])

test('symbols with their state; rows that are none are left out', () => {
  const body = {
    symbols: [
      { symbol: 'BTCUSDT', status: 'TRADING' },
      { symbol: 'OLDUSDT', status: 'BREAK' },
      { status: 'TRADING' },
      null
    ]
  }
  assert.deepEqual(parseSymbols(bytes(body)), [
    { symbol: 'BTCUSDT', trading: true },
    { symbol: 'OLDUSDT', trading: false }
  ])
  for (const wrong of ['<html>', '{}', '[]', '{"symbols":3}']) {
    assert.throws(() => parseSymbols(Buffer.from(wrong)), { code: 'SLUICE_TRANSPORT_HTTP' })
  }
})

test('error bodies, and only those', () => {
  assert.deepEqual(parseRestError(bytes({ code: -1121, msg: 'Invalid symbol.' })), {
    code: -1121,
    message: 'Invalid symbol.',
    retry: false,
    bannedUntilMs: null
  })
  assert.equal(parseRestError(bytes({ code: '1', msg: 'x' })), null)
  assert.equal(parseRestError(Buffer.from('<html>')), null)
})

test('trade streams are behind when the exchange has a newer trade, and not otherwise', () => {
  const probe = probeOf('trade')
  assert.equal(probe.isAhead(trade(10, 501, 1_800_000_000_000), seen(500), 0), true)
  assert.equal(probe.isAhead(trade(10, 500, 1_800_000_000_000), seen(500), 0), false)
  assert.equal(probe.isAhead(bytes([]), seen(500), 0), false)
  assert.equal(probe.isAhead(Buffer.from('<html>'), seen(500), 0), false)
  const aggregate = probeOf('aggTrade')
  assert.equal(aggregate.isAhead(trade(10, 501, 1_800_000_000_000), seen(10), 0), false)
  assert.equal(aggregate.isAhead(trade(11, 501, 1_800_000_000_000), seen(10), 0), true)
})

test('a stream that never spoke is behind only if something was traded since it was subscribed', () => {
  const sinceUs = 1_800_000_000_000_000
  const probe = probeOf('trade')
  assert.equal(probe.isAhead(trade(1, 1, sinceUs / 1000 - 5000), null, sinceUs), false)
  assert.equal(probe.isAhead(trade(1, 1, sinceUs / 1000 + 9000), null, sinceUs), false)
  assert.equal(probe.isAhead(trade(1, 1, sinceUs / 1000 + 11_000), null, sinceUs), true)
})

test('an empty candle (last id −1) is judged by time, not by the id of the last candle', () => {
  const probe = probeOf('kline_1m')
  const advancedUs = 1_800_000_000_000_000
  assert.equal(
    probe.isAhead(trade(9, 700, advancedUs / 1000 - 3000), seen(-1, advancedUs), 0),
    false
  )
  assert.equal(
    probe.isAhead(trade(9, 700, advancedUs / 1000 + 20_000), seen(-1, advancedUs), 0),
    true
  )
  assert.equal(probe.isAhead(trade(9, 700, 0), seen(699, advancedUs), 0), true)
})

test('streams without ids compare event time with trade time, in ms or µs', () => {
  const probe = probeOf('miniTicker')
  assert.equal(probe.isAhead(trade(1, 1, 1_800_000_000_001), seen(1_800_000_000_000_000), 0), true)
  assert.equal(
    probe.isAhead(trade(1, 1, 1_800_000_000_000_001), seen(1_800_000_000_000_000), 0),
    true
  )
  assert.equal(probe.isAhead(trade(1, 1, 1_800_000_000_000), seen(1_800_000_000_000_000), 0), false)
})

test('depth compares update ids; best prices and partial books compare what they show', () => {
  const depth = probeOf('depth@100ms')
  assert.equal(depth.isAhead(bytes({ lastUpdateId: 8, bids: [], asks: [] }), seen(7), 0), true)
  assert.equal(depth.isAhead(bytes({ lastUpdateId: 7, bids: [], asks: [] }), seen(7), 0), false)
  const best = probeOf('bookTicker')
  const quote = { symbol: 'B', bidPrice: '1', bidQty: '2', askPrice: '3', askQty: '4' }
  assert.equal(best.kind, 'change')
  assert.equal(best.fingerprint(bytes(quote)), best.fingerprint(bytes({ ...quote, symbol: 'C' })))
  assert.notEqual(
    best.fingerprint(bytes(quote)),
    best.fingerprint(bytes({ ...quote, askQty: '5' }))
  )
  assert.equal(best.fingerprint(bytes({})), null)
  const book = probeOf('depth20@100ms')
  assert.match(book.path, /limit=20$/)
  const levels = (id: number, price: string) =>
    bytes({ lastUpdateId: id, bids: [[price, '1']], asks: [] })
  assert.equal(book.fingerprint(levels(1, '5')), book.fingerprint(levels(2, '5')))
  assert.notEqual(book.fingerprint(levels(1, '5')), book.fingerprint(levels(1, '6')))
})

test('every channel either has a probe or is rare by nature; symbols are encoded', () => {
  const without = [...BINANCE_CHANNELS.values()]
    .filter(({ name }) => streamProbe({ name: '', channel: name, symbol: 'A' }) === null)
    .map(({ name }) => name)
  assert.deepEqual(without, ['blockTrade', 'referencePrice'])
  assert.match(probeOf('trade', '币').path, /symbol=%E5%B8%81&/)
  assert.match(probeOf('!miniTicker@arr', '').path, /symbol=BTCUSDT&/)
})
