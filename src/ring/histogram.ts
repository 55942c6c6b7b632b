/** Reads and fills the shared log-linear µs histograms (src/ring/layout.ts has the bucket rule). */
import { HISTOGRAM_BUCKETS, HISTOGRAM_COUNT, HISTOGRAM_SUM, HISTOGRAM_WORDS } from './layout.ts'

export function histogramBucket(us: number): number {
  if (us < 8) return us < 0 ? 0 : Math.floor(us)
  const exponent = Math.floor(Math.log2(us))
  const bucket = (exponent - 2) * 8 + (Math.floor(us / 2 ** (exponent - 3)) & 7)
  return Math.min(bucket, HISTOGRAM_BUCKETS - 1)
}

/** Smallest value, µs, that falls into the bucket. */
export function bucketLowerBoundUs(bucket: number): number {
  if (bucket < 16) return bucket
  const exponent = Math.floor(bucket / 8) + 2
  return 2 ** exponent + (bucket % 8) * 2 ** (exponent - 3)
}

export function recordHistogram(words: Float64Array, us: number): void {
  const bucket = histogramBucket(us)
  words[bucket] = (words[bucket] ?? 0) + 1
  words[HISTOGRAM_SUM] = (words[HISTOGRAM_SUM] ?? 0) + us
  words[HISTOGRAM_COUNT] = (words[HISTOGRAM_COUNT] ?? 0) + 1
}

/** View of one histogram inside a counter block. */
export function histogramAt(block: Float64Array, index: number): Float64Array {
  return block.subarray(index, index + HISTOGRAM_WORDS)
}

/** The value below which `quantile` (0..1) of the observations lie, µs: the bucket's upper bound; 0 when empty. */
export function histogramQuantileUs(words: Float64Array, quantile: number): number {
  let total = 0
  for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) total += words[bucket] ?? 0
  if (total === 0) return 0
  const target = Math.max(1, Math.ceil(total * quantile))
  let seen = 0
  for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
    seen += words[bucket] ?? 0
    if (seen >= target) return bucketLowerBoundUs(bucket + 1)
  }
  return bucketLowerBoundUs(HISTOGRAM_BUCKETS)
}
