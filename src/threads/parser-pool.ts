/**
 * The Piscina pool of parser workers and its supervisor: one pinned loop per shard. A loop that dies is
 * replaced on the same rings at the same cursors, under a new epoch, after its thread has ended.
 * Main thread.
 */
import { MessageChannel, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Clock } from '../core/clock.ts'
import { asError, SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { Doorbell } from '../ring/doorbell.ts'
import { RING_KIND_FRAME, RING_KIND_RECORD } from '../ring/layout.ts'
import { Ring } from '../ring/ring.ts'
import type { ExchangeEntry, ParserTask } from './messages.ts'
import { RestartPolicy } from './restart-policy.ts'
import { parserDoorbell, type ShardMemory, type SharedMemory } from './shared-memory.ts'
import { type WorkerStatus, waitForAttach } from './supervised-worker.ts'
import { workerUrl } from './worker-url.ts'

export interface ParserPoolOptions {
  readonly memory: SharedMemory
  readonly kernel: 'native' | 'twin'
  readonly exchanges: readonly ExchangeEntry[]
  readonly clock: Clock
  readonly logger: Logger
  readonly deathsPerMinuteMax: number
  /** A shard died too often: the process should end with exit code 70. */
  readonly onGiveUp: (error: SluiceError) => void
}

interface Shard {
  readonly memory: ShardMemory
  readonly frames: Ring
  readonly records: Ring
  readonly bell: Doorbell
  readonly policy: RestartPolicy
  epoch: number
  restarts: number
  state: WorkerStatus['state']
  lastError: string | null
  worker: Worker | null
  /** Resolves when the shard's loop has ended for good. */
  ended: Promise<void>
}

interface RunningLoop {
  /** Settles when the loop has ended. */
  readonly done: Promise<unknown>
  readonly worker: Worker
}

export class ParserPool {
  private readonly options: ParserPoolOptions
  private readonly pool: Piscina
  private readonly shards: readonly Shard[]
  private stopping = false

  constructor(options: ParserPoolOptions) {
    this.options = options
    const threads = options.memory.shards.length
    this.pool = new Piscina({
      filename: workerUrl('parser').href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1
    })
    // A worker that dies without a task is replaced by Piscina itself; its error has no other home.
    this.pool.on('error', (error) => {
      options.logger.error('parser pool thread failed', { error: asError(error).message })
    })
    this.shards = options.memory.shards.map((memory) => ({
      memory,
      frames: new Ring(memory.frameRing, RING_KIND_FRAME),
      records: new Ring(memory.recordRing, RING_KIND_RECORD),
      bell: new Doorbell(options.memory.doorbells, parserDoorbell(memory.shard)),
      policy: new RestartPolicy(options.clock, options.deathsPerMinuteMax),
      epoch: 0,
      restarts: 0,
      state: 'starting',
      lastError: null,
      worker: null,
      ended: Promise.resolve()
    }))
  }

  /** Resolves when every shard's worker has attached. */
  async start(): Promise<void> {
    await Promise.all(
      this.shards.map((shard) => {
        const started = this.attach(shard)
        shard.ended = started.then((loop) => this.supervise(shard, loop))
        return started
      })
    )
  }

  /** Sets the stop marks; resolves when every loop has drained its frame ring and ended. */
  async stop(): Promise<void> {
    this.stopping = true
    for (const shard of this.shards) {
      shard.frames.requestStop()
      shard.bell.ring()
    }
    await Promise.allSettled(this.shards.map((shard) => shard.ended))
    await this.pool.destroy()
  }

  /** Ends the threads at once, whatever they do. */
  async destroy(): Promise<void> {
    this.stopping = true
    await this.pool.destroy()
  }

  status(): WorkerStatus[] {
    return this.shards.map((shard) => ({
      name: `parser-${shard.memory.shard}`,
      state: shard.state,
      epoch: shard.epoch,
      restarts: shard.restarts,
      lastError: shard.lastError
    }))
  }

  /** Fault injection: ends one worker's thread at whatever instruction it is. False = none is running. */
  kill(index: number): boolean {
    const worker = this.shards[index]?.worker
    if (!worker) return false
    void worker.terminate()
    return true
  }

  /** Starts one loop and waits until it has attached. The returned promise settles when the loop ends. */
  private async attach(shard: Shard): Promise<RunningLoop> {
    const { memory, kernel, exchanges } = this.options
    shard.epoch += 1
    shard.frames.setConsumerEpoch(shard.epoch)
    shard.records.setProducerEpoch(shard.epoch)
    const { port1, port2 } = new MessageChannel()
    const task: ParserTask = {
      memory: shard.memory,
      doorbells: memory.doorbells,
      epoch: shard.epoch,
      kernel,
      exchanges,
      control: port2
    }
    const name = `parser-${shard.memory.shard}`
    const done: Promise<unknown> = this.pool.run(task, { transferList: [port2] })
    // A failure shows in both promises; the second must not become an unhandled rejection meanwhile.
    done.catch(() => undefined)
    try {
      const failure = done.then(() => {
        throw new SluiceError('SLUICE_THREAD_START', `starting ${name}: loop ended at once`)
      })
      const threadId = await Promise.race([waitForAttach(port1, name), failure])
      const worker = this.pool.threads.find((thread) => thread.threadId === threadId)
      if (!worker) throw new SluiceError('SLUICE_THREAD_START', `starting ${name}: thread is gone`)
      shard.worker = worker
      shard.state = 'running'
      return { done, worker }
    } finally {
      port1.close()
    }
  }

  private async supervise(shard: Shard, first: RunningLoop): Promise<void> {
    let loop = first
    for (;;) {
      try {
        await loop.done
        shard.state = 'stopped'
        return
      } catch (error) {
        shard.worker = null
        if (this.stopping && shard.frames.isEmpty()) {
          shard.state = 'stopped'
          return
        }
        // Until the thread has ended, native code of the old owner may still be running. A loop that
        // threw leaves its thread alive: it ends too, a fresh one has no state of the failure.
        await loop.worker.terminate()
        const next = await this.replace(shard, asError(error))
        if (next === null) return
        loop = next
      }
    }
  }

  /** Restarts a shard until it attaches; null when it died too often. */
  private async replace(shard: Shard, cause: Error): Promise<RunningLoop | null> {
    const { clock, logger, onGiveUp } = this.options
    let error = cause
    for (;;) {
      shard.state = 'restarting'
      shard.lastError = error.message
      const delayMs = shard.policy.onDeath()
      logger.error('parser worker died', {
        shard: shard.memory.shard,
        error: error.message,
        restartInMs: delayMs
      })
      if (delayMs === null) {
        shard.state = 'failed'
        onGiveUp(
          new SluiceError('SLUICE_THREAD_GAVE_UP', 'restarting parser worker: it died too often', {
            shard: shard.memory.shard
          })
        )
        return null
      }
      await new Promise<void>((resolve) => {
        clock.setTimer(resolve, delayMs)
      })
      try {
        const loop = await this.attach(shard)
        shard.restarts += 1
        return loop
      } catch (failed) {
        error = asError(failed)
      }
    }
  }
}
