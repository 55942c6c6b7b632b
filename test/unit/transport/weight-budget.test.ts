import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WeightBudget } from '../../../src/transport/weight-budget.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const createBudget = (clock: FakeClock) => new WeightBudget({ weightPerMinute: 100, clock })

test('weight is limited within calendar minutes and free again in the next', () => {
  const clock = new FakeClock(1_800_000_000_000_000)
  const budget = createBudget(clock)
  assert.equal(budget.take(60), 0)
  assert.equal(budget.take(40), 0)
  const waitMs = budget.take(1)
  assert.ok(waitMs > 0 && waitMs <= 60_000)
  clock.advance(waitMs)
  assert.equal(budget.take(1), 0)
  assert.equal(budget.used(), 1)
})

test('what the exchange reports counts when it is more, not when it is less', () => {
  const budget = createBudget(new FakeClock())
  budget.take(10)
  budget.report(95)
  assert.ok(budget.take(10) > 0)
  budget.report(3)
  budget.report(Number.NaN)
  assert.equal(budget.used(), 95)
})

test('a request beyond the whole budget runs alone in its minute', () => {
  const clock = new FakeClock()
  const budget = createBudget(clock)
  assert.equal(budget.take(250), 0)
  assert.ok(budget.take(1) > 0)
})

test('waiting ends with the signal and leaves no timer', async () => {
  const clock = new FakeClock()
  const budget = createBudget(clock)
  budget.take(100)
  const abort = new AbortController()
  const waiting = budget.acquire(50, abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  assert.equal(clock.pending, 0)
  await assert.rejects(budget.acquire(50, abort.signal), /enough/)
})

test('waiting requests all get their weight in the end, minute by minute', async () => {
  const clock = new FakeClock()
  const budget = createBudget(clock)
  let served = 0
  const all = Array.from({ length: 10 }, async () => {
    await budget.acquire(30)
    served += 1
  })
  await clock.run(500, 100)
  assert.equal(served, 3)
  await clock.run(240_000, 1000)
  await Promise.all(all)
  assert.equal(served, 10)
})
