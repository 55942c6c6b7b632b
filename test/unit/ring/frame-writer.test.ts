/** What a frame looks like in the ring, read back by the offsets of src/ring/layout.ts's drawing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntryReader } from '../../../src/ring/entry-reader.ts'
import { FrameWriter } from '../../../src/ring/frame-writer.ts'
import { RING_KIND_FRAME } from '../../../src/ring/layout.ts'
import { createRing, Ring } from '../../../src/ring/ring.ts'

const META = { connection: 77, exchange: 2, receivedTimeUs: 1_789_964_483_614_123, binary: false }
const NO_NAME = new Uint8Array(0)

function openRing(capacityBytes = 65536): Ring {
  const buffer = createRing({ capacityBytes, kind: RING_KIND_FRAME, shard: 0 })
  const ring = new Ring(buffer, RING_KIND_FRAME)
  ring.setProducerEpoch(1)
  return ring
}

function view(ring: Ring): { at: DataView; text(from: number, bytes: number): string } {
  const offset = new EntryReader(ring, 0).peek()
  const at = new DataView(ring.buffer, offset)
  return {
    at,
    text: (from, bytes) =>
      Buffer.from(ring.bytes.slice(offset + from, offset + from + bytes)).toString()
  }
}

test('header, payload and stream name stand where the layout says', () => {
  const ring = openRing()
  const writer = new FrameWriter(ring, 1, 1 << 20)
  const frame = Buffer.from('{"e":"x"}')
  assert.ok(writer.tryWrite(frame, META, 2, Buffer.from('btcusdt@trade')))
  const { at, text } = view(ring)
  assert.equal(at.getUint32(0, true), 56)
  assert.equal(at.getUint32(4, true), 9)
  assert.equal(at.getFloat64(8, true), META.receivedTimeUs)
  assert.equal(at.getUint32(16, true), 77)
  assert.equal(at.getUint16(20, true), 0)
  assert.equal(at.getUint8(22), 2)
  assert.equal(at.getUint8(23), 2)
  assert.equal(at.getUint32(24, true), 13)
  assert.equal(at.getUint32(28, true), 9)
  assert.equal(text(32, 9), '{"e":"x"}')
  assert.equal(text(41, 13), 'btcusdt@trade')
})

test('a frame above the limit keeps its beginning, its true size and the oversized flag', () => {
  const ring = openRing()
  const writer = new FrameWriter(ring, 1, 100)
  assert.ok(writer.tryWrite(Buffer.alloc(5000, 'a'), META, 0, NO_NAME))
  const { at, text } = view(ring)
  assert.equal(at.getUint32(4, true), 100)
  assert.equal(at.getUint32(28, true), 5000)
  assert.equal(at.getUint16(20, true), 1)
  assert.equal(text(32, 100), 'a'.repeat(100))
})

test('no frame exceeds a quarter of the ring, however large the limit', () => {
  const ring = openRing()
  const writer = new FrameWriter(ring, 1, 1 << 30)
  assert.ok(writer.payloadBytesMax < ring.capacity / 4)
  assert.ok(writer.tryWrite(new Uint8Array(60_000), META, 0, new Uint8Array(1024)))
})

test('a binary message is flagged', () => {
  const ring = openRing()
  new FrameWriter(ring, 1, 100).tryWrite(NO_NAME, { ...META, binary: true }, 0, NO_NAME)
  assert.equal(view(ring).at.getUint16(20, true), 2)
})

test('a full ring takes nothing and keeps what it has', () => {
  const ring = openRing(4096 * 4)
  const writer = new FrameWriter(ring, 1, 1 << 20)
  const frame = new Uint8Array(1000)
  let written = 0
  while (writer.tryWrite(frame, META, 0, NO_NAME)) written++
  assert.equal(written, Math.floor(ring.capacity / 1032))
  const used = ring.usedBytes()
  assert.equal(writer.tryWrite(frame, META, 0, NO_NAME), false)
  assert.equal(ring.usedBytes(), used)
})
