/**
 * The ground truth of a test: what was really put on the wire, per connection and stream, in order.
 * Frames that a fault dropped are not in it; one that was doubled is in it twice.
 */
import { createHash } from 'node:crypto'
import { SluiceError } from '../core/errors.ts'
import type { Frame } from './frame.ts'

/** `ids` keeps ranges only, `hash` a digest of each frame, `frames` the bytes themselves. */
export type JournalMode = 'off' | 'ids' | 'hash' | 'frames'

export interface JournalEntry {
  readonly connection: number
  readonly stream: string | null
  readonly firstId: number
  readonly lastId: number
  readonly malformed: boolean
  /** The exact bytes in mode `frames`, else null. */
  readonly bytes: Uint8Array | null
  /** SHA-256 in hex in modes `hash` and `frames`, else null. */
  readonly hash: string | null
}

/** Frames of a flood: `count` of them with consecutive ids. */
export interface JournalRange {
  readonly connection: number
  readonly stream: string
  readonly firstId: number
  readonly lastId: number
  readonly count: number
}

export class Journal {
  readonly mode: JournalMode
  readonly entries: JournalEntry[] = []
  readonly ranges: JournalRange[] = []
  readonly #entriesMax: number

  constructor(mode: JournalMode, entriesMax: number) {
    this.mode = mode
    this.#entriesMax = entriesMax
  }

  /** Notes a frame that the socket has taken. @throws SLUICE_INVARIANT when the journal is full */
  sent(connection: number, frame: Frame): void {
    if (this.mode === 'off') return
    if (this.entries.length >= this.#entriesMax) {
      throw new SluiceError('SLUICE_INVARIANT', 'keeping the journal: too many frames', {
        entriesMax: this.#entriesMax
      })
    }
    const bytes = this.mode === 'ids' ? null : frameBytes(frame)
    this.entries.push({
      connection,
      stream: frame.stream,
      firstId: frame.firstId,
      lastId: frame.lastId,
      malformed: frame.malformed === true,
      bytes: this.mode === 'frames' ? bytes : null,
      hash: bytes === null ? null : createHash('sha256').update(bytes).digest('hex')
    })
  }

  sentRange(range: JournalRange): void {
    if (this.mode !== 'off') this.ranges.push(range)
  }

  /** Entries of one stream on all connections, in the order sent. */
  ofStream(stream: string): JournalEntry[] {
    return this.entries.filter((entry) => entry.stream === stream)
  }

  clear(): void {
    this.entries.length = 0
    this.ranges.length = 0
  }
}

export function frameBytes(frame: Frame): Uint8Array {
  return typeof frame.data === 'string' ? Buffer.from(frame.data) : frame.data
}
