import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '../../../src/core/backoff.ts'
import { createPrng } from '../../../src/core/prng.ts'
import { DialGate } from '../../../src/transport/dial-gate.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const WINDOW_MS = 300_000

function mostInWindow(timesMs: readonly number[]): number {
  let most = 0
  let from = 0
  for (const [index, timeMs] of timesMs.entries()) {
    while (timeMs - (timesMs[from] as number) >= WINDOW_MS) from += 1
    most = Math.max(most, index - from + 1)
  }
  return most
}

test('connections that are cut without end stay within the budget of any five minutes', () => {
  const clock = new FakeClock()
  const gate = new DialGate({ connectsPer5Minutes: 200, clock })
  const dialsMs: number[] = []
  const dial = (): void => {
    dialsMs.push(clock.nowMs)
    clock.setTimer(() => {
      gate.succeeded()
      gate.request(0, dial)
    }, 10)
  }
  for (let connection = 0; connection < 20; connection++) gate.request(0, dial)
  clock.advance(3_600_000)
  const most = mostInWindow(dialsMs)
  assert.ok(most <= 200, `${most} dials in five minutes`)
  assert.ok(most >= 195, 'the budget is there to be used')
})

test('an outage of ten minutes: one tries, all are back within 5 s of the end of it', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const clock = new FakeClock()
    const gate = new DialGate({ connectsPer5Minutes: 150, clock })
    const prng = createPrng(seed)
    const dialsMs: number[] = []
    const backMs: number[] = []
    const endMs = 600_000 + prng.int(5000)
    for (let connection = 0; connection < 10; connection++) {
      const backoff = new Backoff({ baseMs: 250, maxMs: 4000, prng })
      const dial = (): void => {
        dialsMs.push(clock.nowMs)
        clock.setTimer(() => {
          if (clock.nowMs >= endMs) {
            backMs.push(clock.nowMs)
            gate.succeeded()
          } else {
            gate.failed()
            gate.request(backoff.nextMs(), dial)
          }
        }, 20)
      }
      gate.request(backoff.nextMs(), dial)
    }
    clock.advance(endMs + 60_000)
    assert.equal(backMs.length, 10)
    const lastMs = Math.max(...backMs) - endMs
    assert.ok(lastMs < 5000, `seed ${seed}: the last was back after ${lastMs} ms`)
    assert.ok(mostInWindow(dialsMs) <= 150, `seed ${seed}`)
  }
})

test('nobody dials while the gate is closed, and the reason is known', () => {
  const clock = new FakeClock()
  const gate = new DialGate({ connectsPer5Minutes: 200, clock })
  gate.closeFor(10_000, 'refused with status 418')
  let dials = 0
  gate.request(0, () => {
    dials += 1
  })
  clock.advance(9999)
  assert.equal(dials, 0)
  assert.equal(gate.closedReason, 'refused with status 418')
  clock.advance(2)
  assert.equal(dials, 1)
  assert.equal(gate.closedReason, null)
})

test('a cancelled request never dials, and leaves no timer', () => {
  const clock = new FakeClock()
  const gate = new DialGate({ connectsPer5Minutes: 200, clock })
  gate.request(1000, () => assert.fail('dialled')).cancel()
  assert.equal(clock.pending, 0)
  clock.advance(5000)
})
