import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupStreams, ShardPlan } from '../../../src/pipeline/shard-plan.ts'

const streamsOf = (symbols: number, channels: readonly string[]) =>
  channels.flatMap((channel) =>
    Array.from({ length: symbols }, (_, n) => {
      return { name: `s${n}@${channel}`, channel, symbol: `S${n}` }
    })
  )

test('as few connections as the limit allows, but one per shard, none above the limit', () => {
  for (const [symbols, perConnection, shards, count] of [
    [2, 200, 1, 1],
    [2, 200, 2, 2],
    [1, 200, 4, 3],
    [100, 200, 1, 2],
    [100, 100, 2, 3],
    [400, 1024, 2, 2],
    [341, 1024, 1, 1],
    [342, 1024, 1, 2]
  ] as const) {
    const streams = streamsOf(symbols, ['trade', 'kline_1m', 'ticker'])
    const groups = groupStreams(streams, { streamsPerConnection: perConnection, shards })
    assert.equal(groups.length, count, `${symbols} symbols, ${perConnection}, ${shards} shards`)
    assert.ok(groups.every((group) => group.length <= perConnection && group.length > 0))
    assert.deepEqual(new Set(groups.flat()), new Set(streams))
  }
  assert.deepEqual(groupStreams([], { streamsPerConnection: 10, shards: 2 }), [])
})

test('streams of one symbol stay together', () => {
  const streams = streamsOf(100, ['trade', 'kline_1m'])
  const groups = groupStreams(streams, { streamsPerConnection: 50, shards: 2 })
  for (const group of groups) assert.equal(new Set(group.map(({ symbol }) => symbol)).size, 25)
})

test('the least loaded shard is next; loads go down again', () => {
  const plan = new ShardPlan(3)
  const taken = [5, 1, 2, 1, 3].map((streams) => {
    const shard = plan.leastLoaded()
    plan.add(shard, streams)
    return shard
  })
  assert.deepEqual(taken, [0, 1, 2, 1, 1])
  plan.add(0, -5)
  assert.equal(plan.leastLoaded(), 0)
})
