/**
 * The producer's half of a ring: claim contiguous room, fill it, publish. Nothing is visible before
 * `publish`, so several claims become visible together. Non-blocking; the caller decides what full means.
 */
import { OFFSET_CONSUMER_CURSOR, OFFSET_PRODUCER_EPOCH, PAD, RING_HEADER_BYTES } from './layout.ts'
import { align8, type Ring } from './ring.ts'

export const CLAIM_FULL = -1
export const CLAIM_TOO_LARGE = -2

export class EntryWriter {
  readonly ring: Ring
  /** Position after the last claim; ahead of the published cursor until `publish`. */
  private staged: number
  /** Last value seen of the consumer's cursor; refreshed only when the ring looks full. */
  private consumerSeen: number
  private readonly epoch: number

  /** @param epoch must equal the ring's producer epoch for `publish` to succeed */
  constructor(ring: Ring, epoch: number) {
    this.ring = ring
    this.epoch = epoch
    this.staged = ring.loadProducerCursor()
    this.consumerSeen = ring.loadConsumerCursor()
  }

  /**
   * Claims `entryBytes` (rounded up to 8) of contiguous room and returns its byte offset in the ring's
   * buffer, or CLAIM_FULL, or CLAIM_TOO_LARGE when it exceeds a quarter of the ring.
   */
  claim(entryBytes: number): number {
    const { capacity, mask } = this.ring
    const size = align8(entryBytes)
    if (size > capacity >> 2) return CLAIM_TOO_LARGE
    const offset = this.staged & mask
    const tailRoom = capacity - offset
    const padBytes = size > tailRoom ? tailRoom : 0
    const needed = size + padBytes
    if (needed > this.room()) {
      this.consumerSeen = Atomics.load(this.ring.i32, OFFSET_CONSUMER_CURSOR >> 2) >>> 0
      if (needed > this.room()) return CLAIM_FULL
    }
    if (padBytes > 0) {
      const word = (RING_HEADER_BYTES + offset) >> 2
      this.ring.u32[word] = padBytes
      this.ring.u32[word + 1] = PAD
    }
    this.staged = (this.staged + needed) >>> 0
    return RING_HEADER_BYTES + (padBytes > 0 ? 0 : offset)
  }

  /** Makes every claim so far visible. False when this owner's epoch has passed: nothing was published. */
  publish(): boolean {
    if (Atomics.load(this.ring.i32, OFFSET_PRODUCER_EPOCH >> 2) !== this.epoch) return false
    this.ring.storeProducerCursor(this.staged)
    return true
  }

  /** Forgets the claims since the last `publish`. */
  abort(): void {
    this.staged = this.ring.loadProducerCursor()
  }

  /** Cursor that `publish` would store. */
  stagedCursor(): number {
    return this.staged
  }

  /** Bytes free behind the staged position, by the last consumer cursor seen; refreshes it first. */
  freeBytes(): number {
    this.consumerSeen = this.ring.loadConsumerCursor()
    return this.room()
  }

  private room(): number {
    return this.ring.capacity - ((this.staged - this.consumerSeen) >>> 0)
  }
}
