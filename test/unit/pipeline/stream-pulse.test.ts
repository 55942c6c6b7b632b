import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamPulse } from '../../../src/pipeline/stream-pulse.ts'

const LIMITS = { staleMs: 5000, muteMs: 30_000 }
const row = (records: number, advanced = records) => ({
  records,
  receivedTimeUs: records,
  advancedTimeUs: advanced,
  lastId: advanced
})

/** One record every `everyMs`, sampled once a second, for `ms`. Returns the time. */
function speak(pulse: StreamPulse, everyMs: number, ms: number, fromMs = 0): number {
  for (let nowMs = fromMs; nowMs <= fromMs + ms; nowMs += 1000) {
    pulse.observe(row(1 + Math.floor((nowMs - fromMs) / everyMs)), nowMs)
  }
  return fromMs + ms
}

test('the mean gap is learned, for fast and for slow streams', () => {
  for (const everyMs of [5, 100, 1000, 7000, 60_000]) {
    const pulse = new StreamPulse(0)
    speak(pulse, everyMs, Math.max(20_000, everyMs * 100))
    const mean = pulse.meanGapMs ?? 0
    assert.ok(mean > everyMs * 0.8 && mean < everyMs * 1.25, `${everyMs}: ${mean}`)
  }
})

test('a busy stream is suspect after 5 s of silence, a slow one after 20 mean gaps', () => {
  for (const [everyMs, limitMs] of [
    [10, 5000],
    [200, 5000],
    [1000, 20_000],
    [10_000, 200_000]
  ] as const) {
    const pulse = new StreamPulse(0)
    const nowMs = speak(pulse, everyMs, Math.max(60_000, everyMs * 60))
    assert.equal(pulse.suspicion(nowMs + limitMs * 0.7, LIMITS), null, `${everyMs}`)
    assert.equal(pulse.suspicion(nowMs + limitMs * 1.3, LIMITS), 'silent', `${everyMs}`)
  }
})

test('a stream that repeats itself is suspect although records come', () => {
  const pulse = new StreamPulse(0)
  const nowMs = speak(pulse, 100, 60_000)
  let suspicion = null
  for (let n = 1; n <= 10; n++) {
    pulse.observe(row(700 + n * 10, 601), nowMs + n * 1000)
    suspicion = pulse.suspicion(nowMs + n * 1000, LIMITS)
  }
  assert.equal(suspicion, 'repeating')
})

test('a stream that never spoke is suspect as mute, later, and one that spoke a little is not', () => {
  const mute = new StreamPulse(0)
  mute.observe(undefined, 20_000)
  assert.equal(mute.suspicion(29_000, LIMITS), null)
  assert.equal(mute.suspicion(30_000, LIMITS), 'mute')
  const rare = new StreamPulse(0)
  rare.observe(row(1), 1000)
  rare.observe(row(3), 9000)
  assert.equal(rare.suspicion(9_000_000, LIMITS), null)
})

test('a parser that counts from zero again is not taken for silence or for speech gone wrong', () => {
  const pulse = new StreamPulse(0)
  const nowMs = speak(pulse, 100, 60_000)
  pulse.observe(row(3), nowMs + 1000)
  pulse.observe(row(13), nowMs + 2000)
  assert.equal(pulse.suspicion(nowMs + 3000, LIMITS), null)
  const mean = pulse.meanGapMs ?? 0
  assert.ok(mean > 80 && mean < 130, `${mean}`)
})

test('after a reconnect the silence counts anew and the time without a connection is not learned', () => {
  const pulse = new StreamPulse(0)
  const nowMs = speak(pulse, 100, 60_000)
  pulse.reconnected(nowMs + 600_000)
  assert.equal(pulse.suspicion(nowMs + 604_000, LIMITS), null)
  pulse.observe(row(700), nowMs + 601_000)
  pulse.observe(row(710), nowMs + 602_000)
  const mean = pulse.meanGapMs ?? 0
  assert.ok(mean > 80 && mean < 120, `${mean}`)
})
