/** One side of a ring on a thread of its own: the producer or a consumer of the two-thread tests. */
import { parentPort, workerData } from 'node:worker_threads'
import { createPrng } from '../../src/core/prng.ts'
import { Doorbell } from '../../src/ring/doorbell.ts'
import { EntryReader } from '../../src/ring/entry-reader.ts'
import { CLAIM_FULL, EntryWriter } from '../../src/ring/entry-writer.ts'
import { PAD, RING_HEADER_BYTES, RING_KIND_RECORD } from '../../src/ring/layout.ts'
import { Ring } from '../../src/ring/ring.ts'
import {
  fillEntry,
  HEAD_WORDS,
  PROGRESS_DONE,
  PROGRESS_EMPTY_WAITS,
  PROGRESS_FIRST_SEEN,
  PROGRESS_FULL_STALLS,
  PROGRESS_LAST_SEEN,
  PROGRESS_LIVES,
  PROGRESS_PADS,
  PROGRESS_RELEASED,
  sizeSource,
  tornReason
} from './entries.ts'

export interface SideData {
  readonly role: 'producer' | 'consumer'
  readonly ring: SharedArrayBuffer
  readonly doorbells: SharedArrayBuffer
  readonly progress: SharedArrayBuffer
  /** One count per sequence: how often a consumer saw it. */
  readonly seen: SharedArrayBuffer
  readonly seed: number
  readonly entries: number
  readonly epoch: number
}

const data = workerData as SideData
const ring = new Ring(data.ring, RING_KIND_RECORD)
const bell = new Doorbell(data.doorbells, 0)
const progress = new Int32Array(data.progress)
const seen = new Uint8Array(data.seen)
const nap = new Int32Array(new SharedArrayBuffer(4))

function produce(): void {
  const writer = new EntryWriter(ring, data.epoch)
  const nextWords = sizeSource(data.seed, ring.capacity)
  const prng = createPrng(data.seed).fork('producer')
  let sequence = 0
  while (sequence < data.entries) {
    const batch = Math.min(1 + prng.int(40), data.entries - sequence)
    for (let index = 0; index < batch; index++) {
      const words = nextWords()
      const entryBytes = (HEAD_WORDS + words) * 4
      let offset = writer.claim(entryBytes)
      while (offset === CLAIM_FULL) {
        progress[PROGRESS_FULL_STALLS] = (progress[PROGRESS_FULL_STALLS] ?? 0) + 1
        // What is claimed must become visible, or both sides wait for each other.
        if (!writer.publish()) throw new Error('producer lost its epoch')
        bell.ring()
        Atomics.wait(nap, 0, 0, 0.2)
        offset = writer.claim(entryBytes)
      }
      if (offset < 0) throw new Error(`claim of ${entryBytes} bytes answered ${offset}`)
      fillEntry(ring.u32, offset >> 2, { sequence, words, entryBytes: (entryBytes + 7) & ~7 })
      sequence++
    }
    if (!writer.publish()) throw new Error('producer lost its epoch')
    bell.ring()
    if (prng.int(2000) === 0) Atomics.wait(nap, 0, 0, 1)
  }
}

/** Pads the reader would step over, counted so that the test can show that wrap-around happened. */
function countPads(from: number, to: number): number {
  let pads = 0
  for (let cursor = from; cursor !== to; ) {
    const word = (RING_HEADER_BYTES + (cursor & ring.mask)) >> 2
    if (ring.u32[word + 1] === PAD) pads++
    cursor = (cursor + (ring.u32[word] ?? 0)) >>> 0
  }
  return pads
}

function consume(): void {
  const reader = new EntryReader(ring, data.epoch)
  const nextWords = sizeSource(data.seed, ring.capacity)
  const prng = createPrng(data.seed).fork(`consumer ${data.epoch}`)
  let expected = -1
  let words = 0
  Atomics.add(progress, PROGRESS_LIVES, 1)
  while (expected < data.entries) {
    const batch = 1 + prng.int(60)
    for (let index = 0; index < batch; index++) {
      const offset = reader.peek()
      if (offset < 0) {
        progress[PROGRESS_EMPTY_WAITS] = (progress[PROGRESS_EMPTY_WAITS] ?? 0) + 1
        break
      }
      const sequence = ring.u32[(offset >> 2) + 2] ?? 0
      if (expected < 0) {
        for (let skip = 0; skip <= sequence; skip++) words = nextWords()
        Atomics.store(progress, PROGRESS_FIRST_SEEN, sequence)
      } else {
        words = nextWords()
        if (sequence !== expected) throw new Error(`entry ${sequence} after ${expected - 1}`)
      }
      const torn = tornReason(ring.u32, offset >> 2, words)
      if (torn !== null) throw new Error(torn)
      seen[sequence] = (seen[sequence] ?? 0) + 1
      Atomics.store(progress, PROGRESS_LAST_SEEN, sequence)
      expected = sequence + 1
      reader.advance(offset)
    }
    const before = ring.loadConsumerCursor()
    const pads = countPads(before, reader.cursor())
    if (!reader.release()) {
      parentPort?.postMessage('refused')
      return
    }
    if (expected > 0) Atomics.store(progress, PROGRESS_RELEASED, expected)
    progress[PROGRESS_PADS] = (progress[PROGRESS_PADS] ?? 0) + pads
    if (prng.int(3000) === 0) Atomics.wait(nap, 0, 0, 3)
    if (expected < data.entries) bell.wait(() => !ring.isEmpty())
  }
  Atomics.store(progress, PROGRESS_DONE, 1)
}

if (data.role === 'producer') produce()
else consume()
