import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { SimulatedExchangeOptions } from '../../src/simulator/simulated-exchange.ts'
import { startSimulatedExchange } from '../../src/simulator/simulated-exchange.ts'
import { StreamClient } from '../support/stream-client.ts'

async function start(t: TestContext, options: SimulatedExchangeOptions = {}) {
  const exchange = await startSimulatedExchange({ pace: 'manual', journal: 'frames', ...options })
  t.after(() => exchange.close())
  const open = async (path: string): Promise<StreamClient> => {
    const client = await StreamClient.open(`${exchange.wsUrl}${path}`)
    t.after(() => client.close())
    return client
  }
  return { exchange, open }
}

test('disconnects: clean, reset, silent, mute', async (t) => {
  const { exchange, open } = await start(t)
  const clean = await open('/ws/btcusdt@trade')
  exchange.faults.disconnect({ how: 'clean' })
  assert.deepEqual(await clean.closed(), { code: 1001, reason: 'Going away' })

  const reset = await open('/ws/btcusdt@trade')
  exchange.faults.disconnect({ how: 'reset', connections: 'oldest' })
  assert.equal((await reset.closed()).code, 1006)

  const silent = await open('/ws/btcusdt@trade')
  const other = await open('/ws/btcusdt@trade')
  exchange.faults.disconnect({ how: 'silent', connections: 3 })
  silent.send({ method: 'LIST_SUBSCRIPTIONS', id: 1 })
  await exchange.advance(1000)
  await other.sync()
  await silent.sync()
  assert.equal(silent.received.length, 0)
  assert.ok(other.received.length > 0)
  assert.equal(silent.ended, null)

  const before = other.received.length
  exchange.faults.disconnect({ how: 'mute', connections: 4 })
  await exchange.advance(1000)
  other.send({ method: 'LIST_SUBSCRIPTIONS', id: 2 })
  await other.until(() => other.received.length > before)
  assert.equal(other.texts.at(-1), '{"result":["btcusdt@trade"],"id":2}')
  assert.equal(other.received.length, before + 1)
  assert.equal(exchange.faults.counts.disconnects, 4)
})

