/** Consumer of the doorbell test: sleeps until there is an entry and tells what each sleep ended with. */
import { parentPort, workerData } from 'node:worker_threads'
import { Doorbell } from '../../src/ring/doorbell.ts'
import { EntryReader } from '../../src/ring/entry-reader.ts'
import { RING_KIND_FRAME } from '../../src/ring/layout.ts'
import { Ring } from '../../src/ring/ring.ts'

export interface SleeperData {
  readonly rings: readonly SharedArrayBuffer[]
  readonly doorbells: SharedArrayBuffer
  readonly board: SharedArrayBuffer
  readonly rounds: number
  /** Long against any scheduling delay: a sleep that lasts this long was never rung. */
  readonly timeoutMs: number
}

export interface SleepOutcomes {
  /** The entry was there before the sleep. */
  found: number
  /** Rung out of the sleep. */
  woken: number
  /** Came back early, nothing there: allowed, the loop looks again. */
  spurious: number
  /** Slept to the end although an entry lay there: forbidden. */
  lost: number
  /** Slept to the end, nothing there. */
  idle: number
}

const data = workerData as SleeperData
const readers = data.rings.map((buffer) => new EntryReader(new Ring(buffer, RING_KIND_FRAME), 1))
const bell = new Doorbell(data.doorbells, 0)
const board = new Int32Array(data.board)
const outcomes: SleepOutcomes = { found: 0, woken: 0, spurious: 0, lost: 0, idle: 0 }

function take(round: number): boolean {
  const reader = readers[round % readers.length] as EntryReader
  const offset = reader.peek()
  if (offset < 0) return false
  if (reader.ring.u32[(offset >> 2) + 2] !== round) throw new Error(`round ${round}: wrong entry`)
  reader.advance(offset)
  reader.release()
  return true
}

for (let round = 0; round < data.rounds; round++) {
  Atomics.store(board, 0, round)
  Atomics.notify(board, 0)
  let taken = false
  while (!taken) {
    let sawWork = false
    const start = performance.now()
    bell.wait(() => {
      sawWork = readers.some((reader) => reader.peek() >= 0)
      return sawWork
    }, data.timeoutMs)
    const slept = performance.now() - start
    taken = take(round)
    if (sawWork) outcomes.found++
    else if (slept >= data.timeoutMs * 0.9) outcomes[taken ? 'lost' : 'idle']++
    else outcomes[taken ? 'woken' : 'spurious']++
  }
}
parentPort?.postMessage(outcomes)
