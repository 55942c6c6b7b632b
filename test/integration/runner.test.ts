import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { SluiceError } from '../../src/core/errors.ts'
import { shardOf } from '../../src/pipeline/shard-plan.ts'
import { createRig, type Rig, type RigOptions } from '../support/runner-rig.ts'
import type { TinyConnection } from '../support/tiny-exchange.ts'
import { waitFor } from '../support/wait.ts'

let rig: Rig
afterEach(() => rig.end())

const subscription = (channels: readonly string[], symbols: readonly string[]) => ({
  adapter: 'binance',
  channels,
  symbols
})

async function startRig(options: RigOptions = {}, symbols = ['BTCUSDT']): Promise<Rig> {
  rig = await createRig(options)
  await rig.runner.subscribe([subscription(['trade'], symbols)])
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

const received = (count: number): Promise<unknown> =>
  waitFor(() => rig.sink.frames.length >= count, {
    timeoutMs: 8000,
    what: () => `${count} frames, have ${rig.sink.frames.length}`
  })

/** received = in the ring + ignored + shed + waiting, to the frame. */
function assertAccounted(): void {
  const { received: all, accepted, ignored, shed, waiting } = rig.runner.accounting()
  assert.equal(all, accepted + ignored + shed + waiting)
  assert.equal(accepted, rig.sink.frames.length)
}

test('streams in the URL flow as they came, in µs, on one connection', async () => {
  const { exchange, sink } = await startRig()
  assert.match(exchange.connections[0]?.url ?? '', /timeUnit=MICROSECOND&streams=btcusdt@trade$/)
  for (let id = 1; id <= 500; id++) exchange.publish('btcusdt@trade', `{"t":${id}}`)
  await received(500)
  assert.deepEqual(
    sink.texts(),
    Array.from({ length: 500 }, (_, n) => `{"stream":"btcusdt@trade","data":{"t":${n + 1}}}`)
  )
  assert.ok(sink.frames.every(({ meta }) => meta.streamName === null && !meta.binary))
  assertAccounted()
})

test('a reset is answered by one new connection at once, and counted with its gap', async () => {
  const { exchange, runner } = await startRig()
  exchange.connections[0]?.raw.resetAndDestroy()
  await waitFor(() => exchange.connections.length === 2, { timeoutMs: 1000, what: 'redial' })
  await live()
  exchange.publish('btcusdt@trade', '{"t":2}')
  await received(1)
  assert.equal(runner.counters.reconnects.reset, 1)
  assert.equal(runner.counters.gaps.reset, 1)
  assert.equal(runner.counters.gapsByChannel.get('trade'), 1)
  assertAccounted()
})

test('a shutdown notice is a control frame and reopens the connection', async () => {
  const { exchange, runner, sink } = await startRig()
  const notice = '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'
  exchange.connections[0]?.socket.send(notice)
  await waitFor(() => exchange.connections.length === 2, { timeoutMs: 1000, what: 'redial' })
  assert.equal(runner.counters.reconnects.server_shutdown, 1)
  assert.equal(sink.frames.length, 0)
  assert.equal(runner.accounting().ignored, 1)
})

test('data in an odd key order and unreadable frames go to the ring all the same', async () => {
  const { exchange, sink } = await startRig()
  const odd = '{"data":{"t":1},"stream":"btcusdt@trade"}'
  exchange.connections[0]?.socket.send(odd)
  exchange.connections[0]?.socket.send('{"half')
  exchange.connections[0]?.socket.send(Buffer.from([1, 2]), { binary: true })
  await received(3)
  assert.deepEqual(sink.texts().slice(0, 2), [odd, '{"half'])
  assert.equal(sink.frames[2]?.meta.binary, true)
  assertAccounted()
})

test('adding and removing one stream touches no other and opens no connection', async () => {
  const { exchange, runner } = await startRig()
  const added = await runner.subscribe([subscription(['trade'], ['ETHUSDT'])])
  assert.deepEqual(added, { added: ['ethusdt@trade'], removed: [] })
  const [connection] = exchange.connections as [TinyConnection]
  await waitFor(() => connection.streams.has('ethusdt@trade'), { timeoutMs: 2000, what: 'added' })
  const removed = await runner.unsubscribe([subscription(['trade'], ['ETHUSDT'])])
  assert.deepEqual(removed, { added: [], removed: ['ethusdt@trade'] })
  await waitFor(() => !connection.streams.has('ethusdt@trade'), { timeoutMs: 2000, what: 'gone' })
  assert.equal(exchange.dials, 1)
  assert.deepEqual(
    connection.messages.map(({ text }) => JSON.parse(text)),
    [
      { method: 'SUBSCRIBE', params: ['ethusdt@trade'], id: 1 },
      { method: 'UNSUBSCRIBE', params: ['ethusdt@trade'], id: 2 }
    ]
  )
})

test('every unknown channel and symbol is named, and nothing is subscribed', async () => {
  const { runner } = await startRig()
  await assert.rejects(
    runner.subscribe([
      subscription(['trades', 'trade', 'kline_7m'], ['XBTUSD']),
      subscription(['trade'], ['ETHUSDT', 'NOPE'])
    ]),
    /unknown channels: trades, kline_7m; unknown symbols: XBTUSD, NOPE/
  )
  await assert.rejects(
    runner.subscribe([subscription(['trade'], ['XBTUSD', 'ETHUSDT', 'NOPE'])]),
    (error: SluiceError) => {
      assert.equal(error.code, 'SLUICE_EXCHANGE_SUBSCRIPTION')
      assert.match(error.message, /unknown symbols: XBTUSD, NOPE/)
      return true
    }
  )
  assert.equal(runner.status().streams, 1)
})

test('a symbol listed after the start is found; a delisted one does not block other changes', async () => {
  const { exchange, runner } = await startRig({ tuning: { symbolsFreshMs: 0 } }, [
    'BTCUSDT',
    'ETHUSDT'
  ])
  exchange.symbols = ['BTCUSDT', 'NEWUSDT']
  const added = await runner.subscribe([subscription(['trade'], ['NEWUSDT'])])
  assert.deepEqual(added.added, ['newusdt@trade'])
  const removed = await runner.unsubscribe([subscription(['trade'], ['BTCUSDT'])])
  assert.deepEqual(removed.removed, ['btcusdt@trade'])
  assert.equal(runner.status().streams, 2)
  assert.equal(exchange.dials, 1)
})

test('streams that two subscriptions name leave with the last of them', async () => {
  const { exchange, runner } = await startRig({}, ['BTCUSDT', 'ETHUSDT'])
  assert.deepEqual(await runner.subscribe([subscription(['trade'], ['BTCUSDT'])]), {
    added: [],
    removed: []
  })
  const first = await runner.unsubscribe([subscription(['trade'], ['BTCUSDT', 'ETHUSDT'])])
  assert.deepEqual(first.removed, ['ethusdt@trade'])
  const second = await runner.unsubscribe([subscription(['trade'], ['BTCUSDT'])])
  assert.deepEqual(second.removed, ['btcusdt@trade'])
  await waitFor(() => exchange.live().length === 0, { timeoutMs: 3000, what: 'closed' })
  await assert.rejects(runner.unsubscribe([subscription(['trade'], ['BTCUSDT'])]), /not subscribed/)
})

test('new streams fill the connections of their shard before new ones are opened', async () => {
  const all = Array.from({ length: 80 }, (_, n) => `S${n}USDT`)
  const ofShard = (shard: number): string[] =>
    all.filter((symbol) => shardOf('binance', symbol, 2) === shard)
  const [even, odd] = [ofShard(0), ofShard(1)]
  const { exchange, runner } = await startRig(
    { symbols: all, shards: 2, config: { streamsPerConnection: 10 } },
    [...even.slice(0, 12), ...odd.slice(0, 3)]
  )
  const streams = (): readonly (readonly [number, number])[] =>
    runner.status().connections.map((one) => [one.shard, one.streams] as const)
  const sorted = (): unknown => [...streams()].sort(([a], [b]) => a - b)
  assert.deepEqual(sorted(), [
    [0, 6],
    [0, 6],
    [1, 3]
  ])
  await runner.subscribe([subscription(['trade'], [...even.slice(12, 20), ...odd.slice(3, 10)])])
  assert.deepEqual(sorted(), [
    [0, 10],
    [0, 10],
    [1, 10]
  ])
  assert.equal(exchange.dials, 3)
  await runner.subscribe([subscription(['trade'], odd.slice(10, 13))])
  assert.equal(runner.status().connections.length, 4)
  await live()
  assert.equal(exchange.dials, 4)
  const carried = (): number => exchange.live().flatMap((one) => [...one.streams]).length
  await waitFor(() => carried() === 33, { timeoutMs: 3000, what: () => `33, have ${carried()}` })
})

test('unknown symbols refuse the start, naming all of them', async () => {
  rig = await createRig()
  await rig.runner.subscribe([subscription(['trade'], ['A', 'BTCUSDT', 'B'])])
  await assert.rejects(rig.runner.start(), /unknown symbols: A, B/)
  assert.equal(rig.runner.status().state, 'failed')
  assert.equal(rig.exchange.dials, 0)
})

test('without exchangeInfo nothing is dialled and the status says why; then it starts', async () => {
  rig = await createRig()
  const { exchange, runner } = rig
  exchange.behaviour.rest.set('/api/v3/exchangeInfo', () => ({
    status: 503,
    body: '<html>',
    headers: { 'content-type': 'text/html' }
  }))
  await runner.subscribe([subscription(['trade'], ['BTCUSDT'])])
  const started = runner.start()
  await waitFor(() => exchange.requests.length >= 2, { timeoutMs: 5000, what: 'retry' })
  assert.match(runner.status().reason ?? '', /symbols are not known yet: .*503 \(an HTML page/)
  assert.equal(exchange.dials, 0)
  exchange.behaviour.rest.clear()
  await started
  await live()
})

test('a missing acknowledgement is made good by the listing', async () => {
  const { exchange, runner } = await startRig({ config: { timeouts: shortAck } })
  exchange.behaviour.control = (text) => (text.includes('"SUBSCRIBE"') ? 'ignore' : 'obey')
  await runner.subscribe([subscription(['trade'], ['ETHUSDT'])])
  await waitFor(() => runner.counters.acknowledged === 1, { timeoutMs: 3000, what: 'listing' })
  assert.equal(runner.counters.acknowledgeLate, 1)
  assert.equal(exchange.dials, 1)
})

test('a SUBSCRIBE without effect replaces the connection, the new one before the old', async () => {
  const { exchange, runner } = await startRig({ config: { timeouts: shortAck } })
  exchange.behaviour.control = (text) => (text.includes('"SUBSCRIBE"') ? 'swallow' : 'obey')
  await runner.subscribe([subscription(['trade'], ['ETHUSDT'])])
  await waitFor(() => exchange.connections.length === 2, { timeoutMs: 3000, what: 'second' })
  assert.equal(exchange.connections[1]?.openBefore, 1)
  await waitFor(() => exchange.live().length === 1, { timeoutMs: 3000, what: 'first closed' })
  assert.ok(exchange.live()[0]?.streams.has('ethusdt@trade'))
  assert.equal(runner.counters.reconnects.acknowledge, 1)
  await live()
})

for (const [shape, error] of [
  ['wrapped', (id: number) => `{"error":{"code":2,"msg":"Invalid request"},"id":${id}}`],
  ['flat', (id: number) => `{"code":2,"msg":"Invalid request","id":${id}}`],
  ['flat without an id', () => '{"code":3,"msg":"Invalid JSON"}']
] as const) {
  test(`a ${shape} error answer is looked into and the connection replaced`, async () => {
    const { exchange, runner } = await startRig()
    exchange.behaviour.control = (text, connection) => {
      if (!text.includes('"SUBSCRIBE"')) return 'obey'
      connection.socket.send(error((JSON.parse(text) as { readonly id: number }).id))
      return 'swallow'
    }
    await runner.subscribe([subscription(['trade'], ['ETHUSDT'])])
    await waitFor(() => runner.counters.reconnects.acknowledge === 1, {
      timeoutMs: 3000,
      what: 'replaced'
    })
    assert.equal(runner.counters.controlErrors, 1)
    assert.ok(exchange.live().some(({ streams }) => streams.has('ethusdt@trade')))
  })
}

const shortAck = {
  connectMs: 4000,
  handshakeMs: 4000,
  idleMs: 45_000,
  requestMs: 5000,
  acknowledgeMs: 200
}

test('long lists are chunked below 4,000 bytes and sent at most 5 in a second', async () => {
  const symbols = Array.from({ length: 1000 }, (_, n) => `SYMBOLWITHALONGNAME${n}USDT`)
  const { exchange } = await startRig({ symbols, config: { streamsPerConnection: 1000 } }, symbols)
  const [connection] = exchange.connections as [TinyConnection]
  assert.equal(connection.streams.size, 1000)
  assert.ok(connection.url.length < 8000)
  const { messages } = connection
  assert.ok(messages.length >= 5)
  assert.ok(messages.every(({ text }) => Buffer.byteLength(text) < 4000))
  for (let index = 5; index < messages.length; index++) {
    const spanMs = (messages[index]?.atMs ?? 0) - (messages[index - 5]?.atMs ?? 0)
    assert.ok(spanMs > 1000, `6 messages in ${spanMs} ms`)
  }
})

test('a full ring pauses the socket; nothing is lost, reordered or doubled', async () => {
  const { exchange, runner, sink } = await startRig()
  sink.refuse = true
  const pad = 'x'.repeat(1000)
  let id = 0
  for (let round = 0; round < 40; round++) {
    for (let n = 0; n < 250; n++) exchange.publish('btcusdt@trade', `{"t":${++id},"pad":"${pad}"}`)
    await delay(5)
  }
  await waitFor(() => runner.status().connections[0]?.state === 'paused', {
    timeoutMs: 2000,
    what: 'paused'
  })
  // Ten megabytes were sent; only what the socket had buffered may have been handed over.
  const { waiting } = runner.accounting()
  assert.ok(waiting > 0 && waiting < 2000, `${waiting} frames wait`)
  sink.refuse = false
  await received(id)
  const ids = sink.texts().map((text) => Number(/"t":(\d+)/.exec(text)?.[1]))
  assert.deepEqual(
    ids,
    Array.from({ length: id }, (_, n) => n + 1)
  )
  assert.equal(runner.accounting().shed, 0)
  assert.ok(runner.pauses().count >= 1 && runner.pauses().totalMs > 0)
  assert.equal(exchange.dials, 1)
  assertAccounted()
})

test('a ring with little room left pauses the socket before it is full', async () => {
  const { exchange, runner, sink } = await startRig()
  sink.free = 1000
  exchange.publish('btcusdt@trade', '{"t":1}')
  await waitFor(() => runner.status().connections[0]?.state === 'paused', {
    timeoutMs: 2000,
    what: 'paused'
  })
  assert.equal(sink.frames.length, 1)
  sink.free = sink.ringBytes
  exchange.publish('btcusdt@trade', '{"t":2}')
  await received(2)
})

test('a stall that lasts closes the connection; it comes back when there is room', async () => {
  const { exchange, runner, sink } = await startRig({ tuning: { stallMs: 300 } })
  sink.refuse = true
  exchange.publish('btcusdt@trade', '{"t":1}')
  await waitFor(() => runner.counters.reconnects.stalled === 1, { timeoutMs: 3000, what: 'closed' })
  await delay(200)
  assert.equal(exchange.dials, 1, 'no dial while there is no room')
  sink.refuse = false
  await live()
  assert.equal(exchange.dials, 2)
  assert.equal(runner.counters.gaps.stalled, 1)
  assert.deepEqual(sink.texts(), ['{"stream":"btcusdt@trade","data":{"t":1}}'])
  assertAccounted()
})

test('a list that overflows closes the connection, and every frame of it is counted', async () => {
  const { exchange, runner, sink } = await startRig({ tuning: { waitingFramesMax: 10 } })
  sink.refuse = true
  for (let id = 1; id <= 100; id++) exchange.publish('btcusdt@trade', `{"t":${id}}`)
  await waitFor(() => runner.counters.reconnects.overflow === 1, {
    timeoutMs: 3000,
    what: 'closed'
  })
  sink.refuse = false
  await live()
  const { shed } = runner.accounting()
  assert.ok(shed > 0)
  assert.equal(sink.frames.length, 10)
  assertAccounted()
})

test('the exchange going away and coming back: data again within 5 s', async () => {
  const { exchange, runner } = await startRig()
  await exchange.close()
  await waitFor(() => runner.counters.connects.refused >= 2, { timeoutMs: 8000, what: 'refused' })
  assert.match(runner.status().reason ?? '', /ECONNREFUSED/)
  await exchange.open()
  await waitFor(() => exchange.publish('btcusdt@trade', '{"t":9}') > 0, {
    timeoutMs: 5000,
    what: 'subscribed again'
  })
  await received(1)
})

test('a refused upgrade silences the dials for as long as it asks', async () => {
  const { exchange, runner } = await startRig()
  exchange.behaviour.refuseStatus = 429
  exchange.behaviour.retryAfter = '2'
  exchange.connections[0]?.raw.resetAndDestroy()
  await waitFor(() => runner.counters.connects.rejected === 1, { timeoutMs: 3000, what: 'refusal' })
  const { dials } = exchange
  await delay(1000)
  assert.equal(exchange.dials, dials)
  assert.match(runner.status().reason ?? '', /refused with status 429/)
  exchange.behaviour.refuseStatus = null
  await live()
})

test('a server that accepts and then says nothing is given up after the handshake limit', async () => {
  const timeouts = { ...shortAck, handshakeMs: 200 }
  const { exchange, runner } = await startRig({ config: { timeouts } })
  exchange.silentUpgrades = true
  exchange.connections[0]?.raw.resetAndDestroy()
  await waitFor(() => runner.counters.connects.timeout >= 1, { timeoutMs: 3000, what: 'timeout' })
  exchange.silentUpgrades = false
  await live()
})

test('stop closes every socket; start brings the subscriptions back', async () => {
  const { exchange, runner } = await startRig()
  await runner.stop()
  assert.equal(runner.status().state, 'stopped')
  await waitFor(() => exchange.live().length === 0, { timeoutMs: 2000, what: 'closed' })
  await runner.start()
  await live()
  assert.deepEqual(runner.subscriptions(), [subscription(['trade'], ['BTCUSDT'])])
  await runner.restart()
  await live()
  assert.equal(exchange.live().length, 1)
})
