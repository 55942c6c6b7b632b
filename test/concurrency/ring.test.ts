/** The ring on two real threads: nothing lost, doubled or torn, whatever the cursors and whoever dies. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { createPrng, type Prng } from '../../src/core/prng.ts'
import { createDoorbells } from '../../src/ring/doorbell.ts'
import { EntryReader } from '../../src/ring/entry-reader.ts'
import { EntryWriter } from '../../src/ring/entry-writer.ts'
import { RING_KIND_RECORD } from '../../src/ring/layout.ts'
import { createRing, Ring } from '../../src/ring/ring.ts'
import {
  PROGRESS_DONE,
  PROGRESS_FIRST_SEEN,
  PROGRESS_FULL_STALLS,
  PROGRESS_LAST_SEEN,
  PROGRESS_PADS,
  PROGRESS_RELEASED,
  PROGRESS_WORDS
} from './entries.ts'
import type { SideData } from './ring-side.worker.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const ENTRIES = Number(process.env['SLUICE_TEST_RING_ENTRIES'] ?? 1_000_000)
const SIDE_URL = new URL('./ring-side.worker.js', import.meta.url)

interface Rig {
  readonly ring: Ring
  readonly progress: Int32Array
  readonly seen: Uint8Array
  start(role: SideData['role'], epoch: number): Side
}

interface Side {
  readonly worker: Worker
  /** Resolves with the exit code; rejects with what the worker threw. */
  readonly exit: Promise<number>
}

/** A side that fails leaves the other one waiting: the test's end ends both. */
const LIMIT = { timeout: 120_000 }

function createRig(t: TestContext, entries: number, startCursor: number): Rig {
  const seed = SEED
  const buffer = createRing({
    capacityBytes: 1 << 16,
    kind: RING_KIND_RECORD,
    shard: 0,
    startCursor
  })
  const ring = new Ring(buffer, RING_KIND_RECORD)
  ring.setProducerEpoch(1)
  ring.setConsumerEpoch(1)
  const progress = new SharedArrayBuffer(PROGRESS_WORDS * 4)
  const seen = new SharedArrayBuffer(entries)
  const doorbells = createDoorbells(1)
  return {
    ring,
    progress: new Int32Array(progress),
    seen: new Uint8Array(seen),
    start: (role, epoch) => {
      const workerData: SideData = {
        role,
        ring: buffer,
        doorbells,
        progress,
        seen,
        seed,
        entries,
        epoch
      }
      const worker = new Worker(SIDE_URL, { workerData })
      t.after(() => worker.terminate())
      const exit = new Promise<number>((resolve, reject) => {
        worker.once('error', reject)
        worker.once('exit', resolve)
      })
      return { worker, exit }
    }
  }
}

function word(rig: Rig, index: number): number {
  return Atomics.load(rig.progress, index)
}

for (const [name, startCursor] of [
  ['0', 0],
  ['2^31 − 64 KiB', 2 ** 31 - 65536],
  ['2^32 − 64 KiB', 2 ** 32 - 65536]
] as const) {
  test(`${ENTRIES} entries, cursors from ${name}: none lost, doubled or torn`, LIMIT, async (t) => {
    t.diagnostic(`SEED=${SEED} node --test dist/test/concurrency/ring.test.js`)
    const rig = createRig(t, ENTRIES, startCursor)
    const consumer = rig.start('consumer', 1)
    const producer = rig.start('producer', 1)
    assert.deepEqual(await Promise.all([producer.exit, consumer.exit]), [0, 0])
    assert.equal(
      rig.seen.findIndex((count) => count !== 1),
      -1,
      'an entry was not seen once'
    )
    assert.ok(word(rig, PROGRESS_FULL_STALLS) > 0, 'the ring was never full: nothing was tested')
    assert.ok(word(rig, PROGRESS_PADS) > 100, 'the ring hardly wrapped')
    assert.ok(rig.ring.isEmpty())
    t.diagnostic(`full stalls ${word(rig, PROGRESS_FULL_STALLS)}, pads ${word(rig, PROGRESS_PADS)}`)
  })
}

