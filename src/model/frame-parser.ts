/**
 * What an adapter brings to turn its exchange's frames into records: pure, no ring, no clock. The native
 * kernel has the same rules in C++; the TypeScript kernel takes the parser as a parameter.
 */
import type { DeadLetterReasonName, RecordTypeName } from './record.ts'

export interface FrameInput {
  /** The frame's bytes; not shared memory. */
  readonly payload: Uint8Array
  /** The stream's name when it came beside the frame (raw form); null otherwise. */
  readonly streamName: string | null
}

/** One record of a frame. The common head (type, exchange, symbol, times, source) is written by the caller. */
export interface ParsedRecord {
  readonly type: RecordTypeName
  readonly symbol: string
  /** The stream's name when the frame carried or was given one. */
  readonly stream: string | null
  /** Candles: the interval, with the time zone where the stream's name has one. */
  readonly interval: string | null
  /** Tickers: 24h, 1h, 4h, 1d. */
  readonly window: string | null
  readonly eventTimeUs: bigint | null
  /** −1 where the stream has no ids. */
  readonly firstId: bigint
  readonly lastId: bigint
  /** What grows from record to record of the stream: the last id, or else a time in µs. */
  readonly progress: bigint
  /** A price, quantity or id that cannot be true. */
  readonly isSuspect: boolean
  /** The type's own keys as JSON text, without braces. */
  readonly body: string
}

export type FrameVerdict =
  | { readonly kind: 'records'; readonly records: readonly ParsedRecord[] }
  /** Control messages: acknowledgements, errors, shutdown notices. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'dead'; readonly reason: DeadLetterReasonName }

export interface FrameParser {
  parse(frame: FrameInput): FrameVerdict
}

/** Containers inside containers; a deeper document counts as invalid JSON. */
export const JSON_DEPTH_MAX = 64
/** UTF-8 bytes of a stream's name, an event's name, …; longer text matches nothing. */
export const NAME_BYTES_MAX = 160
export const SYMBOL_BYTES_MAX = 64
export const INTERVAL_BYTES_MAX = 16
export const DECIMAL_BYTES_MAX = 64
