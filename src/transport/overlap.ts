/**
 * Hands a stream over from one socket to its replacement while both are subscribed: the new one's frames
 * are held until the old one is closed, then those the old one had already brought are left out. Frames
 * of the same message are the same bytes on both.
 */
import { crc32 } from 'node:zlib'

const HELD_FRAMES_MAX = 65_536
const HELD_BYTES_MAX = 16 * 1024 * 1024

interface HeldFrame {
  readonly data: Buffer
  readonly binary: boolean
}

export class Overlap {
  private readonly brought = new Map<string, number>()
  private held: HeldFrame[] = []
  private heldBytes = 0

  /** A frame of the old socket goes its way and is remembered. */
  remember(data: Buffer): void {
    const key = keyOf(data)
    this.brought.set(key, (this.brought.get(key) ?? 0) + 1)
  }

  /** Holds a frame of the new socket. False = full: the old socket must be closed now. */
  hold(data: Buffer, binary: boolean): boolean {
    this.held.push({ data, binary })
    this.heldBytes += data.length
    return this.held.length < HELD_FRAMES_MAX && this.heldBytes < HELD_BYTES_MAX
  }

  get heldFrames(): number {
    return this.held.length
  }

  /** The held frames that are news, in order. */
  release(): readonly HeldFrame[] {
    const { held } = this
    this.held = []
    this.heldBytes = 0
    return held.filter((frame) => !this.isRepeated(frame.data))
  }

  /** Did the old socket bring this frame? Every frame it brought is counted off once. */
  isRepeated(data: Buffer): boolean {
    if (this.brought.size === 0) return false
    const key = keyOf(data)
    const count = this.brought.get(key)
    if (count === undefined) return false
    if (count === 1) this.brought.delete(key)
    else this.brought.set(key, count - 1)
    return true
  }
}

/** Two checksums of different spans and the length: no two frames of a second share them. */
function keyOf(data: Buffer): string {
  const half = data.length >> 1
  return `${data.length}:${crc32(data)}:${crc32(data.subarray(half))}`
}
