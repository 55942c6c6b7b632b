/**
 * The pinned loop of one parser worker: frames of its shard's frame ring in, records out. All parsing,
 * counting and publishing happens inside `kernel.parse`; this loop only decides when to call it, when to
 * sleep, and whom to wake. Runs in a Piscina thread and returns only at the stop mark.
 */
import { receiveMessageOnPort, threadId } from 'node:worker_threads'
import { SluiceError } from '../core/errors.ts'
import type { Kernel } from '../native/kernel.ts'
import { PARSER_ATTACHES, PARSER_BUSY_US, PARSER_IDLE_US } from '../ring/counters.ts'
import { Doorbell } from '../ring/doorbell.ts'
import { RING_KIND_FRAME } from '../ring/layout.ts'
import { Ring } from '../ring/ring.ts'
import type { FromWorker, ParserTask } from './messages.ts'
import { KAFKA_DOORBELL, parserDoorbell } from './shared-memory.ts'

/** Frames per native call: bounds the time one call keeps the thread (about 0.1 ms). */
const FRAMES_PER_TURN = 512
/** What `Kernel.parse` returns when another epoch owns the rings. */
const LOST_OWNERSHIP = -1
/** While the record ring is full nobody rings: look again after this long, ms. */
const FULL_WAIT_MS = 1

export class ParserLoop {
  private readonly kernel: Kernel
  private readonly frames: Ring
  private readonly counters: Float64Array
  private readonly own: Doorbell
  private readonly downstream: Doorbell
  private readonly hasFrames: () => boolean

  constructor(task: ParserTask, kernel: Kernel) {
    const { memory } = task
    this.kernel = kernel
    this.frames = new Ring(memory.frameRing, RING_KIND_FRAME)
    this.counters = new Float64Array(memory.counters)
    this.own = new Doorbell(task.doorbells, parserDoorbell(memory.shard))
    this.downstream = new Doorbell(task.doorbells, KAFKA_DOORBELL)
    this.hasFrames = () => !this.frames.isEmpty() || this.frames.stopRequested()
    this.add(PARSER_ATTACHES, 1)
  }

  /** One batch. Returns the frames consumed; 0 when there was nothing or no room. */
  turn(): number {
    const frames = this.kernel.parse(FRAMES_PER_TURN)
    if (frames < 0) throw this.failure(frames)
    if (frames > 0) this.downstream.ring()
    return frames
  }

  /** Until the stop mark is set and the ring is empty. */
  run(): void {
    let turnStart = performance.now()
    for (;;) {
      const frames = this.turn()
      const worked = performance.now()
      this.add(PARSER_BUSY_US, (worked - turnStart) * 1000)
      turnStart = worked
      if (frames > 0) continue
      if (this.kernel.recordRingFull) this.own.wait(() => false, FULL_WAIT_MS)
      else if (this.frames.isEmpty() && this.frames.stopRequested()) return
      else this.own.wait(this.hasFrames)
      turnStart = performance.now()
      this.add(PARSER_IDLE_US, (turnStart - worked) * 1000)
    }
  }

  private failure(status: number): SluiceError {
    const { shard } = this.frames
    return status === LOST_OWNERSHIP
      ? new SluiceError('SLUICE_RING_OWNERSHIP', 'parsing frames: this shard has a new owner', {
          shard
        })
      : new SluiceError('SLUICE_RING_LAYOUT', 'parsing frames: broken entry', { shard })
  }

  private add(word: number, amount: number): void {
    this.counters[word] = (this.counters[word] ?? 0) + amount
  }
}

/** Body of the worker: attach, tell the supervisor, run, tell again. */
export function runParser(task: ParserTask, createKernel: (task: ParserTask) => Kernel): void {
  const { control } = task
  const send = (message: FromWorker): void => control.postMessage(message)
  try {
    const loop = new ParserLoop(task, createKernel(task))
    send({ kind: 'attached', threadId })
    loop.run()
    // Whatever the supervisor still sent is of no use any more.
    while (receiveMessageOnPort(control) !== undefined);
    send({ kind: 'stopped' })
  } finally {
    control.close()
  }
}
