/** What a capture file holds: frames as they came off a socket, and REST replies recorded beside them. */

export interface CapturedFrame {
  readonly kind: 'frame'
  /** Line of the file, from 1. */
  readonly line: number
  /** Receive time at the recorder, ns since the epoch; null where the format has none. */
  readonly receivedNs: bigint | null
  /** The stream of a frame in raw form; null in combined form, or when nothing names it. */
  readonly stream: string | null
  /** True when the frame carries its stream's name itself. */
  readonly combined: boolean
  /** The exact bytes received. */
  readonly data: Uint8Array
}

export interface CapturedReply {
  readonly kind: 'reply'
  readonly line: number
  readonly receivedNs: bigint | null
  /** Path and query, or the whole URL; null when the file does not say. */
  readonly url: string | null
  readonly data: Uint8Array
}

export type Captured = CapturedFrame | CapturedReply

/** Longer lines are refused: no exchange sends a message of this size. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024
/** A gzip file that grows more than this is taken for a bomb; real captures reach about 15. */
export const GZIP_RATIO_MAX = 200