test('connects are refused for a time, on the same port afterwards', async (t) => {
  const { exchange, open } = await start(t)
  const standing = await open('/ws/btcusdt@trade')
  exchange.faults.refuseConnects(300)
  assert.equal(await StreamClient.refusal(`${exchange.wsUrl}/ws`), 'ECONNREFUSED')
  await exchange.advance(1000)
  await standing.until(() => standing.received.length > 0)
  for (;;) {
    try {
      await open('/ws')
      break
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  assert.equal(standing.ended, null)
})

test('acknowledgements: missing, then late, then as usual', async (t) => {
  const { exchange, open } = await start(t)
  const client = await open('/ws')
  exchange.faults.acks({ delayMs: null, count: 1 })
  client.send({ method: 'SUBSCRIBE', params: ['btcusdt@trade'], id: 1 })
  await client.sync()
  exchange.faults.acks({ delayMs: 150, count: 1 })
  client.send({ method: 'LIST_SUBSCRIPTIONS', id: 2 })
  await client.sync()
  client.send({ method: 'LIST_SUBSCRIPTIONS', id: 3 })
  await client.until(() => client.received.length === 2)
  const list = '{"result":["btcusdt@trade"],"id":'
  assert.deepEqual(client.texts, [`${list}3}`, `${list}2}`])
  assert.equal(exchange.faults.counts.acksHit, 2)
})

test('slow reading delays what clients ask, not what they receive', async (t) => {
  const { exchange, open } = await start(t)
  const client = await open('/ws/btcusdt@trade')
  exchange.faults.slowReading(200)
  client.send({ method: 'UNSUBSCRIBE', params: ['btcusdt@trade'], id: 1 })
  await client.sync()
  await exchange.advance(1000)
  await client.until(() => client.texts.includes('{"result":null,"id":1}'))
  assert.ok(client.received.length > 1)
})

test('frames missing, doubled, swapped and broken are what the counts and the journal say', async (t) => {
  const { exchange, open } = await start(t, { rate: 2000 })
  const client = await open('/ws/btcusdt@trade')
  for (const action of ['drop', 'duplicate', 'reorder', 'malform'] as const) {
    exchange.faults.frames({ action, probability: 0.05, count: 20, streams: 'btcusdt@*' })
  }
  await exchange.advance(8000)
  exchange.faults.clear()
  await exchange.advance(100)
  await client.sync()
  const { dropped, duplicated, reordered, malformed } = exchange.faults.counts
  assert.deepEqual([dropped, duplicated, reordered, malformed], [20, 20, 20, 20])
  const sent = exchange.journal.ofStream('btcusdt@trade')
  assert.deepEqual(
    client.received.map((data) => data.toString('latin1')),
    sent.map((entry) => Buffer.from(entry.bytes ?? []).toString('latin1'))
  )
  assert.equal(sent.filter((entry) => entry.malformed).length, malformed)
  const ids = sent.map((entry) => entry.firstId)
  const first = ids[0] ?? 0
  const distinct = new Set(ids)
  const last = Math.max(...ids)
  assert.equal(last - Math.min(...ids) + 1 - distinct.size, dropped)
  assert.equal(ids.length - distinct.size, duplicated)
  assert.equal(
    ids.filter((id, index) => index > 0 && id < (ids[index - 1] ?? first)).length,
    reordered
  )
})

test('one muted stream leaves the others alone', async (t) => {
  const { exchange, open } = await start(t)
  const client = await open('/stream?streams=btcusdt@trade/ethusdt@trade')
  exchange.faults.mute('btcusdt@*')
  await exchange.advance(2000)
  await client.sync()
  assert.ok(client.texts.length > 0)
  assert.ok(client.texts.every((text) => text.startsWith('{"stream":"ethusdt@trade"')))
  assert.ok(exchange.faults.counts.muted > 0)
})

test('REST: weight header, 429 with Retry-After, 418 for carrying on', async (t) => {
  const { exchange } = await start(t, {
    limits: { requestWeightPerMinute: 60, refusalsBeforeBan: 2 },
    // The minute must not turn during the test.
    clock: {
      wallUs: () => 1_767_571_210_000_000,
      monotonicMs: () => performance.now(),
      setTimer: (callback, ms) => setTimeout(callback, ms),
      clearTimer: (handle) => clearTimeout(handle)
    }
  })
  const get = (path: string): Promise<Response> => fetch(`${exchange.restUrl}/api/v3/${path}`)
  const first = await get('depth?symbol=BTCUSDT&limit=1000')
  assert.equal(first.status, 200)
  assert.equal(first.headers.get('x-mbx-used-weight-1m'), '50')
  assert.match(first.headers.get('content-type') ?? '', /^application\/json/)
  for (const status of [429, 429, 418, 418]) {
    const response = await get('depth?symbol=BTCUSDT&limit=1000')
    assert.equal(response.status, status)
    assert.equal(response.headers.get('retry-after'), status === 429 ? '50' : '120')
    const body = (await response.json()) as { code: number; msg: string }
    assert.equal(body.code, -1003)
    assert.match(body.msg, status === 429 ? /^Too much request weight/ : /banned until \d{13}\./)
  }
  assert.equal(await StreamClient.refusal(`${exchange.wsUrl}/ws`), 418)
})

test('REST faults hit the path and the number they name', async (t) => {
  const { exchange } = await start(t)
  const status = async (path: string): Promise<number> =>
    (await fetch(`${exchange.restUrl}/api/v3/${path}`)).status
  exchange.faults.rest({ status: 429, retryAfterSeconds: 7, count: 1, path: '/api/v3/time' })
  assert.equal(await status('ping'), 200)
  const refused = await fetch(`${exchange.restUrl}/api/v3/time`)
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '7'])
  assert.equal(await status('time'), 200)
  exchange.faults.rest({ status: 503, count: 1 })
  assert.equal(await status('time'), 503)
  assert.equal(await status('nothing/here'), 404)
  assert.equal(exchange.faults.counts.restHit, 2)
})

