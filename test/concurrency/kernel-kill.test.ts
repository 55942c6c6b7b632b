/**
 * A parser thread terminated at random moments and replaced on the same two rings: every frame becomes its
 * record once, in order, with an unbroken sequence, whoever wrote it.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { createPrng } from '../../src/core/prng.ts'
import { ENTRY_STREAM_DEFINITION } from '../../src/model/record.ts'
import {
  PARSER_COUNTER_WORDS,
  PARSER_FRAMES_CONSUMED,
  PARSER_RECORDS_EMITTED
} from '../../src/ring/counters.ts'
import { EntryReader } from '../../src/ring/entry-reader.ts'
import { FrameWriter } from '../../src/ring/frame-writer.ts'
import {
  ACTIVITY_WORDS,
  RECORD_LAST_ID,
  RECORD_SEQUENCE,
  RECORD_TYPE,
  RING_KIND_FRAME,
  RING_KIND_RECORD
} from '../../src/ring/layout.ts'
import { createRing, Ring } from '../../src/ring/ring.ts'
import { ADDON_URL } from '../support/kernel-harness.ts'
import type { KernelSideData } from './kernel-side.worker.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const KILLS = 20
const SYMBOLS = 7

class Rig {
  readonly frames = openRing(RING_KIND_FRAME)
  readonly records = openRing(RING_KIND_RECORD)
  readonly counters = new SharedArrayBuffer(PARSER_COUNTER_WORDS * 8)
  private readonly activity = new SharedArrayBuffer(64 * ACTIVITY_WORDS * 8)
  private readonly writer = new FrameWriter(this.frames, 1, 1 << 16)
  private readonly reader = new EntryReader(this.records, 1)
  private epoch = 0
  sent = 0
  /** Next id expected of each symbol, and next sequence. */
  private readonly nextIds: number[] = Array.from({ length: SYMBOLS }, (_, index) => index)
  private nextSequence = 0n
  seen = 0

  start(t: TestContext, kind: KernelSideData['kind']): Worker {
    this.epoch += 1
    this.frames.setConsumerEpoch(this.epoch)
    this.records.setProducerEpoch(this.epoch)
    const workerData: KernelSideData = {
      kind,
      frameRing: this.frames.buffer,
      recordRing: this.records.buffer,
      counters: this.counters,
      activity: this.activity,
      epoch: this.epoch
    }
    const worker = new Worker(new URL('./kernel-side.worker.js', import.meta.url), { workerData })
    t.after(() => worker.terminate())
    return worker
  }

  /** Writes frames until the ring is full or `count` are written. */
  write(count: number): void {
    for (let index = 0; index < count; index++) {
      const id = this.sent
      const symbol = `SYM${id % SYMBOLS}`
      const frame = Buffer.from(
        `{"stream":"${symbol.toLowerCase()}@trade","data":{"e":"trade","E":1789964484109,` +
          `"s":"${symbol}","t":${id},"p":"${id}.5","q":"3","T":1789964484108,"m":true,"M":true}}`
      )
      const meta = {
        connection: 1,
        exchange: 0,
        receivedTimeUs: 1_789_964_484_200_000,
        binary: false
      }
      if (!this.writer.tryWrite(frame, meta, 0, new Uint8Array(0))) return
      this.sent++
    }
  }

  /** Reads what is there; throws at the first lost, doubled, torn or reordered record. */
  read(): void {
    const { buffer, bytes } = this.records
    for (let offset = this.reader.peek(); offset >= 0; offset = this.reader.peek()) {
      const at = new DataView(buffer, offset)
      assert.equal(at.getBigUint64(RECORD_SEQUENCE, true), this.nextSequence, 'sequence')
      if (at.getUint8(RECORD_TYPE) !== ENTRY_STREAM_DEFINITION) {
        const id = Number(at.getBigInt64(RECORD_LAST_ID, true))
        assert.equal(id, this.nextIds[id % SYMBOLS], 'id')
        const value = Buffer.from(bytes.slice(offset + 72, offset + 72 + at.getUint32(4, true)))
        assert.ok(
          value
            .toString()
            .endsWith(
              `"tradeId":${id},"price":"${id}.5","quantity":"3","tradeTime":1789964484108000,"side":"sell"}`
            ),
          value.toString()
        )
        this.nextIds[id % SYMBOLS] = id + SYMBOLS
        this.nextSequence++
        this.seen++
      }
      this.reader.advance(offset)
    }
    assert.ok(this.reader.release())
  }
}

function openRing(kind: number): Ring {
  const ring = new Ring(
    createRing({ capacityBytes: 1 << 16, kind, shard: 0, startCursor: 2 ** 32 - 65536 }),
    kind
  )
  ring.setProducerEpoch(1)
  ring.setConsumerEpoch(1)
  return ring
}

for (const kind of ['native', 'twin'] as const) {
  const skip = kind === 'twin' || existsSync(ADDON_URL) ? false : 'kernel.node is not built'
  test(`${kind}: ${KILLS} killed parser threads lose and double nothing`, {
    skip,
    timeout: 120_000
  }, async (t) => {
    t.diagnostic(`SEED=${SEED} node --test dist/test/concurrency/kernel-kill.test.js`)
    const prng = createPrng(SEED).fork('kernel kills')
    const rig = new Rig()
    let worker = rig.start(t, kind)
    let failed: unknown = null
    const watch = (each: Worker): void =>
      void each.once('error', (error) => {
        failed = error
      })
    watch(worker)
    for (let kill = 0; kill < KILLS; kill++) {
      const until = performance.now() + 30 + prng.int(60)
      while (performance.now() < until) {
        rig.write(1 + prng.int(400))
        // Now and then nobody reads, and the record ring fills.
        if (prng.int(10) > 1) rig.read()
        await delay(0)
      }
      assert.equal(failed, null)
      await worker.terminate()
      worker = rig.start(t, kind)
      watch(worker)
    }
    rig.frames.requestStop()
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    const state = { done: false }
    void ended.then(() => {
      state.done = true
    })
    while (!state.done) {
      rig.read()
      await delay(1)
    }
    rig.read()
    assert.equal(failed, null)
    assert.equal(rig.seen, rig.sent, 'every frame became its record')
    const counters = new Float64Array(rig.counters)
    // Native code is not interrupted; the twin may die between its commit and its counting.
    const uncountedMax = kind === 'native' ? 0 : KILLS * 2
    for (const word of [PARSER_FRAMES_CONSUMED, PARSER_RECORDS_EMITTED]) {
      const missing = rig.sent - (counters[word] ?? 0)
      assert.ok(missing >= 0 && missing <= uncountedMax, `counter ${word} lacks ${missing}`)
    }
    t.diagnostic(`${rig.sent} frames through ${KILLS + 1} threads`)
  })
}
