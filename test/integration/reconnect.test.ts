/** Connections that end: cleanly, by reset, or by falling silent. Data comes back, nothing is doubled. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAccounting } from '../support/accounting.ts'
import { assertOnlyCutTailsMissing } from '../support/cuts.ts'
import { sentFrames, startScenario, waitSubscribed } from '../support/scenario.ts'

/** A silent connection must be noticed by its missing pings well within the test. */
const QUICK_WATCHDOG = {
  env: { SLUICE_ADAPTERS_BINANCE_TIMEOUTS_IDLE_MS: '3000' },
  exchange: { limits: { pingIntervalMs: 500 } }
}

for (const how of ['clean', 'reset', 'silent'] as const) {
  test(`all connections end (${how}) again and again under load`, {
    timeout: 180_000
  }, async (t) => {
    const run = await startScenario(t, {
      channels: ['trade', 'aggTrade', 'bookTicker', 'depth@100ms', 'kline_1m'],
      env: { ...QUICK_WATCHDOG.env, SLUICE_ADAPTERS_BINANCE_STREAMS_PER_CONNECTION: '10' },
      exchange: QUICK_WATCHDOG.exchange
    })
    const rounds = how === 'silent' ? 2 : 4
    const cut = new Set<number>()
    for (let round = 0; round < rounds; round++) {
      await run.play(1500)
      for (const { id } of run.exchange.connections()) cut.add(id)
      run.exchange.faults.disconnect({ how, connections: 'all' })
      // Silent sockets stay in the list until the service gives them up.
      const stand = (): boolean => run.exchange.connections().every(({ id }) => !cut.has(id))
      while (!stand()) await run.play(100)
      await waitSubscribed(run.exchange, run.service, run.streams)
    }
    await run.play(1500)
    assert.ok(cut.size >= rounds * 3, `only ${cut.size} connections were cut`)
    const sent = [...sentFrames(run.exchange)]
    const lastIds = sent.length
    await run.readAll(run.expectation().records, 3000)
    const lost = assertOnlyCutTailsMissing(sent, run.reader.messages, {
      cut,
      received: run.compareOptions().received
    })
    if (how !== 'reset') assert.equal(lost, 0, `${how}: everything sent can be read`)
    await assertAccounting(run.service, {
      frames: run.reader.messages.length,
      records: run.reader.messages.length,
      deadLettered: 0
    })
    t.diagnostic(`${lastIds} frames, ${cut.size} connections cut, ${lost} lost with their sockets`)
  })
}

test('serverShutdown: reopened before the exchange closes', { timeout: 120_000 }, async (t) => {
  const run = await startScenario(t, { channels: ['trade', 'depth@100ms'] })
  await run.play(1000)
  const old = new Set(run.exchange.connections().map(({ id }) => id))
  run.exchange.faults.fire({ kind: 'serverShutdown', closeAfterMs: 4000 })
  const stand = (): boolean => run.exchange.connections().every(({ id }) => !old.has(id))
  const start = performance.now()
  while (!stand() && performance.now() - start < 20_000) await run.play(100)
  assert.ok(stand(), 'the old connections still stand')
  await waitSubscribed(run.exchange, run.service, run.streams)
  await run.play(1000)
  const expected = run.expectation()
  await run.readAll(expected.records, 3000)
  assertOnlyCutTailsMissing(sentFrames(run.exchange), run.reader.messages, {
    cut: old,
    received: run.compareOptions().received
  })
})
