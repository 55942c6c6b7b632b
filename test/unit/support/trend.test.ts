import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrng } from '../../../src/core/prng.ts'
import { trend } from '../../support/trend.ts'

/** A heap as the collector leaves it: a saw of 20 MB, noise, and a leak of `leak` bytes a minute. */
function heap(leak: number, seed: number): [number, number][] {
  const prng = createPrng(seed)
  return Array.from({ length: 240 }, (_, index) => {
    const minute = index / 30
    return [minute, 40e6 + leak * minute + (index % 13) * 1.5e6 + prng.next() * 1e6]
  })
}

test('a leak of 2 MB a minute is seen under a saw of 20 MB', () => {
  for (let seed = 0; seed < 20; seed++) assert.ok(trend(heap(2e6, seed)).low > 100_000)
})

test('no leak, no alarm', () => {
  for (let seed = 0; seed < 20; seed++) assert.ok(trend(heap(0, seed)).low < 100_000)
})

test('a straight line has its slope and no width; too few points have none', () => {
  const line = trend(Array.from({ length: 50 }, (_, x) => [x, 3 * x + 1] as const))
  assert.ok(Math.abs(line.slope - 3) < 1e-9 && line.high - line.low < 1e-6)
  assert.ok(Number.isNaN(trend([[0, 1]]).slope))
})
