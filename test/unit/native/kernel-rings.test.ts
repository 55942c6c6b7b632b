/** The kernel and its rings: full, wrapped, handed over, half committed; the stream table; activity. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/core/errors.ts'
import { ENTRY_STREAM_DEFINITION } from '../../../src/model/record.ts'
import { loadKernelAddon } from '../../../src/native/kernel.ts'
import { PARSER_EXCHANGE_LAG, PARSER_RECORD_RING_FULL } from '../../../src/ring/counters.ts'
import { histogramBucket } from '../../../src/ring/histogram.ts'
import {
  HISTOGRAM_COUNT,
  HISTOGRAM_SUM,
  OFFSET_INTENT_FRAME_CURSOR,
  OFFSET_INTENT_RECORD_CURSOR,
  OFFSET_INTENT_SEQUENCE,
  OFFSET_INTENT_STATE,
  RECORD_SEQUENCE,
  RECORD_STREAM_INDEX
} from '../../../src/ring/layout.ts'
import {
  describe,
  KernelPair,
  KernelRig,
  KINDS,
  RECEIVED_US,
  textOf,
  typeOf
} from '../../support/kernel-rig.ts'

function book(update: number, symbol = 'ABC'): string {
  return `{"u":${update},"s":"${symbol}","b":"1","B":"1","a":"1","A":"1"}`
}

function isRecord(entry: Buffer): boolean {
  return typeOf(entry) !== ENTRY_STREAM_DEFINITION
}

for (const kind of KINDS) {
  test(`${kind}: a full record ring stops at a frame and loses nothing`, () => {
    const rig = new KernelRig(kind, { recordBytes: 4096 })
    for (let update = 0; update < 60; update++) assert.ok(rig.push(book(update)))
    const updates: number[] = []
    let stalls = 0
    for (let calls = 0; updates.length < 60; calls++) {
      assert.ok(calls < 100, 'progress')
      rig.kernel.parse(1000)
      if (rig.kernel.recordRingFull) stalls += 1
      updates.push(
        ...rig
          .take()
          .filter(isRecord)
          .map((entry) => JSON.parse(textOf(entry)).updateId)
      )
    }
    assert.deepEqual(
      updates,
      Array.from({ length: 60 }, (_, update) => update)
    )
    assert.ok(stalls >= 4, `${stalls} stalls`)
    assert.equal(rig.counters[PARSER_RECORD_RING_FULL], stalls)
    assert.equal(rig.frames.usedBytes(), 0)
  })

  test(`${kind}: nothing of a frame is visible before all of it fits`, () => {
    const rig = new KernelRig(kind, { recordBytes: 8192 })
    for (let update = 0; update < 18; update++) rig.push(book(update))
    rig.push(`[${Array.from({ length: 8 }, (_, index) => book(index, `S${index}`)).join(',')}]`)
    rig.kernel.parse(100)
    assert.equal(rig.kernel.recordRingFull, true)
    const before = rig.take().filter(isRecord)
    assert.equal(before.length, 18)
    assert.equal(rig.kernel.parse(100), 1)
    const after = rig.take()
    assert.equal(after.filter(isRecord).length, 8)
    assert.equal(after.length, 16, 'the definitions came again')
    assert.equal(after.at(-1)?.readBigUInt64LE(RECORD_SEQUENCE), 25n)
  })

  test(`${kind}: output that can never fit is a dead letter, not a stall`, () => {
    const rig = new KernelRig(kind, { recordBytes: 4096 })
    const array = `[${Array.from({ length: 20 }, (_, index) => book(index)).join(',')}]`
    assert.deepEqual(rig.outcome(array), ['dead: oversized'])
    const levels = Array.from({ length: 60 }, () => ['1.00000000', '2.00000000'])
    const depth = JSON.stringify({
      e: 'depthUpdate',
      E: 1789964483614,
      s: 'ABC',
      U: 1,
      u: 2,
      b: levels,
      a: []
    })
    assert.deepEqual(rig.outcome(depth), ['dead: oversized'])
    assert.equal(rig.outcome(book(1)).length, 1)
  })

  test(`${kind}: rings wrap, cursors pass 2^32`, () => {
    const startCursor = 2 ** 32 - 8192 * 3
    const rig = new KernelRig(kind, { frameBytes: 8192, recordBytes: 8192, startCursor })
    for (let update = 0; update < 500; update++) {
      const [value] = rig.outcome(book(update, `S${update % 3}${'x'.repeat(update % 40)}`))
      assert.equal(JSON.parse(value ?? '').updateId, update)
    }
    assert.ok(rig.records.loadProducerCursor() < startCursor)
  })

  test(`${kind}: another epoch owns the rings`, () => {
    const rig = new KernelRig(kind)
    rig.push(book(1))
    rig.frames.setConsumerEpoch(1)
    assert.equal(rig.kernel.parse(1), -1)
    rig.frames.setConsumerEpoch(0)
    rig.records.setProducerEpoch(1)
    assert.equal(rig.kernel.parse(1), -1)
    assert.equal(rig.records.usedBytes(), 0)
    assert.throws(() => rig.attach(1), { code: 'SLUICE_RING_OWNERSHIP' })
    rig.frames.setConsumerEpoch(1)
    const successor = rig.attach(1)
    assert.equal(successor.parse(5), 1)
    assert.equal(rig.counters[0], 1, 'counted once')
  })

  test(`${kind}: a successor goes on at the same cursor and defines its streams again`, () => {
    const rig = new KernelRig(kind)
    rig.push(book(1))
    rig.push(book(2))
    rig.kernel.parse(1)
    const first = rig.take()
    rig.kernel = rig.attach(0)
    rig.kernel.parse(5)
    const second = rig.take()
    assert.deepEqual(
      [first, second].map((entries) => entries.map(typeOf)),
      [
        [31, 7],
        [31, 7]
      ]
    )
    assert.equal(second[1]?.readBigUInt64LE(RECORD_SEQUENCE), 1n)
    assert.equal(JSON.parse(textOf(second[1] ?? Buffer.alloc(0))).updateId, 2)
  })

  test(`${kind}: a successor finishes a commit that broke off between the cursors`, () => {
    const rig = new KernelRig(kind)
    rig.push(book(1))
    rig.push(book(2))
    const { frames, records } = rig
    const framesBefore = frames.loadConsumerCursor()
    rig.kernel.parse(1)
    // As if the thread had ended right after the note was set.
    records.u32[OFFSET_INTENT_FRAME_CURSOR >> 2] = frames.loadConsumerCursor()
    records.u32[OFFSET_INTENT_RECORD_CURSOR >> 2] = records.loadProducerCursor()
    records.f64[OFFSET_INTENT_SEQUENCE >> 3] = 1
    records.u32[OFFSET_INTENT_STATE >> 2] = 1
    frames.storeConsumerCursor(framesBefore)
    records.storeProducerCursor(0)
    records.f64[512 >> 3] = 0
    rig.kernel = rig.attach(0)
    assert.equal(records.u32[OFFSET_INTENT_STATE >> 2], 0)
    assert.equal(rig.kernel.parse(5), 1, 'the first frame is not parsed again')
    const updates = rig
      .take()
      .filter(isRecord)
      .map((entry) => JSON.parse(textOf(entry)).updateId)
    assert.deepEqual(updates, [1, 2])
  })

  test(`${kind}: the stream table is bounded, and a refused frame leaves no stream behind`, () => {
    const rig = new KernelRig(kind, { streamsMax: 3 })
    assert.deepEqual(rig.outcome(`[${book(1, 'A')},${book(1, 'B')},{}]`), ['dead: missing_field'])
    assert.equal(rig.outcome(`[${book(1, 'A')},${book(1, 'B')}]`).length, 2)
    assert.deepEqual(rig.outcome(`[${book(1, 'C')},${book(1, 'D')}]`), ['dead: too_many_streams'])
    assert.equal(rig.outcome(book(1, 'C')).length, 1)
    assert.deepEqual(rig.outcome(book(1, 'D')), ['dead: too_many_streams'])
    assert.deepEqual(rig.outcome(`{"u":"x"${book(1, 'D').slice(6)}`), ['dead: bad_number'])
    assert.equal(rig.outcome(book(2, 'A')).length, 1)
    assert.equal(rig.counters[7], 3)
  })

  test(`${kind}: the same symbol on other exchanges and streams is another stream`, () => {
    const rig = new KernelRig(kind)
    rig.push(book(1))
    rig.push(book(1), { exchange: 1 })
    rig.push(book(1), { stream: 'abc@bookTicker' })
    rig.push(book(1))
    rig.kernel.parse(9)
    const entries = rig.take().filter(isRecord)
    const indexes = entries.map((entry) => entry.readUInt32LE(RECORD_STREAM_INDEX))
    assert.deepEqual(indexes, [0, 1, 2, 0])
    assert.match(textOf(entries[1] ?? Buffer.alloc(0)), /"exchange":"binance-us"/)
  })

  test(`${kind}: activity rows tell records, times and progress; lag is live data's`, () => {
    const rig = new KernelRig(kind)
    const send = (update: number, receivedTimeUs: number): void => {
      rig.push(book(update), { receivedTimeUs })
      rig.kernel.parse(1)
      rig.take()
    }
    send(5, 1000)
    send(5, 2000)
    send(7, 3000)
    send(6, 4000)
    assert.deepEqual([...rig.activity.subarray(0, 4)], [4, 4000, 3000, 6])
    const trade = '{"e":"trade","E":1789964483614,"s":"A","t":1,"p":"1","q":"1","T":1,"m":true}'
    rig.outcome(trade)
    rig.outcome(trade, { source: 2 })
    const lag = RECEIVED_US - 1_789_964_483_614_000
    const at = PARSER_EXCHANGE_LAG
    assert.equal(rig.counters[at + HISTOGRAM_COUNT], 1)
    assert.equal(rig.counters[at + HISTOGRAM_SUM], lag)
    assert.equal(rig.counters[at + histogramBucket(lag)], 1)
    assert.match(rig.outcome(trade, { source: 2 })[0] ?? '', /"source":"backfill"/)
  })
}

test('native ≡ twin while the record ring keeps filling up', () => {
  const pair = new KernelPair({ recordBytes: 8192, frameBytes: 1 << 16 })
  for (let round = 0; round < 40; round++) {
    for (let update = 0; update < 9; update++) {
      const one = book(update, `S${(round * update) % 23}`)
      pair.push(
        update % 3 === 0
          ? `[${Array(update + 1)
              .fill(one)
              .join(',')}]`
          : one
      )
    }
    while (pair.parse(7).length > 0);
  }
  pair.assertSameCounters()
  assert.equal(pair.native.frames.usedBytes(), 0)
})

test('a missing addon and one of another layout are told apart, with the command that helps', () => {
  const missing = (error: unknown): boolean =>
    error instanceof SluiceError &&
    error.code === 'SLUICE_NATIVE_MISSING' &&
    error.message.includes('npm run build:native')
  assert.throws(() => loadKernelAddon('/nonexistent/kernel.node'), missing)
  const other = new URL(import.meta.url).pathname
  assert.throws(() => loadKernelAddon(other), { code: 'SLUICE_NATIVE_MISMATCH' })
  const { Kernel, layoutVersion } = loadKernelAddon()
  assert.equal(layoutVersion, 1)
  for (const options of [undefined, {}, { frameRing: new Uint8Array(8) }]) {
    assert.throws(() => Reflect.construct(Kernel, [options]), TypeError)
  }
  assert.equal(describe(Buffer.alloc(80)), '')
})
