/**
 * The frame sink over the frame rings: one copy into the shard's ring, one wake-up per event-loop turn
 * and shard. Main thread, never blocks.
 */
import { RecordSource } from '../model/record.ts'
import { Doorbell } from '../ring/doorbell.ts'
import { FrameWriter } from '../ring/frame-writer.ts'
import { RING_KIND_FRAME } from '../ring/layout.ts'
import { Ring } from '../ring/ring.ts'
import type { FrameMeta, FrameSink } from '../transport/frame-sink.ts'

export interface RingIntakeOptions {
  readonly frameRings: readonly SharedArrayBuffer[]
  readonly doorbells: SharedArrayBuffer
  /** Doorbell slot of a shard's parser. */
  readonly doorbellOf: (shard: number) => number
  /** Larger frames are cut to this and dead-lettered as oversized, bytes. */
  readonly frameBytesMax: number
}

/** The main thread is the only producer of frames and is never replaced. */
const MAIN_EPOCH = 1
const NO_NAME = new Uint8Array(0)
const STREAM_NAMES_MAX = 4096

interface Shard {
  readonly writer: FrameWriter
  readonly bell: Doorbell
  dirty: boolean
}

export class RingIntake implements FrameSink {
  readonly shards: number
  readonly ringBytes: number
  private readonly lanes: readonly Shard[]
  private readonly names = new Map<string, Uint8Array>()
  private wakeScheduled = false
  private readonly wake: () => void

  constructor(options: RingIntakeOptions) {
    this.shards = options.frameRings.length
    this.lanes = options.frameRings.map((buffer, shard) => {
      const ring = new Ring(buffer, RING_KIND_FRAME)
      ring.setProducerEpoch(MAIN_EPOCH)
      return {
        writer: new FrameWriter(ring, MAIN_EPOCH, options.frameBytesMax),
        bell: new Doorbell(options.doorbells, options.doorbellOf(shard)),
        dirty: false
      }
    })
    this.ringBytes = new Ring(options.frameRings[0] as SharedArrayBuffer, RING_KIND_FRAME).capacity
    this.wake = () => this.ringBells()
  }

  tryAccept(shard: number, frame: Uint8Array, meta: FrameMeta): boolean {
    const lane = this.lanes[shard]
    if (lane === undefined) return false
    const name = meta.streamName === null ? NO_NAME : this.nameBytes(meta.streamName)
    if (!lane.writer.tryWrite(frame, meta, RecordSource.live, name)) {
      lane.bell.ring()
      return false
    }
    lane.dirty = true
    if (!this.wakeScheduled) {
      this.wakeScheduled = true
      setImmediate(this.wake)
    }
    return true
  }

  freeBytes(shard: number): number {
    return this.lanes[shard]?.writer.freeBytes() ?? 0
  }

  /** After the poll phase: everything the sockets delivered in this turn is in the rings. */
  private ringBells(): void {
    this.wakeScheduled = false
    for (const lane of this.lanes) {
      if (!lane.dirty) continue
      lane.dirty = false
      lane.bell.ring()
    }
  }

  private nameBytes(name: string): Uint8Array {
    const known = this.names.get(name)
    if (known !== undefined) return known
    const bytes = new TextEncoder().encode(name)
    if (this.names.size < STREAM_NAMES_MAX) this.names.set(name, bytes)
    return bytes
  }
}
