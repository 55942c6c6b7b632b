/** What a kernel is given and what it does, whichever language it is written in. */
import type { FrameParser } from '../model/frame-parser.ts'

export interface KernelExchange {
  /** As it stands in records, e.g. binance. The position in the list is the ring entry's exchange. */
  readonly exchange: string
  /** Which rules its frames follow: binance-spot. */
  readonly profile: string
}

export interface KernelOptions {
  readonly frameRing: SharedArrayBuffer
  readonly recordRing: SharedArrayBuffer
  /** PARSER_COUNTER_WORDS f64. */
  readonly counters: SharedArrayBuffer
  /** ACTIVITY_WORDS f64 per stream; its length bounds the streams of this shard. */
  readonly activity: SharedArrayBuffer
  readonly exchanges: readonly KernelExchange[]
  /** Must equal the frame ring's consumer epoch and the record ring's producer epoch. */
  readonly epoch: number
  /** By profile; needed by the twin only. */
  readonly parsers?: Readonly<Record<string, FrameParser>>
}

export interface Kernel {
  /**
   * Takes up to `maxFrames` frames and publishes what becomes of them. Returns how many; −1 = another epoch
   * owns the rings (nothing more was published), −2 = the frame ring is corrupt (a bug). Never throws.
   */
  parse(maxFrames: number): number
  /** The last `parse` ended because the record ring had no room. */
  readonly recordRingFull: boolean
}
