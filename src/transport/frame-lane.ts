/**
 * The way of one connection's frames into one shard's ring, in order, also when the ring has no room:
 * then the socket is paused while there is still room for what it had buffered, and what it hands over
 * nevertheless waits in a bounded list. A lane outlives the sockets that follow one another on it, so
 * that nothing of a new socket can overtake what still waits of the old one. Main thread.
 */
import type { Clock, TimerHandle } from '../core/clock.ts'
import type { FrameMeta, FrameSink } from './frame-sink.ts'

export interface FrameLaneOptions {
  readonly sink: FrameSink
  readonly shard: number
  readonly exchange: number
  readonly clock: Clock
  /** Frames and bytes that may wait; a connection that exceeds either is closed. */
  readonly waitingFramesMax: number
  readonly waitingBytesMax: number
  /** A pause longer than this ends the connection on purpose, ms. */
  readonly stallMsMax: number
  readonly listener: FrameLaneListener
}

export interface FrameLaneListener {
  /** Stop reading the socket. */
  pause(): void
  /** Read on: nothing waits and the ring has room. */
  resume(): void
  /** The pause has lasted too long. Called once per stall. */
  stalledTooLong(): void
  /** The waiting list is full. The frame that did not fit is shed, and so is all that follows it. */
  overflowed(): void
}

interface WaitingFrame {
  readonly frame: Uint8Array
  readonly meta: FrameMeta
}

interface MutableMeta extends FrameMeta {
  connection: number
  receivedTimeUs: number
  binary: boolean
}

/** A paused `ws` still hands over 128 frames and more, and the rest of a 64 KiB chunk. */
const RESERVE_BYTES = 256 * 1024
const RETRY_MS = 5

export class FrameLane {
  readonly shard: number
  /** Frames in the ring. */
  accepted = 0
  /** Dropped because the list was full, and what the same socket brought after. */
  shedOverflow = 0
  /** Dropped by `abandon`. */
  shedAbandoned = 0
  pauses = 0
  private readonly options: FrameLaneOptions
  private readonly sink: FrameSink
  private readonly clock: Clock
  /** One object for all frames: the sink copies what it needs before it returns. */
  private readonly meta: MutableMeta
  private readonly reserveBytes: number
  private readonly resumeBytes: number
  private waiting: WaitingFrame[] = []
  private waitingHead = 0
  private waitingBytes = 0
  private timer: TimerHandle | null = null
  private stalledAtMs: number | null = null
  private pausedMsTotal = 0
  private gaveUp = false
  private overflow = false
  private abandoned = false

  constructor(options: FrameLaneOptions) {
    this.options = options
    this.sink = options.sink
    this.shard = options.shard
    this.clock = options.clock
    const { exchange } = options
    this.meta = { connection: 0, exchange, receivedTimeUs: 0, binary: false, streamName: null }
    this.reserveBytes = Math.min(RESERVE_BYTES, options.sink.ringBytes >> 2)
    this.resumeBytes = this.reserveBytes * 2
  }

  /** Takes over one frame; the bytes must not change afterwards. */
  offer(frame: Uint8Array, binary: boolean, connection: number): void {
    if (this.abandoned) {
      this.shedAbandoned += 1
      return
    }
    const { meta } = this
    meta.connection = connection
    meta.receivedTimeUs = this.clock.wallUs()
    meta.binary = binary
    if (this.stalledAtMs !== null) {
      this.keep(frame)
    } else if (this.sink.tryAccept(this.shard, frame, meta)) {
      this.accepted += 1
      if (this.sink.freeBytes(this.shard) < this.reserveBytes) this.stall()
    } else {
      this.stall()
      this.keep(frame)
    }
  }

  get isStalled(): boolean {
    return this.stalledAtMs !== null
  }

  /** Frames received and not yet in the ring. */
  get waitingFrames(): number {
    return this.waiting.length - this.waitingHead
  }

  get shed(): number {
    return this.shedOverflow + this.shedAbandoned
  }

  /** Time the socket was paused, the current pause included, ms. */
  get pausedMs(): number {
    const { stalledAtMs } = this
    return this.pausedMsTotal + (stalledAtMs === null ? 0 : this.clock.monotonicMs() - stalledAtMs)
  }

  /** Sheds what still waits and all that follows. For the end of the process only. */
  abandon(): void {
    this.abandoned = true
    this.shedAbandoned += this.waitingFrames
    this.waiting = []
    this.waitingHead = 0
    this.waitingBytes = 0
    if (this.timer !== null) this.clock.clearTimer(this.timer)
    this.timer = null
    this.endStall()
  }

  private stall(): void {
    this.stalledAtMs = this.clock.monotonicMs()
    this.pauses += 1
    this.gaveUp = false
    this.options.listener.pause()
    this.timer = this.clock.setTimer(() => this.retry(), RETRY_MS)
  }

  private keep(frame: Uint8Array): void {
    const { waitingFramesMax, waitingBytesMax, listener } = this.options
    const isFull =
      this.waitingFrames >= waitingFramesMax || this.waitingBytes + frame.length > waitingBytesMax
    // Once one frame is missing, later ones of the same socket would hide the gap.
    if (isFull || this.overflow) {
      this.shedOverflow += 1
      if (this.overflow) return
      this.overflow = true
      listener.overflowed()
      return
    }
    this.waitingBytes += frame.length
    this.waiting.push({ frame, meta: { ...this.meta } })
  }

  private retry(): void {
    this.timer = null
    while (this.waitingHead < this.waiting.length) {
      const { frame, meta } = this.waiting[this.waitingHead] as WaitingFrame
      if (!this.sink.tryAccept(this.shard, frame, meta)) break
      this.accepted += 1
      this.waitingHead += 1
      this.waitingBytes -= frame.length
    }
    this.compact()
    if (this.waiting.length === 0 && this.sink.freeBytes(this.shard) >= this.resumeBytes) {
      this.endStall()
      this.options.listener.resume()
      return
    }
    const stalledMs = this.clock.monotonicMs() - (this.stalledAtMs as number)
    if (!this.gaveUp && stalledMs >= this.options.stallMsMax) {
      this.gaveUp = true
      this.options.listener.stalledTooLong()
    }
    this.timer = this.clock.setTimer(() => this.retry(), RETRY_MS)
  }

  private compact(): void {
    if (this.waitingHead === this.waiting.length) this.waiting = []
    else if (this.waitingHead > 1024) this.waiting = this.waiting.slice(this.waitingHead)
    else return
    this.waitingHead = 0
  }

  private endStall(): void {
    if (this.stalledAtMs === null) return
    this.pausedMsTotal += this.clock.monotonicMs() - this.stalledAtMs
    this.stalledAtMs = null
    this.overflow = false
  }
}
