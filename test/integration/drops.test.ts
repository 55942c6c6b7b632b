/** 200 forced drops of single connections under load: the data of each is back in under 5 s. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createPrng, type Prng } from '../../src/core/prng.ts'
import type { SimulatedExchange } from '../../src/simulator/simulated-exchange.ts'
import { assertOnlyCutTailsMissing } from '../support/cuts.ts'
import { publish, quantile } from '../support/results.ts'
import { SEED, sentFrames, startScenario, waitSubscribed } from '../support/scenario.ts'
import { delay, waitFor } from '../support/wait.ts'

const DROPS = Number(process.env['SLUICE_TEST_DROPS'] ?? 200)
const BACK_MS_MAX = 5000

/** ms from the cut until a frame of one of its streams is on the wire of a newer connection. */
async function dropAndMeasure(
  exchange: SimulatedExchange,
  id: number,
  how: 'clean' | 'reset'
): Promise<number> {
  const victim = exchange.connections().find((connection) => connection.id === id)
  const streams = new Set(victim?.streamNames)
  const newest = Math.max(...exchange.connections().map((connection) => connection.id))
  let seen = exchange.journal.entries.length
  const start = performance.now()
  exchange.faults.disconnect({ how, connections: id })
  await waitFor(
    () => {
      const { entries } = exchange.journal
      for (; seen < entries.length; seen++) {
        const entry = entries[seen]
        if (entry === undefined || entry.connection <= newest) continue
        if (entry.stream !== null && streams.has(entry.stream)) return true
      }
      return false
    },
    { timeoutMs: 30_000, everyMs: 2, what: `no data of connection ${id} came back (${how})` }
  )
  return performance.now() - start
}

/** Dials a rested budget allows at once (a quarter of 300), less those of the start. */
const DROPS_PER_RUN = 66

type Times = Record<'clean' | 'reset', number[]>

/** Drops one connection after the other; whatever a reset did not take away must be read back. */
async function dropRun(t: TestContext, drops: number, prng: Prng, times: Times): Promise<void> {
  const run = await startScenario(t, {
    symbols: 20,
    channels: ['trade', 'bookTicker', 'depth@100ms'],
    exchange: { pace: 'real', rate: 400 },
    env: {
      SLUICE_ADAPTERS_BINANCE_STREAMS_PER_CONNECTION: '10',
      SLUICE_ADAPTERS_BINANCE_CONNECTS_PER5_MINUTES: '300'
    }
  })
  const cut = new Set<number>()
  for (let drop = 0; drop < drops; drop++) {
    const how = drop % 2 === 0 ? 'clean' : 'reset'
    const connections = run.exchange.connections()
    const id = connections[prng.int(connections.length)]?.id ?? -1
    if (how === 'reset') cut.add(id)
    times[how].push(await dropAndMeasure(run.exchange, id, how))
    await delay(prng.int(60))
  }
  await waitSubscribed(run.exchange, run.service, run.streams)
  assert.deepEqual(run.exchange.stats().cuts, {}, 'the exchange had to punish')
  assert.equal(run.exchange.stats().connectionsRefused, 0)
  // At the end the service itself closes what stands: that may lose its tail too.
  for (const { id } of run.exchange.connections()) cut.add(id)
  assert.deepEqual(await run.service.stop(), { code: 0, signal: null }, run.service.logTail())
  await run.readAll(run.expectation().records, 3000)
  const sent = [...sentFrames(run.exchange)]
  const lost = assertOnlyCutTailsMissing(sent, run.reader.messages, {
    cut,
    received: run.compareOptions().received
  })
  t.diagnostic(`${drops} drops, ${sent.length} frames, ${lost} lost with their sockets`)
}

test(`${DROPS} forced drops: data back in under 5 s each`, { timeout: 600_000 }, async (t) => {
  const prng = createPrng(SEED).fork('drops')
  const times: Times = { clean: [], reset: [] }
  for (let left = DROPS; left > 0; left -= DROPS_PER_RUN) {
    await t.test(`the next ${Math.min(left, DROPS_PER_RUN)}`, (inner) =>
      dropRun(inner, Math.min(left, DROPS_PER_RUN), prng, times)
    )
  }
  const rows = Object.entries(times).map(([how, ms]) => ({
    how,
    drops: ms.length,
    p50Ms: Math.round(quantile(ms, 0.5)),
    p95Ms: Math.round(quantile(ms, 0.95)),
    maxMs: Math.round(Math.max(...ms)),
    above5s: ms.filter((each) => each >= BACK_MS_MAX).length
  }))
  publish(t, 'drops', rows)
  assert.equal(times.clean.length + times.reset.length, DROPS)
  assert.deepEqual(
    rows.map((row) => row.above5s),
    [0, 0]
  )
})
