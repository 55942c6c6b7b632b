/**
 * What one frame costs in a frame ring: claim, copy, publish on one side, peek and release on the other.
 * One thread plays both, in bursts, so that the figure is work and not waiting for the other core.
 */
import { EntryReader } from '../../src/ring/entry-reader.ts'
import { FrameWriter } from '../../src/ring/frame-writer.ts'
import { FRAME_PAYLOAD_BYTES, FRAME_RECEIVED_TIME, RING_KIND_FRAME } from '../../src/ring/layout.ts'
import { createRing, Ring } from '../../src/ring/ring.ts'
import type { Benchmark } from '../harness.ts'

const RING_BYTES = 4 * 1024 * 1024
const BURST = 256
const NO_NAME = new Uint8Array(0)

interface State {
  readonly writer: FrameWriter
  readonly reader: EntryReader
  readonly payload: Uint8Array
  payloadBytes: number
  lastTimeUs: number
}

function setUp(payloadBytes: number): State {
  const ring = new Ring(
    createRing({ capacityBytes: RING_BYTES, kind: RING_KIND_FRAME, shard: 0 }),
    RING_KIND_FRAME
  )
  const payload = new Uint8Array(payloadBytes).fill(0x61)
  return {
    writer: new FrameWriter(ring, 0, payloadBytes),
    reader: new EntryReader(ring, 0),
    payload,
    payloadBytes: 0,
    lastTimeUs: 0
  }
}

function writeBurst(state: State, first: number, count: number): void {
  for (let index = 0; index < count; index++) {
    const head = { connection: 1, exchange: 0, receivedTimeUs: first + index, binary: false }
    if (!state.writer.tryWrite(state.payload, head, 0, NO_NAME)) throw new Error('the ring is full')
  }
}

function readBurst(state: State): void {
  const { reader } = state
  const { u32, f64 } = reader.ring
  for (let offset = reader.peek(); offset !== -1; offset = reader.peek()) {
    state.payloadBytes += u32[(offset + FRAME_PAYLOAD_BYTES) >> 2] ?? 0
    state.lastTimeUs = f64[(offset + FRAME_RECEIVED_TIME) >> 3] ?? 0
    reader.advance(offset)
  }
  reader.release()
}

function frameRing(payloadBytes: number): Benchmark<State> {
  return {
    name: `frame ring, ${payloadBytes} bytes, both sides`,
    group: `ring ${payloadBytes}`,
    unit: 'entry',
    small: 10_000,
    large: 2_000_000,
    setup: () => setUp(payloadBytes),
    run(state, operations) {
      for (let first = 0; first < operations; first += BURST) {
        writeBurst(state, first, Math.min(BURST, operations - first))
        readBurst(state)
      }
    },
    hash: (state) => `${state.payloadBytes}/${state.lastTimeUs}`
  }
}

export const benchmarks = [frameRing(220), frameRing(4096)]
