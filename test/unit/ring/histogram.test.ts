import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bucketLowerBoundUs,
  histogramBucket,
  histogramQuantileUs,
  recordHistogram
} from '../../../src/ring/histogram.ts'
import {
  HISTOGRAM_BUCKETS,
  HISTOGRAM_COUNT,
  HISTOGRAM_SUM,
  HISTOGRAM_WORDS
} from '../../../src/ring/layout.ts'

test('every value lies between the bounds of its bucket, at most an eighth wide', () => {
  const top = bucketLowerBoundUs(HISTOGRAM_BUCKETS - 1)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: top - 1 }), (us) => {
      const bucket = histogramBucket(us)
      const low = bucketLowerBoundUs(bucket)
      const high = bucketLowerBoundUs(bucket + 1)
      assert.ok(low <= us && us < high, `${us} in [${low}, ${high})`)
      assert.ok(high - low <= Math.max(1, low / 8))
    })
  )
})

test('powers of two and their neighbours fall into neighbouring buckets', () => {
  for (let exponent = 4; exponent < 31; exponent++) {
    const us = 2 ** exponent
    assert.equal(histogramBucket(us), histogramBucket(us - 1) + 1, String(us))
    assert.equal(bucketLowerBoundUs(histogramBucket(us)), us)
  }
})

test('negative values count in bucket 0, huge ones in the last', () => {
  assert.equal(histogramBucket(-1_270_000), 0)
  assert.equal(histogramBucket(Number.MAX_SAFE_INTEGER), HISTOGRAM_BUCKETS - 1)
})

test('sum and count are exact, quantiles are upper bounds', () => {
  const words = new Float64Array(HISTOGRAM_WORDS)
  assert.equal(histogramQuantileUs(words, 0.99), 0)
  for (let us = 1; us <= 1000; us++) recordHistogram(words, us)
  assert.equal(words[HISTOGRAM_COUNT], 1000)
  assert.equal(words[HISTOGRAM_SUM], 500_500)
  for (const [quantile, exact] of [
    [0.5, 500],
    [0.99, 990],
    [1, 1000]
  ] as const) {
    const found = histogramQuantileUs(words, quantile)
    assert.ok(found > exact && found <= exact * 1.14, `${quantile}: ${found}`)
  }
})
