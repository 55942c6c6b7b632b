/** A record ring and a writer for it that stands for a parser: definitions, records, dead letters. */
import {
  ENTRY_DEAD_LETTER,
  ENTRY_STREAM_DEFINITION,
  RecordSource,
  RecordType
} from '../../src/model/record.ts'
import type { StreamDefinition } from '../../src/model/subscription.ts'
import { EntryWriter } from '../../src/ring/entry-writer.ts'
import {
  RECORD_DETAIL,
  RECORD_EVENT_TIME,
  RECORD_FIRST_ID,
  RECORD_FLAGS,
  RECORD_HEADER_BYTES,
  RECORD_KEY_BYTES,
  RECORD_KEY_OFFSET,
  RECORD_LAST_ID,
  RECORD_RECEIVED_TIME,
  RECORD_SEQUENCE,
  RECORD_SIZE,
  RECORD_SOURCE,
  RECORD_STREAM_INDEX,
  RECORD_TYPE,
  RECORD_VALUE_BYTES,
  RING_KIND_RECORD
} from '../../src/ring/layout.ts'
import { align8, createRing, Ring } from '../../src/ring/ring.ts'

export interface WrittenRecord {
  readonly streamIndex: number
  readonly symbol: string
  readonly id: number
  readonly type?: keyof typeof RecordType
  readonly source?: keyof typeof RecordSource
  /** null = the stream has none. */
  readonly eventTimeUs?: number | null
  readonly receivedTimeUs?: number
  /** Makes the value at least this large. */
  readonly padBytes?: number
}

interface Entry {
  readonly type: number
  readonly streamIndex: number
  readonly value: Uint8Array
  readonly source: number
  readonly firstId: number
  readonly eventTimeUs: number
  readonly receivedTimeUs: number
  readonly keyOffset: number
  readonly keyBytes: number
  readonly detail: number
}

const encoder = new TextEncoder()

export function nowUs(): number {
  return Date.now() * 1000
}

/** The value that `record` writes. */
export function recordValue(record: WrittenRecord): string {
  const { symbol, id, padBytes = 0 } = record
  return `{"v":1,"symbol":"${symbol}","id":${id},"pad":"${'x'.repeat(padBytes)}"}`
}

export class RecordRingWriter {
  readonly buffer: SharedArrayBuffer
  readonly ring: Ring
  sequence = 0
  private readonly writer: EntryWriter
  private readonly view: DataView

  constructor(capacityBytes = 1 << 20, startCursor = 0) {
    this.buffer = createRing({ capacityBytes, kind: RING_KIND_RECORD, shard: 0, startCursor })
    this.ring = new Ring(this.buffer, RING_KIND_RECORD)
    this.ring.setProducerEpoch(1)
    this.ring.setConsumerEpoch(1)
    this.writer = new EntryWriter(this.ring, 1)
    this.view = new DataView(this.buffer)
  }

  define(streamIndex: number, definition: Partial<StreamDefinition>): boolean {
    const full = {
      stream: null,
      exchange: 'binance',
      type: 'trade',
      symbol: 'BTCUSDT',
      interval: null,
      window: null,
      ...definition
    }
    const value = encoder.encode(JSON.stringify(full))
    return this.write({ ...blank(), type: ENTRY_STREAM_DEFINITION, streamIndex, value })
  }

  /** False when the ring is full. */
  record(record: WrittenRecord): boolean {
    const text = recordValue(record)
    const { streamIndex, symbol, id, type = 'trade', source = 'live' } = record
    const receivedTimeUs = record.receivedTimeUs ?? nowUs()
    const eventTimeUs = record.eventTimeUs === undefined ? receivedTimeUs : record.eventTimeUs
    return this.write({
      ...blank(),
      type: RecordType[type],
      source: RecordSource[source],
      streamIndex,
      value: encoder.encode(text),
      firstId: id,
      eventTimeUs: eventTimeUs ?? 0,
      receivedTimeUs,
      keyOffset: text.indexOf(symbol),
      keyBytes: encoder.encode(symbol).byteLength
    })
  }

  deadLetter(bytes: Uint8Array, reason: number, originalBytes: number = bytes.byteLength): boolean {
    return this.write({
      ...blank(),
      type: ENTRY_DEAD_LETTER,
      streamIndex: 0,
      value: bytes,
      firstId: originalBytes,
      detail: reason
    })
  }

  private write(entry: Entry): boolean {
    const size = align8(RECORD_HEADER_BYTES + entry.value.byteLength)
    const at = this.writer.claim(size)
    if (at < 0) return false
    const { view } = this
    view.setUint32(at + RECORD_SIZE, size, true)
    view.setUint32(at + RECORD_VALUE_BYTES, entry.value.byteLength, true)
    view.setUint32(at + RECORD_STREAM_INDEX, entry.streamIndex, true)
    view.setUint8(at + RECORD_TYPE, entry.type)
    view.setUint8(at + RECORD_SOURCE, entry.source)
    view.setUint16(at + RECORD_FLAGS, 0, true)
    view.setBigUint64(at + RECORD_SEQUENCE, BigInt(this.sequence), true)
    if (entry.type !== ENTRY_STREAM_DEFINITION) this.sequence += 1
    view.setBigInt64(at + RECORD_FIRST_ID, BigInt(entry.firstId), true)
    view.setBigInt64(at + RECORD_LAST_ID, BigInt(entry.firstId), true)
    view.setBigInt64(at + RECORD_EVENT_TIME, BigInt(entry.eventTimeUs), true)
    view.setBigInt64(at + RECORD_RECEIVED_TIME, BigInt(entry.receivedTimeUs), true)
    view.setUint16(at + RECORD_KEY_OFFSET, entry.keyOffset, true)
    view.setUint16(at + RECORD_KEY_BYTES, entry.keyBytes, true)
    view.setUint32(at + RECORD_DETAIL, entry.detail, true)
    new Uint8Array(this.buffer).set(entry.value, at + RECORD_HEADER_BYTES)
    return this.writer.publish()
  }
}

function blank(): Entry {
  return {
    type: 0,
    streamIndex: 0,
    value: new Uint8Array(0),
    source: 0,
    firstId: -1,
    eventTimeUs: 0,
    receivedTimeUs: nowUs(),
    keyOffset: 0,
    keyBytes: 0,
    detail: 0
  }
}
