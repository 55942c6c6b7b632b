/**
 * Hands a stream over from one socket to its replacement while both are subscribed: the new one's frames
 * are held until the old one is closed, then those the old one had already brought are left out. Frames
 * of the same message are the same bytes on both.
 */
import { crc32 } from 'node:zlib'

const HELD_FRAMES_MAX = 65_536
/** Different frames remembered of the old socket, and how many make one half of the window before. */
const BROUGHT_KEYS_MAX = 65_536
const WINDOW_KEYS = 16_384
const HELD_BYTES_MAX = 16 * 1024 * 1024

interface HeldFrame {
  readonly data: Buffer
  readonly binary: boolean
}

export class Overlap {
  private brought = new Map<string, number>()
  private earlier = new Map<string, number>()
  private held: HeldFrame[] = []
  private heldBytes = 0

  /**
   * A frame of the old socket goes its way and is remembered. False = full: the new socket must take over
   * now. While the new one has brought nothing, the oldest are forgotten instead: they could only come
   * again from a socket that is thousands of frames behind.
   */
  remember(data: Buffer): boolean {
    if (this.held.length === 0 && this.brought.size >= WINDOW_KEYS) {
      this.earlier = this.brought
      this.brought = new Map()
    }
    const key = keyOf(data)
    this.brought.set(key, (this.brought.get(key) ?? 0) + 1)
    return this.brought.size + this.earlier.size < BROUGHT_KEYS_MAX
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
    if (this.brought.size === 0 && this.earlier.size === 0) return false
    const key = keyOf(data)
    return countOff(this.earlier, key) || countOff(this.brought, key)
  }
}

function countOff(brought: Map<string, number>, key: string): boolean {
  const count = brought.get(key)
  if (count === undefined) return false
  if (count === 1) brought.delete(key)
  else brought.set(key, count - 1)
  return true
}

/** Two checksums of different spans and the length: no two frames of a second share them. */
function keyOf(data: Buffer): string {
  const half = data.length >> 1
  return `${data.length}:${crc32(data)}:${crc32(data.subarray(half))}`
}
