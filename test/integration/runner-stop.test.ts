/** Stopping, restarting and ending a runner: what waits is neither lost nor overtaken. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { shardOf } from '../../src/pipeline/shard-plan.ts'
import { createRig, type Rig, type RigOptions } from '../support/runner-rig.ts'
import { waitFor } from '../support/wait.ts'

let rig: Rig
afterEach(async () => {
  rig.sink.refuse = false
  await rig.end()
})

const subscription = (symbols: readonly string[]) => ({
  adapter: 'binance',
  channels: ['trade'],
  symbols
})

async function startRig(options: RigOptions = {}, symbols = ['BTCUSDT']): Promise<Rig> {
  rig = await createRig(options)
  await rig.runner.subscribe([subscription(symbols)])
  await rig.runner.start()
  await live()
  return rig
}

function live(): Promise<unknown> {
  return waitFor(
    () => {
      const { connections } = rig.runner.status()
      return connections.length > 0 && connections.every(({ state }) => state === 'live')
    },
    { timeoutMs: 8000, what: () => `live: ${JSON.stringify(rig.runner.status())}` }
  )
}

/** Publishes ids from `from` on while the ring refuses, until the socket is paused. */
async function stall(from: number): Promise<number> {
  rig.sink.refuse = true
  const pad = 'x'.repeat(1000)
  let id = from
  for (let round = 0; round < 20; round++) {
    for (let n = 0; n < 500; n++) {
      rig.exchange.publish('btcusdt@trade', `{"t":${id++},"pad":"${pad}"}`)
    }
    await delay(2)
  }
  await waitFor(() => rig.runner.status().connections[0]?.state === 'paused', {
    timeoutMs: 2000,
    what: 'paused'
  })
  return id
}

const ids = (): number[] =>
  rig.sink.texts().map((text) => Number(/"t":(\d+)/.exec(text)?.[1] ?? -1))

function assertAccounted(): void {
  const { received, accepted, ignored, shed, waiting } = rig.runner.accounting()
  assert.equal(received, accepted + ignored + shed + waiting)
  assert.equal(accepted, rig.sink.frames.length)
}

test('a stop on a stalled lane sheds nothing, reads nothing more, and comes back at once', async () => {
  const { exchange, runner, sink } = await startRig()
  await stall(1)
  await runner.stop()
  assert.equal(runner.status().state, 'stopped')
  const { waiting } = runner.accounting()
  // Ten megabytes were sent; resuming the socket would have brought thousands of frames more.
  assert.ok(waiting > 0 && waiting < 2000, `${waiting} frames wait`)
  assert.equal(runner.status().reason, `${waiting} frames still wait for a ring`)
  assert.equal(runner.summary().lastError, runner.status().reason)
  await waitFor(() => exchange.live().length === 0, { timeoutMs: 2000, what: 'closed' })
  await delay(200)
  assert.equal(runner.accounting().waiting, waiting)
  sink.refuse = false
  await waitFor(() => runner.accounting().waiting === 0, { timeoutMs: 2000, what: 'drained' })
  assert.deepEqual(
    ids(),
    Array.from({ length: waiting }, (_, n) => n + 1)
  )
  assert.equal(runner.accounting().shed, 0)
  assert.equal(runner.status().reason, null)
  assertAccounted()
})

for (const how of ['restart', 'stop and start', 'unsubscribe and subscribe'] as const) {
  test(`${how} on a stalled lane: older frames reach the ring first`, async () => {
    const { exchange, runner, sink } = await startRig()
    const next = await stall(1)
    const dials = exchange.dials
    if (how === 'restart') {
      await runner.restart()
    } else if (how === 'stop and start') {
      await runner.stop()
      await runner.start()
    } else {
      await runner.unsubscribe([subscription(['BTCUSDT'])])
      await runner.subscribe([subscription(['BTCUSDT'])])
    }
    const { waiting } = runner.accounting()
    assert.ok(waiting > 0)
    await delay(100)
    assert.equal(exchange.dials, dials, 'no dial while there is no room')
    sink.refuse = false
    await live()
    exchange.publish('btcusdt@trade', `{"t":${next}}`)
    await waitFor(() => ids().includes(next), { timeoutMs: 2000, what: 'the new frame' })
    const order = ids()
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b)
    )
    assert.equal(new Set(order).size, order.length)
    assert.equal(order.length, runner.accounting().accepted)
    assert.equal(runner.accounting().shed, 0)
    assert.equal(exchange.live().length, 1)
    assertAccounted()
  })
}

