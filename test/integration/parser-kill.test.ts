/** A parser worker killed at random moments under load: its successor goes on where it stopped. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrng } from '../../src/core/prng.ts'
import { assertSameRecords } from '../support/compare.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { assertAtRest, SEED, startScenario } from '../support/scenario.ts'
import { delay, waitFor } from '../support/wait.ts'

const KILLS = Number(process.env['SLUICE_TEST_KILLS'] ?? 20)

test(`a parser worker is killed ${KILLS} times at random moments`, {
  timeout: 300_000
}, async (t) => {
  const run = await startScenario(t, {
    rate: 3000,
    channels: ['trade', 'aggTrade', 'bookTicker', 'depth@100ms']
  })
  const prng = createPrng(SEED).fork('kills')
  const load = { on: true }
  const playing = (async () => {
    while (load.on) await run.play(50, { stepMs: 50, pauseMs: 30 })
  })()
  for (let kill = 0; kill < KILLS; kill++) {
    await delay(prng.int(250))
    const reply = await run.service.post(`/api/v1/test/kill-parser?shard=${kill % 2}`)
    assert.ok(reply.status < 300, `kill-parser answered ${reply.status}: ${reply.text}`)
    // Not one after the other's start: five deaths in a minute would end the service, by design.
    await waitFor(async () => (await workersRunning(run.service.baseUrl)) >= 2, {
      timeoutMs: 20_000,
      what: () => `a killed parser never came back\n${run.service.logTail()}`
    })
  }
  load.on = false
  await playing
  const expected = run.expectation()
  await run.readAll(expected.records)
  assertSameRecords(expected, run.reader.messages, run.compareOptions())
  const samples = parseMetrics(await run.service.getText('/metrics'))
  const restarts = samples.filter(({ name }) => /worker_restarts_total$/.test(name))
  assert.ok(restarts.length > 0, 'no metric shows restarts')
  assert.ok(sumOf(samples, restarts[0]?.name ?? '') >= KILLS, 'the metric lacks kills')
  await assertAtRest(run, expected)
  t.diagnostic(`${expected.frames} frames through ${KILLS} kills`)
})

interface WorkersReply {
  readonly workers: readonly { readonly name: string; readonly state: string }[]
}

async function workersRunning(baseUrl: string): Promise<number> {
  const reply = await fetch(`${baseUrl}/api/v1/status`)
  const { workers } = (await reply.json()) as WorkersReply
  return workers.filter(({ name, state }) => name.includes('parser') && state === 'running').length
}
