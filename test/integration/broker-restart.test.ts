/** The broker dies by SIGKILL and comes back; or was never there at the start. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertSameRecords } from '../support/compare.ts'
import { ownBroker } from '../support/kafka-node.ts'
import { assertAtRest, startScenario } from '../support/scenario.ts'
import { freePort, Service } from '../support/service.ts'
import { delay, waitFor } from '../support/wait.ts'

test('the broker is killed twice under load: none lost, doubled or reordered', {
  timeout: 300_000
}, async (t) => {
  const broker = await ownBroker()
  t.after(() => broker.wipe())
  const run = await startScenario(t, {
    brokers: broker.brokers,
    rate: 1000,
    channels: ['trade', 'bookTicker', 'depth@100ms']
  })
  for (let round = 0; round < 2; round++) {
    await run.play(2000)
    await broker.kill()
    const load = run.play(3000)
    await delay(1500)
    await broker.start()
    await load
  }
  await run.play(2000)
  const expected = run.expectation()
  await run.readAll(expected.records)
  assertSameRecords(expected, run.reader.messages, run.compareOptions())
  await assertAtRest(run, expected)
  assert.deepEqual(await run.service.stop(), { code: 0, signal: null }, run.service.logTail())
  t.diagnostic(`${expected.frames} frames through two deaths of the broker`)
})

test('a broker that is down at the start: /readyz says why, data flows when it comes', {
  timeout: 180_000
}, async (t) => {
  const broker = await ownBroker()
  t.after(() => broker.wipe())
  await broker.kill()
  const service = await Service.start({
    env: {
      SLUICE_KAFKA_BROKERS: broker.brokers,
      SLUICE_BINANCE_WS_URL: `ws://127.0.0.1:${await freePort()}`,
      SLUICE_BINANCE_REST_URL: `http://127.0.0.1:${await freePort()}`,
      SLUICE_SPOOL_MODE: 'off'
    },
    waitForLiveOnly: true
  })
  t.after(() => service.kill())
  const reply = await waitFor(() => service.tryGet('/readyz'), {
    timeoutMs: 5000,
    what: '/readyz never answered'
  })
  assert.equal(reply.status, 503)
  assert.match(reply.text, /kafka|broker/i)
  await delay(3000)
  assert.ok(service.isRunning, 'it must keep trying')
  await broker.start()
  await waitFor(
    async () => !/kafka|broker/i.test((await service.tryGet('/readyz'))?.text ?? 'kafka'),
    {
      timeoutMs: 60_000,
      what: () => `/readyz still complains of Kafka\n${service.logTail()}`
    }
  )
})
