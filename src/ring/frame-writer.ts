/** Writes raw frames into a frame ring: one header, one copy of the payload. Main thread. */
import { CLAIM_FULL, CLAIM_TOO_LARGE, EntryWriter } from './entry-writer.ts'
import {
  FRAME_CONNECTION,
  FRAME_EXCHANGE,
  FRAME_FLAG_BINARY,
  FRAME_FLAG_OVERSIZED,
  FRAME_FLAGS,
  FRAME_HEADER_BYTES,
  FRAME_NAME_BYTES,
  FRAME_ORIGINAL_BYTES,
  FRAME_PAYLOAD_BYTES,
  FRAME_RECEIVED_TIME,
  FRAME_SIZE,
  FRAME_SOURCE
} from './layout.ts'
import { align8, type Ring } from './ring.ts'

export interface FrameHead {
  readonly connection: number
  readonly exchange: number
  readonly receivedTimeUs: number
  readonly binary: boolean
}

export class FrameWriter {
  private readonly writer: EntryWriter
  private readonly ring: Ring
  /** Largest payload kept; a larger frame is cut to it and flagged. */
  readonly payloadBytesMax: number

  constructor(ring: Ring, epoch: number, payloadBytesMax: number) {
    this.ring = ring
    this.writer = new EntryWriter(ring, epoch)
    const entryMax = (ring.capacity >> 2) - FRAME_HEADER_BYTES - 1024
    this.payloadBytesMax = Math.min(payloadBytesMax, entryMax)
  }

  /**
   * Copies one frame and publishes it. False = the ring has no room, nothing was written.
   * Allocates nothing for a frame that fits.
   *
   * @param source RecordSource number
   * @param streamName UTF-8 bytes of the stream's name for raw-form frames; empty for combined form
   */
  tryWrite(frame: Uint8Array, head: FrameHead, source: number, streamName: Uint8Array): boolean {
    const oversized = frame.length > this.payloadBytesMax
    const payload = oversized ? frame.subarray(0, this.payloadBytesMax) : frame
    const nameBytes = streamName.length
    const entryBytes = align8(FRAME_HEADER_BYTES + payload.length + nameBytes)
    const offset = this.writer.claim(entryBytes)
    if (offset === CLAIM_FULL || offset === CLAIM_TOO_LARGE) return false
    const { u32, f64, bytes } = this.ring
    const word = offset >> 2
    const flags = (oversized ? FRAME_FLAG_OVERSIZED : 0) | (head.binary ? FRAME_FLAG_BINARY : 0)
    u32[word + (FRAME_SIZE >> 2)] = entryBytes
    u32[word + (FRAME_PAYLOAD_BYTES >> 2)] = payload.length
    f64[(offset + FRAME_RECEIVED_TIME) >> 3] = head.receivedTimeUs
    u32[word + (FRAME_CONNECTION >> 2)] = head.connection
    // flags u16, exchange u8 and source u8 share one word (little-endian).
    u32[word + (FRAME_FLAGS >> 2)] =
      (flags |
        (head.exchange << ((FRAME_EXCHANGE - FRAME_FLAGS) * 8)) |
        (source << ((FRAME_SOURCE - FRAME_FLAGS) * 8))) >>>
      0
    u32[word + (FRAME_NAME_BYTES >> 2)] = nameBytes
    u32[word + (FRAME_ORIGINAL_BYTES >> 2)] = frame.length
    bytes.set(payload, offset + FRAME_HEADER_BYTES)
    if (nameBytes > 0) bytes.set(streamName, offset + FRAME_HEADER_BYTES + payload.length)
    return this.writer.publish()
  }

  freeBytes(): number {
    return this.writer.freeBytes()
  }
}
