import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '../../../src/core/backoff.ts'
import { createPrng } from '../../../src/core/prng.ts'

const SEED = 7

test('the first attempt is at once, later waits are spread over [0, min(max, base × 2^n))', () => {
  const prng = createPrng(SEED)
  const highest = new Array<number>(8).fill(0)
  const lowest = new Array<number>(8).fill(Number.POSITIVE_INFINITY)
  for (let round = 0; round < 2000; round++) {
    const backoff = new Backoff({ baseMs: 100, maxMs: 1000, prng })
    for (let attempt = 0; attempt < 8; attempt++) {
      const waitMs = backoff.nextMs()
      highest[attempt] = Math.max(highest[attempt] as number, waitMs)
      lowest[attempt] = Math.min(lowest[attempt] as number, waitMs)
    }
  }
  const bounds = [0, 100, 200, 400, 800, 1000, 1000, 1000]
  for (const [attempt, bound] of bounds.entries()) {
    const high = highest[attempt] as number
    assert.ok(high <= bound && high >= bound * 0.97, `seed ${SEED}, ${attempt}: ${high}`)
    assert.ok((lowest[attempt] as number) <= bound * 0.03, `seed ${SEED}, ${attempt}`)
  }
})

test('a reset makes the next attempt immediate; many failures do not overflow', () => {
  const backoff = new Backoff({ baseMs: 100, maxMs: 1000, prng: createPrng(SEED) })
  for (let attempt = 0; attempt < 5000; attempt++) assert.ok(backoff.nextMs() <= 1000)
  assert.equal(backoff.attempts, 5000)
  backoff.ease()
  for (let round = 0; round < 50; round++) {
    assert.ok(backoff.nextMs() <= 100)
    backoff.ease()
  }
  backoff.reset()
  assert.equal(backoff.nextMs(), 0)
})
