/** A stopped broker and the smallest rings: the sockets are paused, and nothing is lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertSameRecords } from '../support/compare.ts'
import { ownBroker } from '../support/kafka-node.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { assertAtRest, startScenario } from '../support/scenario.ts'
import { delay, waitFor } from '../support/wait.ts'

test('a full ring pauses the sockets until the broker is back', { timeout: 240_000 }, async (t) => {
  const broker = await ownBroker()
  t.after(() => broker.wipe())
  const run = await startScenario(t, {
    brokers: broker.brokers,
    rate: 4000,
    channels: ['trade', 'aggTrade', 'bookTicker', 'depth@100ms'],
    env: {
      SLUICE_RING_BYTES: '65536',
      SLUICE_KAFKA_QUEUE_KBYTES: '1024',
      SLUICE_KAFKA_QUEUE_MESSAGES: '1000'
    }
  })
  await run.play(2000)
  await broker.pause()
  t.after(() => broker.resume().catch(() => undefined))
  // The market goes on; what the service does not read waits in the sockets.
  const playing = { done: false }
  const load = run.play(6000).finally(() => {
    playing.done = true
  })
  await waitFor(async () => (await pauses(run.service.baseUrl)) > 0, {
    timeoutMs: 30_000,
    what: () => `no socket was ever paused\n${run.service.logTail()}`
  })
  await delay(8000)
  assert.equal(await run.service.tryGet('/livez').then((reply) => reply?.status), 200)
  await broker.resume()
  await load
  await run.play(1000)
  const expected = run.expectation()
  await run.readAll(expected.records)
  assertSameRecords(expected, run.reader.messages, run.compareOptions())
  await assertAtRest(run, expected)
  t.diagnostic(`${expected.frames} frames through rings of 64 KiB`)
})

async function pauses(baseUrl: string): Promise<number> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text()
  return sumOf(parseMetrics(text), 'sluice_socket_pauses_total')
}
