import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrng, type Prng } from '../../../src/core/prng.ts'

const draw = (prng: Prng, count: number): number[] =>
  Array.from({ length: count }, () => prng.next())

test('the same seed gives the same numbers, another seed others', () => {
  assert.deepEqual(draw(createPrng(42), 100), draw(createPrng(42), 100))
  assert.notDeepEqual(draw(createPrng(42), 100), draw(createPrng(43), 100))
})

test('a fork depends on seed and name, not on what was drawn before', () => {
  const used = createPrng(7)
  draw(used, 1000)
  assert.deepEqual(draw(used.fork('trades'), 10), draw(createPrng(7).fork('trades'), 10))
  assert.notDeepEqual(draw(used.fork('trades'), 10), draw(used.fork('books'), 10))
})

test('next lies in [0, 1), int in [0, bound), both evenly spread', () => {
  const prng = createPrng(1)
  const hits = new Uint32Array(10)
  let sum = 0
  for (let round = 0; round < 100_000; round++) {
    const value = prng.next()
    assert.ok(value >= 0 && value < 1)
    sum += value
    const index = prng.int(10)
    hits[index] = (hits[index] ?? 0) + 1
  }
  assert.ok(Math.abs(sum / 100_000 - 0.5) < 0.005, `mean ${sum / 100_000}`)
  for (const count of hits) assert.ok(Math.abs(count - 10_000) < 500, `spread ${hits}`)
})
