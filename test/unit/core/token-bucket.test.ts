import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrng } from '../../../src/core/prng.ts'
import { TokenBucket } from '../../../src/core/token-bucket.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test('in any time span at most capacity + refill × span is taken', () => {
  const seed = 11
  const prng = createPrng(seed)
  const clock = new FakeClock()
  const bucket = new TokenBucket({ capacity: 5, refillPerSecond: 2, clock })
  const takenAtMs: number[] = []
  for (let round = 0; round < 5000; round++) {
    clock.advance(prng.int(400))
    if (bucket.tryTake(1)) takenAtMs.push(clock.nowMs)
  }
  for (let from = 0; from < takenAtMs.length; from++) {
    for (let to = from; to < Math.min(takenAtMs.length, from + 60); to++) {
      const spanMs = (takenAtMs[to] as number) - (takenAtMs[from] as number)
      assert.ok(to - from + 1 <= 5 + (2 * spanMs) / 1000 + 1e-6, `seed ${seed}`)
    }
  }
})

test('the wait it names is enough, and `keep` leaves tokens behind', () => {
  const clock = new FakeClock()
  const bucket = new TokenBucket({ capacity: 4, refillPerSecond: 0.3, clock })
  assert.ok(bucket.tryTake(4))
  for (let round = 0; round < 20; round++) {
    const waitMs = bucket.waitMs(1, 1)
    assert.ok(waitMs > 0)
    clock.advance(waitMs)
    assert.ok(bucket.tryTake(1, 1), `round ${round}`)
    assert.ok(bucket.tokens() >= 1 - 1e-9)
  }
  assert.equal(bucket.waitMs(4, 1), Number.POSITIVE_INFINITY)
})
