/** How one metric is declared: once, with its help, its labels and how it is read. */
import { bucketLowerBoundUs } from '../ring/histogram.ts'
import { HISTOGRAM_BUCKETS, HISTOGRAM_COUNT, HISTOGRAM_SUM } from '../ring/layout.ts'
import type { Reading } from './metric-sources.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  /** Histograms: the name with its suffix. */
  readonly metricName?: string
}

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly read: (reading: Reading) => readonly Sample[]
}

type Labels = Sample['labels']
const NONE: Labels = {}

export function one(value: number, labels: Labels = NONE): Sample {
  return { labels, value }
}

/** One sample for each entry of a record of counts, under the given label. */
export function each(
  counts: Readonly<Record<string, number>>,
  label: string,
  labels: Labels = NONE
): Sample[] {
  return Object.entries(counts).map(([name, value]) => ({
    labels: { ...labels, [label]: name },
    value
  }))
}

export function word(block: Float64Array, index: number): number {
  return block[index] ?? 0
}

export function sumOfWord(blocks: readonly Float64Array[], index: number): number {
  return blocks.reduce((sum, block) => sum + word(block, index), 0)
}

const US_PER_SECOND = 1_000_000
/** From 64 µs to 67 s, two bounds an octave: each is a bound of the shared buckets, so none is split. */
const BOUND_BUCKETS: readonly number[] = Array.from(
  { length: HISTOGRAM_BUCKETS },
  (_, bucket) => bucket
)
  .filter((bucket) => bucket % 4 === 0)
  .filter((bucket) => bucketLowerBoundUs(bucket) >= 64 && bucketLowerBoundUs(bucket) <= 2 ** 26)

/**
 * A shared histogram in Prometheus's form. Values are whole µs, so "below 128 µs" is exactly
 * "at most 127 µs": that is the bound given.
 */
export function histogramSamples(
  name: string,
  words: readonly Float64Array[],
  labels: Labels = NONE
): Sample[] {
  const counts = Array.from({ length: HISTOGRAM_BUCKETS }, (_, bucket) => sumOfWord(words, bucket))
  const samples: Sample[] = []
  let below = 0
  let next = 0
  for (const bound of BOUND_BUCKETS) {
    for (; next < bound; next++) below += counts[next] ?? 0
    const le = (bucketLowerBoundUs(bound) - 1) / US_PER_SECOND
    samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: below })
  }
  for (; next < HISTOGRAM_BUCKETS; next++) below += counts[next] ?? 0
  const sum = sumOfWord(words, HISTOGRAM_SUM) / US_PER_SECOND
  return [
    ...samples,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: below },
    { metricName: `${name}_sum`, labels, value: sum },
    // Not the count word: that one is written at another moment than the buckets.
    { metricName: `${name}_count`, labels, value: below }
  ]
}

/** Observations the shared histogram itself counted. */
export function observations(words: Float64Array): number {
  return word(words, HISTOGRAM_COUNT)
}