test('close waits its grace for the ring, then counts what is left as abandoned', async () => {
  const { runner } = await startRig()
  await stall(1)
  await runner.stop()
  const { waiting } = runner.accounting()
  await runner.close({ graceMs: 50 })
  assert.equal(runner.accounting().waiting, 0)
  assert.deepEqual(runner.shedByReason(), { overflow: 0, abandoned: waiting })
  assert.equal(runner.accounting().shed, waiting)
  assertAccounted()
  await assert.rejects(runner.start(), /closed/)
})

test('close within its grace sheds nothing when the ring takes the rest', async () => {
  const { runner, sink } = await startRig()
  await stall(1)
  const closed = runner.close({ graceMs: 60_000 })
  await delay(100)
  assert.ok(runner.accounting().waiting > 0)
  sink.refuse = false
  await closed
  assert.deepEqual(runner.shedByReason(), { overflow: 0, abandoned: 0 })
  assertAccounted()
})

test('with two shards no change and no restart ever moves a stream to the other', async () => {
  const symbols = Array.from({ length: 24 }, (_, n) => `S${n}USDT`)
  const { exchange, runner, sink } = await startRig(
    { symbols, shards: 2, config: { streamsPerConnection: 5, connectsPer5Minutes: 10_000 } },
    symbols.slice(0, 16)
  )
  const steps: readonly (() => Promise<unknown>)[] = [
    () => runner.unsubscribe([subscription(symbols.slice(0, 16))]),
    () => runner.subscribe([subscription(symbols.slice(8))]),
    () => runner.restart(),
    () => runner.unsubscribe([subscription(symbols.slice(9))]),
    () => runner.subscribe([subscription(symbols)]),
    () => runner.stop().then(() => runner.start())
  ]
  let id = 0
  let published = 0
  for (const step of steps) {
    await step()
    if (runner.status().streams === 0) continue
    await live()
    const subscribed = (): number => exchange.live().flatMap((one) => [...one.streams]).length
    await waitFor(() => subscribed() === runner.status().streams, {
      timeoutMs: 5000,
      what: () => `${subscribed()} of ${runner.status().streams}`
    })
    id += 1
    for (const symbol of symbols) {
      const stream = `${symbol.toLowerCase()}@trade`
      published += exchange.publish(stream, `{"s":"${symbol}","t":${id}}`)
    }
    await waitFor(() => sink.frames.length === published, { timeoutMs: 2000, what: 'data' })
    const shards = new Set(runner.status().connections.map(({ shard }) => shard))
    const wanted = runner.subscriptions().flatMap((one) => one.symbols)
    assert.deepEqual(shards, new Set(wanted.map((symbol) => shardOf('binance', symbol, 2))))
  }
  assert.equal(sink.frames.length, 16 + 16 + 1 + 24 + 24)
  for (const { shard, text } of sink.frames) {
    const { data } = JSON.parse(text) as { readonly data: { readonly s: string } }
    assert.equal(shard, shardOf('binance', data.s, 2), data.s)
  }
})

test('a stop and a later start are a gap of every stream that had flowed, a restart too', async () => {
  const { runner } = await startRig({}, ['BTCUSDT', 'ETHUSDT'])
  assert.equal(runner.counters.gaps.stopped, 0)
  await runner.stop()
  assert.equal(runner.counters.gaps.stopped, 0)
  await runner.unsubscribe([subscription(['ETHUSDT'])])
  await runner.start()
  assert.equal(runner.counters.gaps.stopped, 1)
  await live()
  await runner.restart()
  assert.equal(runner.counters.gaps.stopped, 1)
  assert.equal(runner.counters.gaps.restart, 1)
  assert.equal(runner.counters.gapsByChannel.get('trade'), 2)
})
