import type { FrameMeta, FrameSink } from '../../src/transport/frame-sink.ts'

export interface KeptFrame {
  readonly shard: number
  readonly text: string
  readonly meta: FrameMeta
}

/** A frame sink that keeps everything and is as full as the test says. */
export class MemorySink implements FrameSink {
  readonly shards: number
  readonly ringBytes = 1024 * 1024
  readonly frames: KeptFrame[] = []
  free: number
  refuse = false

  constructor(shards = 1) {
    this.shards = shards
    this.free = this.ringBytes
  }

  tryAccept(shard: number, frame: Uint8Array, meta: FrameMeta): boolean {
    if (this.refuse) return false
    this.frames.push({ shard, text: Buffer.from(frame).toString(), meta: { ...meta } })
    return true
  }

  freeBytes(): number {
    return this.refuse ? 0 : this.free
  }

  texts(): readonly string[] {
    return this.frames.map((frame) => frame.text)
  }
}
