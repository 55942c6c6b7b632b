/**
 * One ring over a SharedArrayBuffer, as src/ring/layout.ts draws it: allocation, attachment and the
 * cursor arithmetic both sides share. Single producer, single consumer.
 */
import { SluiceError } from '../core/errors.ts'
import {
  OFFSET_CAPACITY,
  OFFSET_CONSUMER_CURSOR,
  OFFSET_CONSUMER_EPOCH,
  OFFSET_KIND,
  OFFSET_MAGIC,
  OFFSET_NEXT_SEQUENCE,
  OFFSET_PRODUCER_CURSOR,
  OFFSET_PRODUCER_EPOCH,
  OFFSET_SHARD,
  OFFSET_STOP,
  OFFSET_VERSION,
  RING_HEADER_BYTES,
  RING_LAYOUT_VERSION,
  RING_MAGIC,
  RING_SLACK_BYTES
} from './layout.ts'

const MIN_CAPACITY = 4096
const MAX_CAPACITY = 1 << 30

export interface RingOptions {
  /** Data bytes, a power of two from 4 KiB to 1 GiB. */
  readonly capacityBytes: number
  /** RING_KIND_FRAME or RING_KIND_RECORD. */
  readonly kind: number
  readonly shard: number
  /** Where both cursors start; tests put it near the wrap. A multiple of 8. */
  readonly startCursor?: number
}

/** Allocates an empty ring. */
export function createRing(options: RingOptions): SharedArrayBuffer {
  const { capacityBytes, kind, shard, startCursor = 0 } = options
  const isPowerOfTwo = (capacityBytes & (capacityBytes - 1)) === 0
  if (!isPowerOfTwo || capacityBytes < MIN_CAPACITY || capacityBytes > MAX_CAPACITY) {
    throw new SluiceError('SLUICE_RING_LAYOUT', 'creating ring: capacity is not a power of two', {
      capacityBytes
    })
  }
  const buffer = new SharedArrayBuffer(RING_HEADER_BYTES + capacityBytes + RING_SLACK_BYTES)
  const u32 = new Uint32Array(buffer)
  u32[OFFSET_MAGIC >> 2] = RING_MAGIC
  u32[OFFSET_VERSION >> 2] = RING_LAYOUT_VERSION
  u32[OFFSET_CAPACITY >> 2] = capacityBytes
  u32[OFFSET_KIND >> 2] = kind
  u32[OFFSET_SHARD >> 2] = shard
  u32[OFFSET_PRODUCER_CURSOR >> 2] = startCursor
  u32[OFFSET_CONSUMER_CURSOR >> 2] = startCursor
  return buffer
}

/** Views of one ring. Cheap; every thread makes its own. */
export class Ring {
  readonly buffer: SharedArrayBuffer
  readonly i32: Int32Array
  readonly u32: Uint32Array
  readonly f64: Float64Array
  readonly bytes: Uint8Array
  readonly capacity: number
  /** capacity − 1: `cursor & mask` is the offset in the data area. */
  readonly mask: number
  readonly shard: number

  constructor(buffer: SharedArrayBuffer, kind: number) {
    this.buffer = buffer
    this.i32 = new Int32Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.f64 = new Float64Array(buffer)
    this.bytes = new Uint8Array(buffer)
    const capacity = this.u32[OFFSET_CAPACITY >> 2] ?? 0
    if (
      this.u32[OFFSET_MAGIC >> 2] !== RING_MAGIC ||
      this.u32[OFFSET_VERSION >> 2] !== RING_LAYOUT_VERSION ||
      this.u32[OFFSET_KIND >> 2] !== kind ||
      buffer.byteLength !== RING_HEADER_BYTES + capacity + RING_SLACK_BYTES
    ) {
      throw new SluiceError('SLUICE_RING_LAYOUT', 'attaching ring: not a ring of this kind', {
        kind,
        bytes: buffer.byteLength
      })
    }
    this.capacity = capacity
    this.mask = capacity - 1
    this.shard = this.u32[OFFSET_SHARD >> 2] ?? 0
  }

  /** Sequentially consistent: pairs with the other side's cursor store. */
  loadProducerCursor(): number {
    return Atomics.load(this.i32, OFFSET_PRODUCER_CURSOR >> 2) >>> 0
  }

  loadConsumerCursor(): number {
    return Atomics.load(this.i32, OFFSET_CONSUMER_CURSOR >> 2) >>> 0
  }

  /** Release: everything written to the data area before is visible to who loads this cursor. */
  storeProducerCursor(cursor: number): void {
    Atomics.store(this.i32, OFFSET_PRODUCER_CURSOR >> 2, cursor | 0)
  }

  /** Release: the bytes behind the cursor may be overwritten from here on. */
  storeConsumerCursor(cursor: number): void {
    Atomics.store(this.i32, OFFSET_CONSUMER_CURSOR >> 2, cursor | 0)
  }

  /** Bytes in the ring, pads included. */
  usedBytes(): number {
    return (this.loadProducerCursor() - this.loadConsumerCursor()) >>> 0
  }

  isEmpty(): boolean {
    return this.usedBytes() === 0
  }

  /** Supervisor only, between the old owner's exit and the new one's start. */
  setConsumerEpoch(epoch: number): void {
    Atomics.store(this.i32, OFFSET_CONSUMER_EPOCH >> 2, epoch)
  }

  setProducerEpoch(epoch: number): void {
    Atomics.store(this.i32, OFFSET_PRODUCER_EPOCH >> 2, epoch)
  }

  consumerEpoch(): number {
    return Atomics.load(this.i32, OFFSET_CONSUMER_EPOCH >> 2)
  }

  producerEpoch(): number {
    return Atomics.load(this.i32, OFFSET_PRODUCER_EPOCH >> 2)
  }

  /** The stop mark: the consumer drains what is there, then ends. */
  requestStop(): void {
    Atomics.store(this.i32, OFFSET_STOP >> 2, 1)
  }

  clearStop(): void {
    Atomics.store(this.i32, OFFSET_STOP >> 2, 0)
  }

  stopRequested(): boolean {
    return Atomics.load(this.i32, OFFSET_STOP >> 2) !== 0
  }

  /** Record rings: the sequence the next record will get. */
  nextSequence(): number {
    return this.f64[OFFSET_NEXT_SEQUENCE >> 3] ?? 0
  }
}

/** Rounds up to the entry alignment. */
export function align8(bytes: number): number {
  return (bytes + 7) & ~7
}