test('a plan fires by itself', async (t) => {
  const { exchange, open } = await start(t, {
    faults: {
      steps: [
        { atMs: 100, everyMs: 100, times: 2, fault: { kind: 'disconnect', how: 'clean' } },
        { atMs: 0, fault: { kind: 'mute', streams: 'ethusdt@*' } }
      ]
    }
  })
  for (let round = 0; round < 2; round++) await (await open('/ws')).closed()
  assert.equal(exchange.faults.counts.disconnects, 2)
})

test('a recording is served verbatim, in order, with its depth reply over REST', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-recording-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'capture.raw')
  const frames = Array.from(
    { length: 500 },
    (_, index) =>
      `{"stream":"xyzusdt@${index % 2 === 0 ? 'trade' : 'bookTicker'}","data":{"n": ${index}}}`
  )
  const depth = '{"lastUpdateId":9,"bids":[["1.0","2"]],"asks":[]}'
  const lines = [...frames, depth].map(
    (data, index) => `${1723161253000000000n + BigInt(index) * 1_000_000n} ${data}`
  )
  await writeFile(path, `${lines.join('\n')}\n`)
  const { exchange, open } = await start(t, { recording: path })
  assert.deepEqual(exchange.symbols, ['XYZUSDT'])
  const reply = await fetch(`${exchange.restUrl}/api/v3/depth?symbol=XYZUSDT`)
  assert.equal(await reply.text(), depth)
  const both = await open('/stream?streams=xyzusdt@trade/xyzusdt@bookTicker')
  const raw = await open('/ws/xyzusdt@trade')
  const result = await exchange.play({ speed: 'max', connections: 2, atEnd: 'close' })
  assert.equal((await both.closed()).code, 1000)
  await raw.closed()
  assert.deepEqual(both.texts, frames)
  assert.deepEqual(
    raw.texts,
    frames.filter((_, index) => index % 2 === 0).map((_, index) => `{"n": ${index * 2}}`)
  )
  assert.deepEqual([result.frames, result.sent], [500, 750])
  const every = await open('/ws')
  const timed = await exchange.play({ speed: 5, route: 'all' })
  await every.until(() => every.received.length === 500)
  // 499 ms of recording at five times its pace; timers may be late, never early.
  assert.ok(timed.seconds >= 0.098, `${timed.seconds} s`)
})

test('a flood is exact and contiguous over slow and fast clients', async (t) => {
  const { exchange, open } = await start(t, { symbols: 8, rate: 0 })
  const one = await open('/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade/btcusdt@depth')
  const two = await open(`/ws/bnbusdt@trade/${encodeURIComponent('这是测试币456@aggTrade')}`)
  two.socket.pause()
  setTimeout(() => two.socket.resume(), 100)
  const result = await exchange.flood({ frames: 60_001, connections: 2, atEnd: 'close' })
  await one.closed()
  await two.closed()
  assert.equal(result.complete, true)
  assert.equal(one.received.length + two.received.length, 60_001)
  assert.equal(
    result.bytes,
    [...one.received, ...two.received].reduce((sum, data) => sum + data.length, 0)
  )
  const next = new Map<string, number>()
  for (const data of [...one.received, ...two.received]) {
    const message = JSON.parse(data.toString()) as { data?: Record<string, unknown> }
    const trade = (message.data ?? message) as Record<string, number>
    const id = (trade['e'] as unknown) === 'trade' ? trade['t'] : trade['a']
    const expected = next.get(String(trade['s'])) ?? 4_000_000_001
    assert.equal(id, expected)
    if (trade['a'] !== undefined) assert.deepEqual([trade['f'], trade['l']], [id, id])
    next.set(String(trade['s']), expected + 1)
  }
  assert.equal(
    exchange.journal.ranges.reduce((sum, range) => sum + range.count, 0),
    60_001
  )
  assert.equal(next.size, 4)
})

test('a set flood rate is kept', async (t) => {
  const { exchange, open } = await start(t, { rate: 0 })
  await open('/ws/btcusdt@aggTrade')
  const result = await exchange.flood({ frames: 2000, framesPerSecond: 5000 })
  assert.ok(result.seconds >= 0.39, `${result.seconds} s`)
  assert.equal(result.frames, 2000)
})
