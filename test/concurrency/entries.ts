/**
 * The entries the two-thread tests pass through a ring: header {u32 size, u32 payloadBytes, u32 sequence,
 * u32 word count}, then words that depend on the sequence and the position, so that a torn, stale or
 * shifted byte shows at once.
 */
import { createPrng } from '../../src/core/prng.ts'

export const HEAD_WORDS = 4

/** Which end of the table a case stands on: mostly small entries, now and then the largest the ring takes. */
export function sizeSource(seed: number, capacityBytes: number): () => number {
  const prng = createPrng(seed).fork('sizes')
  const largestWords = (capacityBytes >> 4) - HEAD_WORDS
  return () => {
    const draw = prng.int(1000)
    if (draw < 2) return largestWords
    if (draw < 30) return prng.int(largestWords)
    return prng.int(64)
  }
}

export function wordAt(sequence: number, position: number): number {
  return (Math.imul(sequence, 0x9e3779b1) ^ Math.imul(position + 1, 0x85ebca6b)) >>> 0
}

export function fillEntry(
  u32: Uint32Array,
  head: number,
  entry: { readonly sequence: number; readonly words: number; readonly entryBytes: number }
): void {
  u32[head] = entry.entryBytes
  u32[head + 1] = entry.words * 4
  u32[head + 2] = entry.sequence
  u32[head + 3] = entry.words
  for (let index = 0; index < entry.words; index++) {
    u32[head + HEAD_WORDS + index] = wordAt(entry.sequence, index)
  }
}

/** Null when every word is what the sequence says, else what is wrong. */
export function tornReason(u32: Uint32Array, head: number, words: number): string | null {
  const sequence = u32[head + 2] ?? 0
  if (u32[head + 3] !== words || u32[head + 1] !== words * 4) {
    return `entry ${sequence}: ${u32[head + 3]} words announced, ${words} written`
  }
  for (let index = 0; index < words; index++) {
    const found = u32[head + HEAD_WORDS + index]
    if (found !== wordAt(sequence, index)) return `entry ${sequence}: word ${index} is ${found}`
  }
  return null
}

/** Words of the shared progress block. */
export const PROGRESS_FIRST_SEEN = 0
export const PROGRESS_LAST_SEEN = 1
export const PROGRESS_RELEASED = 2
export const PROGRESS_FULL_STALLS = 3
export const PROGRESS_PADS = 4
export const PROGRESS_EMPTY_WAITS = 5
export const PROGRESS_DONE = 6
export const PROGRESS_LIVES = 7
export const PROGRESS_WORDS = 16
