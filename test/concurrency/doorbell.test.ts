/**
 * The doorbell's permitted outcomes. A consumer that goes to sleep while an entry is published either
 * finds it before sleeping or is rung; sleeping on with an entry in the ring is the one forbidden row.
 * The 5 ms bound of production would hide a lost wake-up, so the sleeps here are 2 s long.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createDoorbells, DOORBELL_WAIT_MS_MAX } from '../../src/ring/doorbell.ts'
import { RING_KIND_FRAME } from '../../src/ring/layout.ts'
import { createRing, Ring } from '../../src/ring/ring.ts'
import type { BellData } from './doorbell-side.worker.ts'
import type { SleeperData, SleepOutcomes } from './doorbell-sleeper.worker.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const ROUNDS = Number(process.env['SLUICE_TEST_BELL_ROUNDS'] ?? 100_000)

function startWorker(file: string, workerData: BellData | SleeperData): Worker {
  return new Worker(new URL(`./${file}.worker.js`, import.meta.url), { workerData })
}

function exited(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('exit', resolve)
  })
}

for (const producers of [1, 2]) {
  test(`${ROUNDS} sleeps, ${producers} ring(s) on one bell: no wake-up lost`, async (t) => {
    t.diagnostic(`SEED=${SEED} node --test dist/test/concurrency/doorbell.test.js`)
    const rings = Array.from({ length: producers }, (_, shard) => {
      const buffer = createRing({
        capacityBytes: 4096,
        kind: RING_KIND_FRAME,
        shard,
        startCursor: 2 ** 32 - 4096
      })
      const ring = new Ring(buffer, RING_KIND_FRAME)
      ring.setProducerEpoch(1)
      ring.setConsumerEpoch(1)
      return buffer
    })
    const doorbells = createDoorbells(1)
    const board = new SharedArrayBuffer(64)
    const shared = { doorbells, board, rounds: ROUNDS }
    const sleeper = startWorker('doorbell-sleeper', { ...shared, rings, timeoutMs: 2000 })
    const report = new Promise<SleepOutcomes>((resolve) => sleeper.once('message', resolve))
    const sides = rings.map((ring, remainder) =>
      startWorker('doorbell-side', { ...shared, ring, seed: SEED, remainder, producers })
    )
    const codes = await Promise.all([sleeper, ...sides].map(exited))
    assert.deepEqual(
      codes,
      codes.map(() => 0)
    )
    const outcomes = await report
    const words = new Int32Array(board)
    t.diagnostic(
      `${JSON.stringify(outcomes)}, rings that notified ${words[1]}, that did not ${words[2]}`
    )
    assert.equal(outcomes.lost, 0, 'an entry lay in the ring through a whole sleep')
    assert.equal(outcomes.idle, 0, 'a producer never came')
    assert.ok(outcomes.found > 0, 'no entry came before the sleep: that row was not tested')
    assert.ok(outcomes.woken > 0, 'no sleep was rung: that row was not tested')
  })
}

test('in production a sleep is bounded by 5 ms', () => {
  assert.equal(DOORBELL_WAIT_MS_MAX, 5)
})
