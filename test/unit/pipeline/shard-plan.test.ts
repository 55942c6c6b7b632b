import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupStreams, shardOf, shardOfStream } from '../../../src/pipeline/shard-plan.ts'

const streamsOf = (symbols: number, channels: readonly string[]) =>
  channels.flatMap((channel) =>
    Array.from({ length: symbols }, (_, n) => {
      return { name: `s${n}@${channel}`, channel, symbol: `S${n}` }
    })
  )

test('as few connections as the limit allows, none above it', () => {
  for (const [symbols, perConnection, count] of [
    [2, 200, 1],
    [100, 200, 2],
    [100, 100, 3],
    [341, 1024, 1],
    [342, 1024, 2]
  ] as const) {
    const streams = streamsOf(symbols, ['trade', 'kline_1m', 'ticker'])
    const groups = groupStreams(streams, perConnection)
    assert.equal(groups.length, count, `${symbols} symbols, ${perConnection}`)
    assert.ok(groups.every((group) => group.length <= perConnection && group.length > 0))
    assert.deepEqual(new Set(groups.flat()), new Set(streams))
  }
  assert.deepEqual(groupStreams([], 10), [])
})

test('streams of one symbol stay together', () => {
  const groups = groupStreams(streamsOf(100, ['trade', 'kline_1m']), 50)
  for (const group of groups) assert.equal(new Set(group.map(({ symbol }) => symbol)).size, 25)
})

test('the shard depends on exchange and symbol alone, and is the same in every version', () => {
  assert.deepEqual(
    ['BTCUSDT', 'ETHUSDT', 'BNBUSDT', 'SOLUSDT'].map((symbol) => shardOf('binance', symbol, 4)),
    [1, 2, 3, 0]
  )
  for (const stream of streamsOf(50, ['trade', 'kline_1m'])) {
    assert.equal(shardOfStream('x', stream, 3), shardOf('x', stream.symbol, 3))
    assert.equal(shardOfStream('x', stream, 1), 0)
  }
  const all = { name: '!miniTicker@arr', channel: '!miniTicker@arr', symbol: '' }
  assert.equal(shardOfStream('binance', all, 7), shardOf('binance', all.name, 7))
})

test('symbols spread over the shards about evenly, numbered and real ones', () => {
  for (const shards of [2, 3, 4, 8]) {
    const counts = new Array<number>(shards).fill(0)
    for (let n = 0; n < 4000; n++) {
      const shard = shardOf('binance', n % 2 === 0 ? `S${n}USDT` : `${n.toString(36)}BTC`, shards)
      counts[shard] = (counts[shard] as number) + 1
    }
    const even = 4000 / shards
    assert.ok(
      counts.every((count) => Math.abs(count - even) < even * 0.15),
      counts.join(' ')
    )
  }
})
