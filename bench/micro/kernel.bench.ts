/**
 * What one frame costs from frame ring to record ring: the native kernel, its TypeScript twin, and what
 * one would write without either: JSON.parse, pick the fields, JSON.stringify. The rings are small enough to
 * stay in cache, as they are while the pipeline keeps up; the frames stand in the ring beforehand and are
 * published again by moving the cursor. All three must produce the same bytes (the hash).
 */
import { binanceFrameParser } from '../../src/adapters/binance/parse.ts'
import { crc32c } from '../../src/core/crc32c.ts'
import { createKernel, type Kernel, type KernelKind } from '../../src/native/kernel.ts'
import { PARSER_COUNTER_WORDS } from '../../src/ring/counters.ts'
import { EntryReader } from '../../src/ring/entry-reader.ts'
import { FrameWriter } from '../../src/ring/frame-writer.ts'
import {
  ACTIVITY_WORDS,
  PAD,
  RECORD_HEADER_BYTES,
  RECORD_TYPE,
  RECORD_VALUE_BYTES,
  RING_HEADER_BYTES,
  RING_KIND_FRAME,
  RING_KIND_RECORD
} from '../../src/ring/layout.ts'
import { createRing, Ring } from '../../src/ring/ring.ts'
import type { Benchmark } from '../harness.ts'
import { frameText, normalise, type Subject } from './kernel-frames.ts'

const FRAME_RING_BYTES = 256 * 1024
const RECORD_RING_BYTES = 1024 * 1024
const RECEIVED_US = 1_789_964_484_110_123
const SYMBOLS = 50

interface KernelState {
  readonly kernel: Kernel
  readonly frames: Ring
  readonly records: Ring
  readonly framesPerCycle: number
  hash: string
}

function setUpKernel(kind: KernelKind, subject: Subject): KernelState {
  const frames = new Ring(
    createRing({ capacityBytes: FRAME_RING_BYTES, kind: RING_KIND_FRAME, shard: 0 }),
    RING_KIND_FRAME
  )
  const records = new Ring(
    createRing({ capacityBytes: RECORD_RING_BYTES, kind: RING_KIND_RECORD, shard: 0 }),
    RING_KIND_RECORD
  )
  const kernel = createKernel(kind, {
    frameRing: frames.buffer,
    recordRing: records.buffer,
    counters: new SharedArrayBuffer(PARSER_COUNTER_WORDS * 8),
    activity: new SharedArrayBuffer(SYMBOLS * ACTIVITY_WORDS * 8),
    exchanges: [{ exchange: 'binance', profile: 'binance-spot' }],
    epoch: 0,
    parsers: { 'binance-spot': binanceFrameParser }
  })
  const framesPerCycle = fill(frames, subject)
  const state = { kernel, frames, records, framesPerCycle, hash: '' }
  // Once before the clock runs: defines the streams.
  runCycle(state)
  return state
}

/** Fills the whole ring, so that moving the producer cursor by the capacity publishes the frames again. */
function fill(frames: Ring, subject: Subject): number {
  const writer = new FrameWriter(frames, 0, FRAME_RING_BYTES)
  const head = { connection: 1, exchange: 0, receivedTimeUs: RECEIVED_US, binary: false }
  let count = 0
  while (writer.tryWrite(frameText(subject, count), head, 0, new Uint8Array(0))) count += 1
  const end = frames.loadProducerCursor()
  if (end < frames.capacity) {
    frames.u32[(RING_HEADER_BYTES + end) >> 2] = frames.capacity - end
    frames.u32[((RING_HEADER_BYTES + end) >> 2) + 1] = PAD
  }
  frames.storeProducerCursor(0)
  return count
}

function runCycle(state: KernelState): void {
  const { kernel, frames, records } = state
  frames.storeProducerCursor((frames.loadProducerCursor() + frames.capacity) >>> 0)
  while (kernel.parse(512) > 0) records.storeConsumerCursor(records.loadProducerCursor())
}

/** Of the values of one more cycle. */
function hashOfCycle(state: KernelState): string {
  const { kernel, frames, records } = state
  const reader = new EntryReader(records, 0)
  frames.storeProducerCursor((frames.loadProducerCursor() + frames.capacity) >>> 0)
  const values: Uint8Array[] = []
  while (kernel.parse(64) > 0) {
    for (let offset = reader.peek(); offset !== -1; offset = reader.peek()) {
      if ((records.bytes[offset + RECORD_TYPE] ?? 0) > 20) throw new Error('a frame was refused')
      const from = offset + RECORD_HEADER_BYTES
      const bytes = records.u32[(offset + RECORD_VALUE_BYTES) >> 2] ?? 0
      values.push(records.bytes.slice(from, from + bytes))
      reader.advance(offset)
    }
    reader.release()
  }
  return `${values.length}/${crc32c(Buffer.concat(values))}`
}

function kernelBenchmark(kind: KernelKind, subject: Subject): Benchmark<KernelState> {
  return {
    name: `kernel, ${kind}, ${subject}`,
    group: `kernel ${subject}`,
    unit: 'frame',
    small: 2_000,
    large: kind === 'native' ? 400_000 : 20_000,
    setup: () => setUpKernel(kind, subject),
    run(state, operations) {
      for (let done = 0; done < operations; done += state.framesPerCycle) runCycle(state)
      // Whole cycles only: what is measured is divided by the operations asked for.
    },
    hash: hashOfCycle
  }
}

interface PlainState {
  readonly frames: readonly Buffer[]
  text: string
}

function plainBenchmark(subject: Subject): Benchmark<PlainState> {
  return {
    name: `JSON.parse + JSON.stringify, ${subject}`,
    group: `kernel ${subject}`,
    reference: true,
    unit: 'frame',
    small: 2_000,
    large: 100_000,
    setup() {
      const { framesPerCycle } = setUpKernel('native', subject)
      const frames = Array.from({ length: framesPerCycle }, (_, index) => frameText(subject, index))
      return { frames, text: '' }
    },
    run(state, operations) {
      const { frames } = state
      for (let index = 0; index < operations; index++) {
        const frame = frames[index % frames.length] ?? Buffer.alloc(0)
        const message: unknown = JSON.parse(frame.toString('utf8'))
        state.text = JSON.stringify(normalise(subject, message, RECEIVED_US))
      }
    },
    hash(state) {
      const values = state.frames.map((frame) =>
        JSON.stringify(normalise(subject, JSON.parse(frame.toString('utf8')), RECEIVED_US))
      )
      return `${values.length}/${crc32c(Buffer.from(values.join('')))}`
    }
  }
}

const SUBJECTS: readonly Subject[] = ['aggTrade', 'trade', 'depth']

export const benchmarks = SUBJECTS.flatMap((subject) => [
  plainBenchmark(subject),
  kernelBenchmark('native', subject),
  kernelBenchmark('twin', subject)
])