/** Terminates the consumer at a random moment and checks that its successor starts where it ended. */
async function replaceConsumer(rig: Rig, side: Side, epoch: number): Promise<Side> {
  await side.worker.terminate()
  const released = word(rig, PROGRESS_RELEASED)
  const lastSeen = word(rig, PROGRESS_LAST_SEEN)
  Atomics.store(rig.progress, PROGRESS_FIRST_SEEN, -1)
  rig.ring.setConsumerEpoch(epoch)
  // The oracle for the successor: what lies at the consumer's cursor now.
  const offset = new EntryReader(rig.ring, epoch).peek()
  if (offset >= 0) {
    const first = rig.ring.u32[(offset >> 2) + 2] ?? -1
    assert.ok(first >= released, `entry ${first} was released already (${released})`)
    assert.ok(first <= lastSeen + 1, `entries ${lastSeen + 1}..${first - 1} were never seen`)
  }
  return rig.start('consumer', epoch)
}

async function killLoop(rig: Rig, prng: Prng): Promise<{ kills: number; exits: number[] }> {
  let epoch = 1
  let side = rig.start('consumer', epoch)
  const exits: number[] = []
  let kills = 0
  const outcome = { failed: null as unknown }
  side.exit.catch((error: unknown) => {
    outcome.failed = error
  })
  while (word(rig, PROGRESS_DONE) === 0 && outcome.failed === null) {
    await delay(prng.int(120))
    if (word(rig, PROGRESS_DONE) !== 0 || kills >= 40) continue
    kills++
    epoch++
    side = await replaceConsumer(rig, side, epoch)
    side.exit.catch((error: unknown) => {
      outcome.failed = error
    })
  }
  if (outcome.failed !== null) throw outcome.failed
  exits.push(await side.exit)
  return { kills, exits }
}

test('a consumer killed at random moments is followed at the same cursor', LIMIT, async (t) => {
  t.diagnostic(`SEED=${SEED} node --test dist/test/concurrency/ring.test.js`)
  const prng = createPrng(SEED).fork('kills')
  const rig = createRig(t, ENTRIES, 2 ** 31 - 65536)
  const producer = rig.start('producer', 1)
  const { kills } = await killLoop(rig, prng)
  assert.equal(await producer.exit, 0)
  assert.equal(rig.seen.indexOf(0), -1, 'an entry was lost')
  assert.ok(kills >= 3, `only ${kills} consumers were killed`)
  // Seen and not released is seen again by the successor: at most one batch of 60 for each kill.
  const doubled = rig.seen.reduce((sum, count) => sum + count - 1, 0)
  assert.ok(doubled <= kills * 60, `${doubled} entries seen again after ${kills} kills`)
  t.diagnostic(`${kills} kills, ${doubled} unreleased entries seen again`)
})

test('a publisher and a releaser of a past epoch change nothing', () => {
  const buffer = createRing({ capacityBytes: 4096, kind: RING_KIND_RECORD, shard: 0 })
  const ring = new Ring(buffer, RING_KIND_RECORD)
  ring.setProducerEpoch(1)
  ring.setConsumerEpoch(1)
  const write = (writer: EntryWriter, sequence: number): boolean => {
    const offset = writer.claim(16)
    ring.u32.set([16, 8, sequence, 0], offset >> 2)
    return writer.publish()
  }
  const zombieWriter = new EntryWriter(ring, 1)
  assert.ok(write(zombieWriter, 1))
  const zombieReader = new EntryReader(ring, 1)
  zombieReader.advance(zombieReader.peek())
  ring.setProducerEpoch(2)
  ring.setConsumerEpoch(2)
  const cursors = [ring.loadProducerCursor(), ring.loadConsumerCursor()]
  assert.equal(write(zombieWriter, 2), false)
  assert.equal(zombieReader.release(), false)
  assert.deepEqual([ring.loadProducerCursor(), ring.loadConsumerCursor()], cursors)
  assert.ok(write(new EntryWriter(ring, 2), 3))
  const reader = new EntryReader(ring, 2)
  const found: number[] = []
  for (let offset = reader.peek(); offset >= 0; offset = reader.peek()) {
    found.push(ring.u32[(offset >> 2) + 2] ?? 0)
    reader.advance(offset)
  }
  assert.deepEqual(found, [1, 3])
})

test('a zombie consumer on a live thread is refused and stops', LIMIT, async (t) => {
  const rig = createRig(t, 20_000, 0)
  const zombie = rig.start('consumer', 1)
  const refused = new Promise((resolve) => zombie.worker.once('message', resolve))
  const producer = rig.start('producer', 1)
  while (word(rig, PROGRESS_RELEASED) < 500) await delay(1)
  rig.ring.setConsumerEpoch(2)
  assert.equal(await refused, 'refused')
  await zombie.exit
  const successor = rig.start('consumer', 2)
  assert.deepEqual(await Promise.all([producer.exit, successor.exit]), [0, 0])
  assert.equal(rig.seen.indexOf(0), -1, 'an entry was lost')
})
