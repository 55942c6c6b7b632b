import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrng } from '../../../src/core/prng.ts'
import { FrameLane } from '../../../src/transport/frame-lane.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { MemorySink } from '../../support/memory-sink.ts'

interface Limits {
  readonly framesMax?: number
  readonly bytesMax?: number
}

function createLane(limits: Limits = {}) {
  const clock = new FakeClock()
  const sink = new MemorySink()
  const events: string[] = []
  const lane = new FrameLane({
    sink,
    shard: 0,
    exchange: 3,
    clock,
    waitingFramesMax: limits.framesMax ?? 10_000,
    waitingBytesMax: limits.bytesMax ?? 1_000_000,
    stallMsMax: 40_000,
    listener: {
      pause: () => events.push('pause'),
      resume: () => events.push('resume'),
      stalledTooLong: () => events.push('stalled'),
      overflowed: () => events.push('overflow')
    }
  })
  return { clock, sink, events, lane }
}

test('whatever the ring does, every frame arrives once, in order, with its own receive time', () => {
  const seed = 3
  const prng = createPrng(seed)
  const { clock, sink, lane, events } = createLane()
  const times: number[] = []
  for (let n = 0; n < 20_000; n++) {
    if (prng.int(50) === 0) sink.refuse = !sink.refuse
    if (prng.int(50) === 0) sink.free = prng.int(2) === 0 ? 1000 : sink.ringBytes
    lane.offer(Buffer.from(String(n)), false, 1 + (n >> 12))
    times.push(clock.wallUs())
    clock.advance(prng.int(3))
  }
  sink.refuse = false
  sink.free = sink.ringBytes
  clock.advance(100)
  assert.deepEqual(
    sink.texts(),
    times.map((_, n) => String(n)),
    `seed ${seed}`
  )
  for (const [n, { meta }] of sink.frames.entries()) {
    assert.equal(meta.receivedTimeUs, times[n])
    assert.equal(meta.connection, 1 + (n >> 12))
    assert.equal(meta.exchange, 3)
  }
  assert.equal(lane.waitingFrames, 0)
  assert.equal(lane.shed, 0)
  const pauses = events.filter((event) => event === 'pause').length
  assert.ok(pauses > 100)
  assert.equal(events.filter((event) => event === 'resume').length, pauses)
  assert.equal(clock.pending, 0)
})

test('a pause of 40 s is reported once, not before, and what waits still goes its way', () => {
  const { clock, sink, lane, events } = createLane()
  sink.refuse = true
  lane.offer(Buffer.from('a'), false, 1)
  clock.advance(39_990)
  assert.deepEqual(events, ['pause'])
  clock.advance(30_000)
  assert.deepEqual(events, ['pause', 'stalled'])
  assert.equal(lane.pausedMs, 69_990)
  sink.refuse = false
  clock.advance(10)
  assert.deepEqual(events, ['pause', 'stalled', 'resume'])
  assert.deepEqual(sink.texts(), ['a'])
})

for (const limits of [{ framesMax: 5 }, { bytesMax: 50 }]) {
  test(`the list is bounded by ${JSON.stringify(limits)}; what exceeds it is counted`, () => {
    const { clock, sink, lane, events } = createLane(limits)
    sink.refuse = true
    for (let n = 0; n < 20; n++) lane.offer(Buffer.from(`frame ${n}   `.slice(0, 10)), false, 1)
    assert.equal(lane.waitingFrames, 5)
    assert.equal(lane.shedOverflow, 15)
    assert.equal(lane.shedAbandoned, 0)
    assert.deepEqual(events, ['pause', 'overflow'])
    sink.refuse = false
    clock.advance(10)
    // A later frame must not close the hole of the shed ones unnoticed: that socket is gone by now.
    assert.equal(sink.frames.length, 5)
    lane.offer(Buffer.from('next'), false, 2)
    assert.equal(sink.frames.length, 6)
    assert.equal(lane.accepted, 6)
  })
}

test('abandoning counts what waits and what follows, apart from an overflow; no timer is left', () => {
  const { clock, sink, lane } = createLane()
  sink.refuse = true
  for (let n = 0; n < 7; n++) lane.offer(Buffer.from('x'), false, 1)
  lane.abandon()
  sink.refuse = false
  // After a frame that was dropped a later one would hide the hole.
  lane.offer(Buffer.from('y'), false, 1)
  assert.equal(lane.shed, 8)
  assert.equal(lane.shedAbandoned, 8)
  assert.equal(lane.shedOverflow, 0)
  assert.equal(sink.frames.length, 0)
  assert.equal(lane.waitingFrames, 0)
  assert.equal(clock.pending, 0)
})
