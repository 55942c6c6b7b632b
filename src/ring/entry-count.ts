/**
 * Counts the entries that lie in a ring by walking them, as a third party: neither producer nor consumer.
 * For the accounting identities, whose "in ring" terms must be counted, not derived by subtraction.
 * Exact at rest; while both sides move it is the count of some moment during the call.
 */
import { ENTRY_DEAD_LETTER, ENTRY_STREAM_DEFINITION } from '../model/record.ts'
import { OFFSET_KIND, PAD, RECORD_TYPE, RING_HEADER_BYTES, RING_KIND_RECORD } from './layout.ts'
import type { Ring } from './ring.ts'

export interface EntryCount {
  /** Frames of a frame ring, records of a record ring. */
  readonly entries: number
  /** Dead-letter entries of a record ring. */
  readonly deadLetters: number
}

/** The consumer may free, and the producer overwrite, what is being walked: then the walk starts again. */
const ATTEMPTS = 4

export function countEntries(ring: Ring): EntryCount {
  for (let attempt = 1; ; attempt++) {
    const start = ring.loadConsumerCursor()
    const walked = walk(ring, start, ring.loadProducerCursor())
    // Unchanged consumer cursor: nothing that was walked can have been overwritten.
    if (walked !== null && (ring.loadConsumerCursor() === start || attempt === ATTEMPTS))
      return walked
    if (attempt === ATTEMPTS) return { entries: 0, deadLetters: 0 }
  }
}

/** Null when an impossible size shows that the bytes were being overwritten. */
function walk(ring: Ring, start: number, end: number): EntryCount | null {
  const { u32, bytes, mask } = ring
  const isRecordRing = u32[OFFSET_KIND >> 2] === RING_KIND_RECORD
  let entries = 0
  let deadLetters = 0
  let walkedBytes = 0
  const totalBytes = (end - start) >>> 0
  while (walkedBytes < totalBytes) {
    const offset = RING_HEADER_BYTES + (((start + walkedBytes) >>> 0) & mask)
    const size = u32[offset >> 2] ?? 0
    if (size < 8 || (size & 7) !== 0) return null
    if (u32[(offset >> 2) + 1] !== PAD) {
      const type = isRecordRing ? (bytes[offset + RECORD_TYPE] ?? 0) : 0
      if (type === ENTRY_DEAD_LETTER) deadLetters += 1
      else if (type !== ENTRY_STREAM_DEFINITION) entries += 1
    }
    walkedBytes += size
  }
  return walkedBytes === totalBytes ? { entries, deadLetters } : null
}
