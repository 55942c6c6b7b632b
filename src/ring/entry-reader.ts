/**
 * The consumer's half of a ring: walk entries in place, then release them. Nothing is freed before
 * `release`, so a consumer that dies is followed by one that sees the same entries again.
 */
import { OFFSET_CONSUMER_EPOCH, PAD, RING_HEADER_BYTES } from './layout.ts'
import type { Ring } from './ring.ts'

export class EntryReader {
  readonly ring: Ring
  private position: number
  private producerSeen: number
  private readonly epoch: number

  /** @param epoch must equal the ring's consumer epoch for `release` to succeed */
  constructor(ring: Ring, epoch: number) {
    this.ring = ring
    this.epoch = epoch
    this.position = ring.loadConsumerCursor()
    this.producerSeen = this.position
  }

  /** Byte offset in the ring's buffer of the next entry, or −1 when there is none; does not advance. */
  peek(): number {
    const { u32, mask } = this.ring
    for (;;) {
      if (this.position === this.producerSeen) {
        this.producerSeen = this.ring.loadProducerCursor()
        if (this.position === this.producerSeen) return -1
      }
      const offset = RING_HEADER_BYTES + (this.position & mask)
      if (u32[(offset >> 2) + 1] !== PAD) return offset
      this.position = (this.position + (u32[offset >> 2] ?? 0)) >>> 0
    }
  }

  /** Moves past the entry that `peek` returned. */
  advance(offset: number): void {
    this.position = (this.position + (this.ring.u32[offset >> 2] ?? 0)) >>> 0
  }

  /** Frees everything before the current position. False when this owner's epoch has passed. */
  release(): boolean {
    if (Atomics.load(this.ring.i32, OFFSET_CONSUMER_EPOCH >> 2) !== this.epoch) return false
    this.ring.storeConsumerCursor(this.position)
    return true
  }

  /** Cursor that `release` would store. */
  cursor(): number {
    return this.position
  }

  /** Back to the last released position. */
  rewind(): void {
    this.position = this.ring.loadConsumerCursor()
  }
}
