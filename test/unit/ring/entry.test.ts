/** Claiming, padding, publishing and releasing, one thread. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntryReader } from '../../../src/ring/entry-reader.ts'
import { CLAIM_FULL, CLAIM_TOO_LARGE, EntryWriter } from '../../../src/ring/entry-writer.ts'
import { RING_HEADER_BYTES, RING_KIND_RECORD } from '../../../src/ring/layout.ts'
import { createRing, Ring } from '../../../src/ring/ring.ts'

const CAPACITY = 4096

function openRing(startCursor = 0): Ring {
  const ring = new Ring(
    createRing({ capacityBytes: CAPACITY, kind: RING_KIND_RECORD, shard: 3, startCursor }),
    RING_KIND_RECORD
  )
  ring.setProducerEpoch(1)
  ring.setConsumerEpoch(1)
  return ring
}

function put(writer: EntryWriter, id: number, bytes: number): number {
  const offset = writer.claim(bytes)
  if (offset >= 0) writer.ring.u32.set([(bytes + 7) & ~7, bytes - 16, id], offset >> 2)
  return offset
}

function drain(reader: EntryReader): number[] {
  const ids: number[] = []
  for (let offset = reader.peek(); offset >= 0; offset = reader.peek()) {
    ids.push(reader.ring.u32[(offset >> 2) + 2] ?? -1)
    reader.advance(offset)
  }
  return ids
}

for (const start of [0, CAPACITY - 8, 2 ** 31 - 8, 2 ** 31, 2 ** 32 - 8]) {
  test(`entries pass in order across the end of the data area, cursors from ${start}`, () => {
    const ring = openRing(start)
    const writer = new EntryWriter(ring, 1)
    const reader = new EntryReader(ring, 1)
    for (let id = 0; id < 500; id++) {
      assert.ok(put(writer, id, 24 + (id % 37) * 8) >= RING_HEADER_BYTES)
      assert.ok(writer.publish())
      assert.deepEqual(drain(reader), [id])
      assert.ok(reader.release())
    }
    assert.equal(ring.usedBytes(), 0)
  })
}

test('an entry that does not fit before the end starts at offset 0 behind a pad', () => {
  const ring = openRing(CAPACITY - 16)
  const writer = new EntryWriter(ring, 1)
  assert.equal(put(writer, 7, 24), RING_HEADER_BYTES)
  writer.publish()
  assert.equal(ring.usedBytes(), 16 + 24)
  assert.deepEqual(drain(new EntryReader(ring, 1)), [7])
})

test('an entry that ends exactly at the end needs no pad', () => {
  const ring = openRing(CAPACITY - 24)
  const writer = new EntryWriter(ring, 1)
  assert.equal(put(writer, 7, 24), RING_HEADER_BYTES + CAPACITY - 24)
  writer.publish()
  assert.equal(ring.usedBytes(), 24)
})

test('the ring takes its whole capacity, then says full, then takes again what was released', () => {
  const ring = openRing()
  const writer = new EntryWriter(ring, 1)
  for (let id = 0; id < 4; id++) assert.notEqual(put(writer, id, CAPACITY / 4), CLAIM_FULL)
  assert.equal(put(writer, 4, 16), CLAIM_FULL)
  writer.publish()
  assert.equal(ring.usedBytes(), CAPACITY)
  const reader = new EntryReader(ring, 1)
  reader.advance(reader.peek())
  assert.equal(put(writer, 4, 16), CLAIM_FULL, 'passed over is not released')
  reader.release()
  assert.equal(writer.freeBytes(), CAPACITY / 4)
  assert.notEqual(put(writer, 4, 16), CLAIM_FULL)
})

test('an entry above a quarter of the ring is refused for good', () => {
  const writer = new EntryWriter(openRing(), 1)
  assert.equal(writer.claim(CAPACITY / 4 + 1), CLAIM_TOO_LARGE)
  assert.ok(writer.claim(CAPACITY / 4) >= 0)
})

test('nothing is visible before publish, several claims become visible together', () => {
  const ring = openRing()
  const writer = new EntryWriter(ring, 1)
  const reader = new EntryReader(ring, 1)
  put(writer, 1, 16)
  put(writer, 2, 16)
  assert.equal(reader.peek(), -1)
  writer.publish()
  assert.deepEqual(drain(reader), [1, 2])
})

test('aborted claims leave no trace', () => {
  const ring = openRing(CAPACITY - 16)
  const writer = new EntryWriter(ring, 1)
  put(writer, 1, 64)
  writer.abort()
  put(writer, 2, 16)
  writer.publish()
  assert.deepEqual(drain(new EntryReader(ring, 1)), [2])
})

test('a reader rewinds to what it released last', () => {
  const ring = openRing()
  const writer = new EntryWriter(ring, 1)
  for (let id = 0; id < 3; id++) put(writer, id, 16)
  writer.publish()
  const reader = new EntryReader(ring, 1)
  reader.advance(reader.peek())
  reader.release()
  assert.deepEqual(drain(reader), [1, 2])
  reader.rewind()
  assert.deepEqual(drain(reader), [1, 2])
})

test('rings are refused with the wrong kind, a wrong size or an odd capacity', () => {
  const buffer = createRing({ capacityBytes: CAPACITY, kind: RING_KIND_RECORD, shard: 0 })
  const code = { code: 'SLUICE_RING_LAYOUT' }
  assert.throws(() => new Ring(buffer, RING_KIND_RECORD + 1), code)
  assert.throws(() => new Ring(new SharedArrayBuffer(CAPACITY), RING_KIND_RECORD), code)
  for (const capacityBytes of [0, 2048, 5000, 2 ** 31]) {
    assert.throws(() => createRing({ capacityBytes, kind: RING_KIND_RECORD, shard: 0 }), code)
  }
})
