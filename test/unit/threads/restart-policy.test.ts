import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../../src/core/clock.ts'
import { RestartPolicy } from '../../../src/threads/restart-policy.ts'

function clockAt(time: { ms: number }): Clock {
  return {
    wallUs: () => time.ms * 1000,
    monotonicMs: () => time.ms,
    setTimer: () => 0,
    clearTimer: () => undefined
  }
}

test('deaths close together are restarted with growing delays, then given up', () => {
  const policy = new RestartPolicy(clockAt({ ms: 0 }), 5)
  const delays = Array.from({ length: 6 }, () => policy.onDeath())
  assert.deepEqual(delays, [10, 20, 40, 80, 160, null])
})

test('deaths more than a minute apart never add up', () => {
  const time = { ms: 0 }
  const policy = new RestartPolicy(clockAt(time), 5)
  for (let death = 0; death < 50; death++) {
    assert.equal(policy.onDeath(), 10)
    time.ms += 60_001
  }
})
