/**
 * The Java client's default partitioner: murmur2 of the key. Computed once per stream, not per
 * record.
 */

const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995
const SHIFT = 24

/** Kafka's 32-bit murmur2, as the Java client computes it (a signed integer). */
export function murmur2(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  const length = key.byteLength
  let hash = SEED ^ length
  const words = length >> 2
  for (let word = 0; word < words; word++) {
    let k = Math.imul(view.getInt32(word * 4, true), MULTIPLIER)
    k = Math.imul(k ^ (k >>> SHIFT), MULTIPLIER)
    hash = Math.imul(hash, MULTIPLIER) ^ k
  }
  const tail = words * 4
  const left = length & 3
  if (left === 3) hash ^= view.getUint8(tail + 2) << 16
  if (left >= 2) hash ^= view.getUint8(tail + 1) << 8
  if (left >= 1) hash = Math.imul(hash ^ view.getUint8(tail), MULTIPLIER)
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

/** The partition the Java client would choose for this key. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
