/**
 * One kernel alone, native or twin: frames into a frame ring, one call, entries out of the record ring, read by
 * the offsets that src/ring/layout.ts draws. No service, no threads, no Kafka.
 */
import assert from 'node:assert/strict'
import { binanceFrameParser } from '../../src/adapters/binance/parse.ts'
import { RecordType } from '../../src/model/record.ts'
import { createKernel, type Kernel, type KernelKind } from '../../src/native/kernel.ts'
import { PARSER_COUNTER_WORDS } from '../../src/ring/counters.ts'
import { EntryReader } from '../../src/ring/entry-reader.ts'
import { FrameWriter } from '../../src/ring/frame-writer.ts'
import {
  ACTIVITY_WORDS,
  RING_KIND_FRAME,
  RING_KIND_RECORD,
  STREAMS_MAX
} from '../../src/ring/layout.ts'
import { createRing, Ring } from '../../src/ring/ring.ts'
import { crc32c } from '../oracle/crc32c.ts'

export const ADDON_URL = new URL('../../../native/build/Release/kernel.node', import.meta.url)

export interface RecordEntry {
  readonly kind: 'record' | 'dead' | 'definition'
  readonly type: string
  readonly streamIndex: number
  readonly source: number
  readonly flags: number
  readonly sequence: bigint
  readonly firstId: bigint
  readonly lastId: bigint
  readonly eventTimeUs: bigint
  readonly receivedTimeUs: bigint
  readonly detail: number
  readonly key: string
  readonly value: Buffer
}

const NO_NAME = new Uint8Array(0)
const TYPE_NAMES = new Map<number, string>(
  Object.entries(RecordType).map(([name, number]) => [number, name])
)

export class KernelHarness {
  readonly counters: Float64Array
  readonly activity: Float64Array
  private readonly writer: FrameWriter
  private readonly reader: EntryReader
  private readonly kernel: Kernel
  private nextSequence = 0n

  constructor(kind: KernelKind, options: { ringBytes?: number; startCursor?: number } = {}) {
    const { ringBytes = 8 * 1024 * 1024, startCursor = 0 } = options
    const open = (kind: number): Ring => {
      const buffer = createRing({ capacityBytes: ringBytes, kind, shard: 0, startCursor })
      const ring = new Ring(buffer, kind)
      ring.setProducerEpoch(1)
      ring.setConsumerEpoch(1)
      return ring
    }
    const frames = open(RING_KIND_FRAME)
    const records = open(RING_KIND_RECORD)
    const counters = new SharedArrayBuffer(PARSER_COUNTER_WORDS * 8)
    const activity = new SharedArrayBuffer(STREAMS_MAX * ACTIVITY_WORDS * 8)
    this.counters = new Float64Array(counters)
    this.activity = new Float64Array(activity)
    this.writer = new FrameWriter(frames, 1, ringBytes)
    this.reader = new EntryReader(records, 1)
    this.kernel = createKernel(kind, {
      frameRing: frames.buffer,
      recordRing: records.buffer,
      counters,
      activity,
      parsers: { 'binance-spot': binanceFrameParser },
      exchanges: [{ exchange: 'binance', profile: 'binance-spot' }],
      epoch: 1
    })
  }

  /** One frame through the kernel; what it wrote, checked for CRCs and an unbroken sequence. */
  run(frame: Uint8Array, receivedTimeUs: number, stream: string | null = null): RecordEntry[] {
    const meta = { connection: 1, exchange: 0, receivedTimeUs, binary: false }
    const name = stream === null ? NO_NAME : Buffer.from(stream)
    assert.ok(this.writer.tryWrite(frame, meta, 0, name), 'the frame ring is full')
    assert.equal(this.kernel.parse(16), 1, `the kernel did not consume ${Buffer.from(frame)}`)
    const entries: RecordEntry[] = []
    for (let offset = this.reader.peek(); offset >= 0; offset = this.reader.peek()) {
      entries.push(this.read(offset))
      this.reader.advance(offset)
    }
    assert.ok(this.reader.release())
    return entries
  }

  private read(offset: number): RecordEntry {
    const { buffer, bytes } = this.reader.ring
    const at = new DataView(buffer, offset)
    const valueBytes = at.getUint32(4, true)
    assert.equal(at.getUint32(0, true), (72 + valueBytes + 7) & ~7, 'size')
    const value = Buffer.from(bytes.slice(offset + 72, offset + 72 + valueBytes))
    const number = at.getUint8(12)
    const kind = number === 30 ? 'dead' : number === 31 ? 'definition' : 'record'
    const sequence = at.getBigUint64(16, true)
    assert.equal(sequence, this.nextSequence, 'sequence')
    if (kind !== 'definition') this.nextSequence++
    assert.equal(at.getUint32(64, true), crc32c(value), 'CRC of the value')
    assert.equal(
      at.getUint32(68, true),
      crc32c(bytes.slice(offset, offset + 68)),
      'CRC of the header'
    )
    const keyOffset = at.getUint16(56, true)
    return {
      kind,
      type: TYPE_NAMES.get(number) ?? kind,
      streamIndex: at.getUint32(8, true),
      source: at.getUint8(13),
      flags: at.getUint16(14, true),
      sequence,
      firstId: at.getBigInt64(24, true),
      lastId: at.getBigInt64(32, true),
      eventTimeUs: at.getBigInt64(40, true),
      receivedTimeUs: at.getBigInt64(48, true),
      detail: at.getUint32(60, true),
      key: value.subarray(keyOffset, keyOffset + at.getUint16(58, true)).toString(),
      value
    }
  }
}
