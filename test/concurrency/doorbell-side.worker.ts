/** Producer of the doorbell test: publishes one entry a round at varying moments and rings. */
import { workerData } from 'node:worker_threads'
import { createPrng } from '../../src/core/prng.ts'
import { Doorbell } from '../../src/ring/doorbell.ts'
import { EntryWriter } from '../../src/ring/entry-writer.ts'
import { RING_KIND_FRAME } from '../../src/ring/layout.ts'
import { Ring } from '../../src/ring/ring.ts'

export interface BellData {
  readonly ring: SharedArrayBuffer
  readonly doorbells: SharedArrayBuffer
  /** Word 0: rounds the consumer has finished; words 1, 2: rings that did and did not notify. */
  readonly board: SharedArrayBuffer
  readonly rounds: number
  readonly seed: number
  /** The producers take turns: this one publishes the rounds that leave this remainder. */
  readonly remainder: number
  readonly producers: number
}

export const BOARD_ROUND = 0
export const BOARD_NOTIFIED = 1
export const BOARD_NOT_NOTIFIED = 2

const data = workerData as BellData | null
if (data !== null && data.ring !== undefined) {
  const ring = new Ring(data.ring, RING_KIND_FRAME)
  const writer = new EntryWriter(ring, 1)
  const bell = new Doorbell(data.doorbells, 0)
  const board = new Int32Array(data.board)
  const prng = createPrng(data.seed).fork(`bell ${data.remainder}`)
  let sink = 0
  for (let round = data.remainder; round < data.rounds; round += data.producers) {
    // Wait for the consumer to ask for this round, then let it get a random distance towards sleep.
    while (Atomics.load(board, BOARD_ROUND) < round) {
      Atomics.wait(board, BOARD_ROUND, Atomics.load(board, BOARD_ROUND), 1)
    }
    for (let spin = prng.int(prng.int(10) === 0 ? 20_000 : 300); spin > 0; spin--) sink += spin
    const offset = writer.claim(16)
    ring.u32.set([16, 8, round, sink >>> 0], offset >> 2)
    writer.publish()
    Atomics.add(board, bell.ring() ? BOARD_NOTIFIED : BOARD_NOT_NOTIFIED, 1)
  }
}
