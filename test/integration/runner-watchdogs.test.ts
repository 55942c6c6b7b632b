import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createRig, type Rig, type RigOptions } from '../support/runner-rig.ts'
import { waitFor } from '../support/wait.ts'

let rig: Rig
afterEach(() => rig.end())

const timeouts = {
  connectMs: 4000,
  handshakeMs: 4000,
  idleMs: 45_000,
  requestMs: 5000,
  acknowledgeMs: 5000
}

async function startRig(symbols: readonly string[], options: RigOptions = {}): Promise<Rig> {
  rig = await createRig({ tuning: { staleMs: 400, muteMs: 60_000, tickMs: 50 }, ...options })
  await rig.runner.subscribe([{ adapter: 'binance', channels: ['trade'], symbols }])
  await rig.runner.start()
  await waitFor(() => rig.runner.status().connections.every(({ state }) => state === 'live'), {
    timeoutMs: 5000,
    what: 'live'
  })
  return rig
}

/** Plays the parser: counts what reached the sink into the rows the watchdog reads. */
function countRecords(): void {
  const rows = new Map<string, { records: number; lastId: number }>()
  for (const { text } of rig.sink.frames) {
    const { stream, data } = JSON.parse(text) as { stream: string; data: { t: number } }
    const row = rows.get(stream)
    if (row === undefined) rows.set(stream, { records: 1, lastId: data.t })
    else {
      row.records += 1
      row.lastId = Math.max(row.lastId, data.t)
    }
  }
  const nowUs = Date.now() * 1000
  for (const [stream, { records, lastId }] of rows) {
    const before = rig.activity.get(stream)
    if (before?.records === records) continue
    const advancedTimeUs = before?.lastId === lastId ? before.advancedTimeUs : nowUs
    rig.activity.set(stream, { records, receivedTimeUs: nowUs, advancedTimeUs, lastId })
  }
}

function answerProbes(newest: ReadonlyMap<string, number>): void {
  rig.exchange.behaviour.rest.set('/api/v3/aggTrades', (url) => {
    const symbol = new URL(url, 'http://x').searchParams.get('symbol') ?? ''
    const id = newest.get(symbol) ?? 0
    return { status: 200, body: JSON.stringify([{ a: id, l: id, T: Date.now() }]) }
  })
}

test('one dead stream on a healthy connection: replaced make-before-break, the rest whole', async () => {
  const { exchange, runner, sink } = await startRig(['BTCUSDT', 'ETHUSDT'])
  const newest = new Map([
    ['BTCUSDT', 0],
    ['ETHUSDT', 0]
  ])
  answerProbes(newest)
  const [first] = exchange.connections
  let id = 0
  const publish = (muted: boolean): void => {
    id += 1
    newest.set('BTCUSDT', id)
    newest.set('ETHUSDT', id)
    exchange.publish('ethusdt@trade', `{"t":${id}}`)
    for (const connection of exchange.live()) {
      if (muted && connection === first) continue
      connection.socket.send(`{"stream":"btcusdt@trade","data":{"t":${id}}}`)
    }
    countRecords()
  }
  for (let n = 0; n < 100; n++) {
    publish(false)
    await delay(10)
  }
  const mutedFrom = id
  await waitFor(
    () => {
      publish(true)
      return runner.counters.reconnects.stale === 1
    },
    { timeoutMs: 8000, everyMs: 10, what: () => JSON.stringify(runner.counters) }
  )
  for (let n = 0; n < 50; n++) {
    publish(true)
    await delay(5)
  }
  assert.equal(exchange.connections.length, 2)
  assert.equal(exchange.connections[1]?.openBefore, 1, 'the old one was still open')
  assert.equal(exchange.live().length, 1)
  const ids = (stream: string): readonly number[] =>
    sink.frames
      .map(({ text }) => JSON.parse(text) as { stream: string; data: { t: number } })
      .filter((frame) => frame.stream === stream)
      .map((frame) => frame.data.t)
  const eth = ids('ethusdt@trade')
  assert.deepEqual(
    eth,
    Array.from({ length: eth.length }, (_, n) => n + 1),
    'no loss, no double'
  )
  assert.ok(eth.length >= id - 2)
  assert.ok(ids('btcusdt@trade').some((number) => number > mutedFrom + 10))
  assert.equal(runner.counters.gaps.stale, 1)
  const { received, accepted, ignored, shed, waiting } = runner.accounting()
  assert.equal(received, accepted + ignored + shed + waiting)
})

test('a busy symbol that goes quiet is asked about and never reconnected', async () => {
  const { exchange, runner } = await startRig(['BTCUSDT'])
  const newest = new Map([['BTCUSDT', 0]])
  answerProbes(newest)
  for (let id = 1; id <= 100; id++) {
    newest.set('BTCUSDT', id)
    exchange.publish('btcusdt@trade', `{"t":${id}}`)
    countRecords()
    await delay(10)
  }
  await waitFor(() => rig.sink.frames.length === 100, { timeoutMs: 2000, what: 'all' })
  countRecords()
  await waitFor(() => runner.counters.probes.fresh > 0, { timeoutMs: 5000, what: 'question' })
  await delay(1500)
  assert.equal(exchange.dials, 1)
  assert.equal(runner.counters.probes.stale, 0)
})

test('pings alone keep a quiet connection alive; a black hole is replaced', async () => {
  const { exchange, runner } = await startRig(['BTCUSDT'], {
    config: { timeouts: { ...timeouts, idleMs: 400 } }
  })
  for (let n = 0; n < 10; n++) {
    exchange.connections[0]?.socket.ping(String(n))
    await delay(100)
  }
  assert.equal(exchange.dials, 1)
  await waitFor(() => runner.counters.reconnects.idle === 1, { timeoutMs: 3000, what: 'idle' })
  await waitFor(() => exchange.dials === 2, { timeoutMs: 3000, what: 'redial' })
})

test('a paused socket is left alone by the watchdogs', async () => {
  const { exchange, runner, sink } = await startRig(['BTCUSDT'], {
    config: { timeouts: { ...timeouts, idleMs: 200 } }
  })
  sink.refuse = true
  exchange.publish('btcusdt@trade', '{"t":1}')
  await waitFor(() => runner.status().connections[0]?.state === 'paused', {
    timeoutMs: 2000,
    what: 'paused'
  })
  await delay(800)
  assert.equal(exchange.live().length, 1)
  assert.equal(runner.counters.reconnects.idle, 0)
  sink.refuse = false
  await waitFor(() => sink.frames.length === 1, { timeoutMs: 2000, what: 'frame' })
})

test('pings are answered with their payload; of a flood only the newest, 5 in a second at most', async () => {
  const { exchange } = await startRig(['BTCUSDT'])
  const [connection] = exchange.connections
  assert.ok(connection)
  connection.socket.ping('1700000000000')
  await waitFor(() => connection.pongs.length === 1, { timeoutMs: 2000, what: 'pong' })
  assert.equal(connection.pongs[0]?.text, '1700000000000')
  for (let n = 1; n <= 30_000; n++) connection.socket.ping(String(n))
  await waitFor(() => connection.pongs.at(-1)?.text === '30000', { timeoutMs: 8000, what: 'last' })
  const { pongs } = connection
  assert.ok(pongs.length < 40, `${pongs.length} pongs`)
  for (let index = 5; index < pongs.length; index++) {
    const spanMs = (pongs[index]?.atMs ?? 0) - (pongs[index - 5]?.atMs ?? 0)
    assert.ok(spanMs > 1000, `6 pongs in ${spanMs} ms`)
  }
  assert.equal(exchange.dials, 1)
})
