/** What a drain must not do: shed what waits, take what comes too late, or break a start under way. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { IngestClient } from '../support/ingest-client.ts'
import { ownBroker } from '../support/kafka-node.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { startScenario } from '../support/scenario.ts'
import { cleanEnvironment, freePort, Service, SLUICE } from '../support/service.ts'
import { delay, waitFor } from '../support/wait.ts'

const SMALL = {
  SLUICE_RING_BYTES: '65536',
  SLUICE_KAFKA_QUEUE_KBYTES: '1024',
  SLUICE_KAFKA_QUEUE_MESSAGES: '1000'
}

/** framesLeft, recordsLeft, deadLettersLeft as the service logged them. */
function leftOf(service: Service): number[] {
  const text = service.logTail(20_000)
  return ['framesLeft', 'recordsLeft', 'deadLettersLeft'].map((name) =>
    Number(new RegExp(`"${name}":(-?\\d+)`).exec(text)?.[1] ?? Number.NaN)
  )
}

async function shed(service: Service): Promise<number> {
  return sumOf(parseMetrics(await service.getText('/metrics')), 'sluice_shed_total')
}

test('a drain behind a stalled broker sheds nothing while it has time', {
  timeout: 180_000
}, async (t) => {
  const broker = await ownBroker()
  t.after(() => broker.wipe())
  const run = await startScenario(t, {
    brokers: broker.brokers,
    rate: 4000,
    channels: ['trade', 'aggTrade', 'bookTicker'],
    env: { ...SMALL, SLUICE_DRAIN_SECONDS: '40' }
  })
  await run.play(1000)
  await broker.pause()
  t.after(() => broker.resume().catch(() => undefined))
  const load = run.play(4000).catch(() => undefined)
  await delay(4000)
  run.service.child.kill('SIGTERM')
  await delay(7000)
  assert.equal(await shed(run.service), 0, 'nothing is given up before the deadline')
  await broker.resume()
  const exit = await run.service.waitExit(45_000)
  await load
  assert.deepEqual(exit, { code: 0, signal: null }, run.service.logTail())
  assert.deepEqual(leftOf(run.service), [0, 0, 0], run.service.logTail(6000))
})

test('restarting an adapter behind a stalled broker sheds and reorders nothing', {
  timeout: 180_000
}, async (t) => {
  const broker = await ownBroker()
  t.after(() => broker.wipe())
  const run = await startScenario(t, {
    brokers: broker.brokers,
    rate: 3000,
    channels: ['trade'],
    env: { ...SMALL, SLUICE_PARSER_WORKERS: '2' }
  })
  await run.play(1000)
  await broker.pause()
  t.after(() => broker.resume().catch(() => undefined))
  const load = run.play(3000).catch(() => undefined)
  await delay(3000)
  const restarted = run.service.post('/api/v1/adapters/binance/restart').catch(() => null)
  await delay(7000)
  assert.equal(await shed(run.service), 0)
  await broker.resume()
  await Promise.all([load, restarted])
  await waitFor(() => run.exchange.connections().length > 0, {
    timeoutMs: 30_000,
    what: () => 'the adapter never came back'
  })
  await run.play(1000)
  await run.readAll(run.expectation().records, 3000)
  assert.equal(await shed(run.service), 0)
  const lastIds = new Map<string, number>()
  for (const { topic, value } of run.reader.messages) {
    const { tradeId } = JSON.parse(value.toString()) as { tradeId: number }
    assert.ok(
      tradeId > (lastIds.get(topic) ?? 0),
      `${topic}: ${tradeId} after ${lastIds.get(topic)}`
    )
    lastIds.set(topic, tradeId)
  }
  assert.ok(lastIds.size > 0)
})

test('an ingest client at full speed loses nothing that was taken when the service drains', {
  timeout: 60_000
}, async () => {
  const service = await Service.start({
    env: {
      SLUICE_KAFKA_BROKERS: 'embedded',
      SLUICE_ADAPTERS_BINANCE_ENABLED: 'false'
    }
  })
  const client = await IngestClient.open({ port: service.port })
  const frames = (function* () {
    for (let id = 1; ; id++) {
      yield `{"stream":"btcusdt@trade","data":{"e":"trade","E":1789964484109,"s":"BTCUSDT","t":${id},"p":"1.0","q":"1.0","T":1789964484109,"m":true,"M":true}}`
    }
  })()
  const sending = client.sendAll(frames).catch(() => undefined)
  await delay(1000)
  await service.post('/api/v1/drain')
  const exit = await service.waitExit(30_000)
  await sending
  assert.deepEqual(exit, { code: 0, signal: null }, service.logTail())
  assert.deepEqual(leftOf(service), [0, 0, 0], service.logTail())
})

test('SIGTERM at any moment of the start ends it with exit 0', { timeout: 120_000 }, async () => {
  for (const afterMs of [250, 300, 350, 400, 450, 500, 600, 700]) {
    const port = await freePort()
    const child = spawn(SLUICE, ['run'], {
      env: {
        ...cleanEnvironment(),
        SLUICE_HTTP_PORT: String(port),
        SLUICE_KAFKA_BROKERS: 'embedded',
        SLUICE_ADAPTERS_BINANCE_ENABLED: 'false',
        SLUICE_PARSER_WORKERS: '2'
      },
      stdio: ['ignore', 'ignore', 'pipe']
    })
    let log = ''
    child.stderr.on('data', (chunk) => {
      log += String(chunk)
    })
    await delay(afterMs)
    child.kill('SIGTERM')
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      child.once('exit', (...ended) => resolve(ended))
    })
    // Before the handlers are installed the signal itself ends the process.
    if (signal !== 'SIGTERM') assert.equal(code, 0, `after ${afterMs} ms:\n${log}`)
  }
})
