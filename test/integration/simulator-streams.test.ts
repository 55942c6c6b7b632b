import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SimulatedExchangeOptions } from '../../src/simulator/simulated-exchange.ts'
import { startSimulatedExchange } from '../../src/simulator/simulated-exchange.ts'
import { StreamClient, type StreamClientOptions } from '../support/stream-client.ts'

/** An exchange whose time stands still, closed after the test. */
async function start(t: TestContext, options: SimulatedExchangeOptions = {}) {
  const exchange = await startSimulatedExchange({ pace: 'manual', journal: 'frames', ...options })
  const clients: StreamClient[] = []
  t.after(async () => {
    for (const client of clients) client.close()
    await exchange.close()
  })
  const open = async (path: string, how: StreamClientOptions = {}): Promise<StreamClient> => {
    const client = await StreamClient.open(`${exchange.wsUrl}${path}`, how)
    clients.push(client)
    return client
  }
  return { exchange, open }
}

test('raw, joined and combined paths carry the bytes the journal says', async (t) => {
  const { exchange, open } = await start(t)
  const clients = [
    await open('/ws/btcusdt@trade'),
    await open('/ws/btcusdt@trade/ethusdt@bookTicker'),
    await open(`/stream?streams=btcusdt@aggTrade/${encodeURIComponent('这是测试币456@trade')}`),
    await open('/stream?streams=btcusdt@kline_1m@+08:00&timeUnit=MICROSECOND'),
    await open('/ws/btcusdt@trade?timeUnit=microsecond')
  ]
  await exchange.advance(4000)
  for (const [index, client] of clients.entries()) {
    await client.sync()
    const sent = exchange.journal.entries.filter((entry) => entry.connection === index + 1)
    assert.ok(sent.length > 0, `connection ${index + 1} heard nothing`)
    assert.deepEqual(
      client.texts,
      sent.map((entry) => Buffer.from(entry.bytes ?? []).toString())
    )
  }
  assert.match(clients[2]?.texts.at(-1) ?? '', /^\{"stream":"[^"]+@(aggT|t)rade","data":\{"e":/)
  assert.match(clients[3]?.texts[0] ?? '', /"k":\{"t":\d{16},"T":\d{16},/)
  assert.match(clients[4]?.texts[0] ?? '', /"E":\d{16},/)
  assert.equal(exchange.stats().framesSent, exchange.journal.entries.length)
})

test('the same seed puts the same bytes on the wire', async (t) => {
  const runs: string[][] = []
  for (const stepMs of [3000, 40]) {
    const { exchange, open } = await start(t, { seed: 77 })
    const client = await open('/stream?streams=btcusdt@trade/ethusdt@depth@100ms/!miniTicker@arr')
    for (let ms = 0; ms < 3000; ms += stepMs) await exchange.advance(stepMs)
    await client.sync()
    runs.push(client.texts)
  }
  assert.ok((runs[0]?.length ?? 0) > 100)
  assert.deepEqual(runs[0], runs[1])
})

test('subscriptions change at run time; unknown names are acknowledged and silent', async (t) => {
  const { exchange, open } = await start(t)
  const client = await open('/ws')
  client.send({ method: 'SUBSCRIBE', params: ['btcusdt@trade', 'nosuch@trade'], id: 1 })
  client.send({ method: 'LIST_SUBSCRIPTIONS', id: 2 })
  await client.until(() => client.received.length === 2)
  assert.deepEqual(client.texts, [
    '{"result":null,"id":1}',
    '{"result":["btcusdt@trade","nosuch@trade"],"id":2}'
  ])
  await exchange.advance(1000)
  client.send({ method: 'SET_PROPERTY', params: ['combined', true], id: 3 })
  await client.until(() => client.texts.includes('{"result":null,"id":3}'))
  const raw = client.texts.slice(2, -1)
  await exchange.advance(1000)
  client.send({ method: 'UNSUBSCRIBE', params: ['btcusdt@trade'], id: 4 })
  await client.until(() => client.texts.includes('{"result":null,"id":4}'))
  const wrapped = client.texts.slice(raw.length + 3, -1)
  assert.ok(raw.length > 0 && raw.every((text) => text.startsWith('{"e":"trade"')))
  assert.ok(
    wrapped.length > 0 && wrapped.every((text) => text.startsWith('{"stream":"btcusdt@trade"'))
  )
  const before = client.received.length
  await exchange.advance(2000)
  await client.sync()
  assert.equal(client.received.length, before)
})

test('more than five messages a second end the connection', async (t) => {
  const { exchange, open } = await start(t)
  const client = await open('/ws')
  for (let id = 1; id <= 6; id++) client.send({ method: 'LIST_SUBSCRIPTIONS', id })
  assert.deepEqual(await client.closed(), { code: 1008, reason: 'Too many requests' })
  assert.equal(client.received.length, 5)
  assert.deepEqual(exchange.stats().cuts, { 'Too many requests': 1 })
  const pinger = await open('/ws')
  for (let round = 0; round < 6; round++) pinger.socket.ping()
  assert.equal((await pinger.closed()).code, 1008)
})

test('limits of size: streams, control frames, URLs', async (t) => {
  const { exchange, open } = await start(t)
  const client = await open('/ws')
  const names = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `s${index}@t`)
  client.send({ method: 'SUBSCRIBE', params: ['x'.repeat(4100)], id: 1 })
  for (let part = 0; part < 3; part++) {
    client.send({
      method: 'SUBSCRIBE',
      params: names(1024).slice(part * 350, part * 350 + 350),
      id: 2 + part
    })
  }
  client.send({ method: 'SUBSCRIBE', params: ['onemore@trade'], id: 9 })
  await client.until(() => client.received.length === 4)
  assert.equal(client.texts.at(-1), '{"error":{"code":4,"msg":"Too many subscriptions"},"id":9}')
  assert.ok(
    client.texts.every((text) => !text.endsWith('"id":1}')),
    'an oversized frame was answered'
  )
  assert.equal(exchange.connections()[0]?.streamNames.length, 1024)
  const long = `/stream?streams=${'a'.repeat(8000)}`
  assert.equal(await StreamClient.refusal(`${exchange.wsUrl}${long}`), 414)
})

test('connection attempts are limited per address', async (t) => {
  const { exchange, open } = await start(t, { limits: { connectsPerFiveMinutes: 3 } })
  for (let round = 0; round < 3; round++) await open('/ws')
  assert.equal(await StreamClient.refusal(`${exchange.wsUrl}/ws`), 429)
  const elsewhere = await open('/ws', { localAddress: '127.0.0.2' })
  assert.equal(elsewhere.ended, null)
  assert.equal(exchange.stats().connectionsRefused, 1)
})

test('who answers pings lives, who does not is cut, and nobody outlives a connection’s life', async (t) => {
  const { open } = await start(t, {
    limits: { pingIntervalMs: 250, pongDeadlineMs: 300, connectionLifeMs: 2000 }
  })
  const alive = await open('/ws')
  const deaf = await open('/ws', { deaf: true })
  // An unsolicited pong is allowed and keeps nothing alive.
  deaf.socket.pong()
  assert.deepEqual(await deaf.closed(), { code: 1008, reason: 'Pong timeout' })
  assert.equal(alive.ended, null)
  await alive.until(() => alive.pings >= 4)
  assert.equal((await alive.closed()).code, 1000)
})

test('serverShutdown comes in the form of the connection, to subscribers of nothing too', async (t) => {
  const { exchange, open } = await start(t)
  const raw = await open('/ws')
  const combined = await open('/stream?streams=btcusdt@trade')
  exchange.shutdownNotice()
  await raw.until(() => raw.received.length === 1)
  await combined.until(() => combined.received.length === 1)
  assert.match(raw.texts[0] ?? '', /^\{"e":"serverShutdown","E":\d{13}\}$/)
  assert.match(
    combined.texts[0] ?? '',
    /^\{"stream":"!serverShutdown","data":\{"e":"serverShutdown","E":\d{13}\}\}$/
  )
})

test('in real pace the market follows the clock, and event times are not ahead of it', async (t) => {
  const { exchange, open } = await start(t, { pace: 'real', rate: 500 })
  const client = await open('/ws/btcusdt@trade')
  const late: number[] = []
  client.socket.on('message', (data) => {
    late.push(Date.now() - (JSON.parse(String(data)) as { E: number }).E)
  })
  await client.until(() => client.received.length >= 100)
  // The system clock of the model and Date.now may differ by two milliseconds.
  assert.ok(Math.min(...late) >= -3, `an event lay ${-Math.min(...late)} ms ahead`)
  assert.ok(exchange.stats().framesSent >= 100)
})

test('a taken port is an error; several exchanges run side by side', async (t) => {
  const { exchange } = await start(t)
  const { exchange: other } = await start(t)
  assert.notEqual(other.port, exchange.port)
  // Twice, because one that was given its port must not share it either.
  await assert.rejects(startSimulatedExchange({ port: exchange.port }), /the port is taken/)
  await other.close()
  const { exchange: again } = await start(t, { port: other.port })
  await assert.rejects(startSimulatedExchange({ port: again.port }), /the port is taken/)
})
