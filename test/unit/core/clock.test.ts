import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'

test('the wall clock is an integer of µs and agrees with the machine to within 50 ms', () => {
  const now = systemClock.wallUs()
  assert.ok(Number.isSafeInteger(now))
  assert.ok(Math.abs(now - Date.now() * 1000) < 50_000)
})

test('the wall clock resolves less than a millisecond', () => {
  const seen = new Set<number>()
  for (let round = 0; round < 20_000; round++) seen.add(systemClock.wallUs() % 1000)
  assert.ok(seen.size > 1)
})

test('the monotonic clock never steps back', () => {
  let last = systemClock.monotonicMs()
  for (let round = 0; round < 10_000; round++) {
    const now = systemClock.monotonicMs()
    assert.ok(now >= last)
    last = now
  }
})

test('a timer fires once, a cleared one never', async () => {
  const fired: string[] = []
  const cleared = systemClock.setTimer(() => fired.push('cleared'), 1)
  systemClock.clearTimer(cleared)
  await new Promise<void>((resolve) => {
    systemClock.setTimer(() => fired.push('kept'), 1)
    systemClock.setTimer(resolve, 20)
  })
  assert.deepEqual(fired, ['kept'])
})
