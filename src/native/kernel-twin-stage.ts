/** The TypeScript kernel's writing half: entries into the record ring, and the commit of both cursors. */
import { crc32c } from '../core/crc32c.ts'
import { ENTRY_STREAM_DEFINITION } from '../model/record.ts'
import { CLAIM_FULL, CLAIM_TOO_LARGE, EntryWriter } from '../ring/entry-writer.ts'
import {
  OFFSET_INTENT_FRAME_CURSOR,
  OFFSET_INTENT_RECORD_CURSOR,
  OFFSET_INTENT_SEQUENCE,
  OFFSET_INTENT_STATE,
  OFFSET_NEXT_SEQUENCE,
  RECORD_DETAIL,
  RECORD_EVENT_TIME,
  RECORD_FIRST_ID,
  RECORD_FLAGS,
  RECORD_HEADER_BYTES,
  RECORD_HEADER_CRC,
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
  RECORD_VALUE_CRC
} from '../ring/layout.ts'
import { align8, type Ring } from '../ring/ring.ts'
import type { TwinEntry } from './kernel-twin-entries.ts'

/**
 * A predecessor that ended between the two cursors left a note in the record ring: finish its move, so
 * that no frame is parsed twice and no published record is overwritten.
 */
export function finishCommit(frames: Ring, records: Ring): void {
  if (Atomics.load(records.i32, OFFSET_INTENT_STATE >> 2) !== 1) return
  records.f64[OFFSET_NEXT_SEQUENCE >> 3] = records.f64[OFFSET_INTENT_SEQUENCE >> 3] ?? 0
  records.storeProducerCursor(records.u32[OFFSET_INTENT_RECORD_CURSOR >> 2] ?? 0)
  frames.storeConsumerCursor(records.u32[OFFSET_INTENT_FRAME_CURSOR >> 2] ?? 0)
  Atomics.store(records.i32, OFFSET_INTENT_STATE >> 2, 0)
}

function entryBytes(entry: TwinEntry): number {
  return align8(RECORD_HEADER_BYTES + entry.value.length)
}

export class TwinStage {
  /** Longest value an entry can have. */
  readonly valueBytesMax: number
  private readonly frames: Ring
  private readonly records: Ring
  private readonly view: DataView
  private readonly writer: EntryWriter
  private readonly epoch: number
  private sequence: number

  constructor(frames: Ring, records: Ring, epoch: number) {
    this.frames = frames
    this.records = records
    this.view = new DataView(records.buffer)
    this.writer = new EntryWriter(records, epoch)
    this.epoch = epoch
    this.sequence = records.nextSequence()
    this.valueBytesMax = (records.capacity >> 2) - RECORD_HEADER_BYTES
  }

  owns(): boolean {
    return this.records.producerEpoch() === this.epoch
  }

  /** No entry above a quarter of the ring, all of a frame together at most half. */
  canEverFit(entries: readonly TwinEntry[]): boolean {
    const sizes = entries.map(entryBytes)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    const { capacity } = this.records
    return sizes.every((size) => size <= capacity >> 2) && total <= capacity >> 1
  }

  /** All of a frame's entries or none: false = no room, nothing claimed. */
  write(entries: readonly TwinEntry[]): boolean {
    let { sequence } = this
    for (const entry of entries) {
      const offset = this.writer.claim(RECORD_HEADER_BYTES + entry.value.length)
      if (offset === CLAIM_FULL || offset === CLAIM_TOO_LARGE) {
        this.writer.abort()
        return false
      }
      this.writeEntry(offset, entry, sequence)
      // A definition carries the sequence of the record that follows it.
      if (entry.type !== ENTRY_STREAM_DEFINITION) sequence += 1
    }
    this.sequence = sequence
    return true
  }

  /** Publishes what was written and frees the frames before `frameCursor`. False = not the owner any more. */
  commit(frameCursor: number): boolean {
    if (!this.owns() || this.frames.consumerEpoch() !== this.epoch) return false
    const { records } = this
    const recordCursor = this.writer.stagedCursor()
    records.u32[OFFSET_INTENT_FRAME_CURSOR >> 2] = frameCursor
    records.u32[OFFSET_INTENT_RECORD_CURSOR >> 2] = recordCursor
    records.f64[OFFSET_INTENT_SEQUENCE >> 3] = this.sequence
    // Release: who finds the note set also finds its three values.
    Atomics.store(records.i32, OFFSET_INTENT_STATE >> 2, 1)
    records.f64[OFFSET_NEXT_SEQUENCE >> 3] = this.sequence
    records.storeProducerCursor(recordCursor)
    this.frames.storeConsumerCursor(frameCursor)
    Atomics.store(records.i32, OFFSET_INTENT_STATE >> 2, 0)
    return true
  }

  private writeEntry(offset: number, entry: TwinEntry, sequence: number): void {
    const { view } = this
    const { bytes } = this.records
    const size = entryBytes(entry)
    const valueBytes = entry.value.length
    const valueAt = offset + RECORD_HEADER_BYTES
    view.setUint32(offset + RECORD_SIZE, size, true)
    view.setUint32(offset + RECORD_VALUE_BYTES, valueBytes, true)
    view.setUint32(offset + RECORD_STREAM_INDEX, entry.streamIndex, true)
    view.setUint8(offset + RECORD_TYPE, entry.type)
    view.setUint8(offset + RECORD_SOURCE, entry.source)
    view.setUint16(offset + RECORD_FLAGS, entry.flags, true)
    view.setBigUint64(offset + RECORD_SEQUENCE, BigInt(sequence), true)
    view.setBigInt64(offset + RECORD_FIRST_ID, entry.firstId, true)
    view.setBigInt64(offset + RECORD_LAST_ID, entry.lastId, true)
    view.setBigInt64(offset + RECORD_EVENT_TIME, entry.eventTimeUs, true)
    view.setBigInt64(offset + RECORD_RECEIVED_TIME, entry.receivedTimeUs, true)
    view.setUint16(offset + RECORD_KEY_OFFSET, entry.keyOffset, true)
    view.setUint16(offset + RECORD_KEY_BYTES, entry.keyBytes, true)
    view.setUint32(offset + RECORD_DETAIL, entry.detail, true)
    bytes.set(entry.value, valueAt)
    // Padding is zero: the entry's bytes are the spool's bytes and must depend on the frame alone.
    bytes.fill(0, valueAt + valueBytes, offset + size)
    view.setUint32(offset + RECORD_VALUE_CRC, crc32c(bytes, valueAt, valueAt + valueBytes), true)
    view.setUint32(
      offset + RECORD_HEADER_CRC,
      crc32c(bytes, offset, offset + RECORD_HEADER_CRC),
      true
    )
  }
}
