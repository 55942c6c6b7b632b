/**
 * The dedicated Kafka worker seen from the main thread: start, supervise, drain. The producer and all it
 * owns live in the addon, outside any thread, so a successor continues exactly where its predecessor was.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Clock } from '../core/clock.ts'
import { asError, SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { StreamDefinition } from '../model/subscription.ts'
import { Doorbell } from '../ring/doorbell.ts'
import { RING_KIND_RECORD } from '../ring/layout.ts'
import { Ring } from '../ring/ring.ts'
import type { FromWorker, KafkaWorkerData, ToWorker } from './messages.ts'
import { RestartPolicy } from './restart-policy.ts'
import { KAFKA_DOORBELL, type SharedMemory } from './shared-memory.ts'
import { type WorkerStatus, waitForAttach } from './supervised-worker.ts'
import { workerUrl } from './worker-url.ts'

export interface KafkaThreadOptions {
  readonly memory: SharedMemory
  /** Handle of the process-global producer. */
  readonly producer: number
  readonly topicTemplate: string
  /** Partition counts known before the start. */
  readonly topics: ReadonlyMap<string, number>
  /** Every record goes to this partition; null = by key. */
  readonly partition: number | null
  readonly clock: Clock
  readonly logger: Logger
  readonly deathsPerMinuteMax: number
  readonly onStreamDefined: (shard: number, index: number, definition: StreamDefinition) => void
  readonly onTopicNeeded: (topic: string) => void
  readonly onGiveUp: (error: SluiceError) => void
}

/** Wrapped, so that an async function can return the promise without waiting for it. */
interface Exited {
  /** Settles when the thread has ended: null after a regular end. */
  readonly failure: Promise<Error | null>
}

export class KafkaThread {
  private readonly options: KafkaThreadOptions
  private readonly records: readonly Ring[]
  private readonly bell: Doorbell
  private readonly policy: RestartPolicy
  /** Partition counts by topic, kept for successors. */
  private readonly topics: Map<string, number>
  private worker: Worker | null = null
  private port: MessagePort | null = null
  private ended: Promise<void> = Promise.resolve()
  private state: WorkerStatus['state'] = 'starting'
  private epoch = 0
  private restarts = 0
  private lastError: string | null = null
  private stopping = false

  constructor(options: KafkaThreadOptions) {
    this.options = options
    this.records = options.memory.shards.map((s) => new Ring(s.recordRing, RING_KIND_RECORD))
    this.bell = new Doorbell(options.memory.doorbells, KAFKA_DOORBELL)
    this.policy = new RestartPolicy(options.clock, options.deathsPerMinuteMax)
    this.topics = new Map(options.topics)
  }

  async start(): Promise<void> {
    const exited = await this.attach()
    this.ended = this.supervise(exited)
  }

  /** Tells the worker (and its successors) how many partitions topics have. */
  topicsReady(topics: ReadonlyMap<string, number>): void {
    for (const [topic, partitions] of topics) this.topics.set(topic, partitions)
    this.send({ kind: 'topics-ready', topics })
  }

  /** Sets the stop marks; resolves when every record ring is empty and the loop has ended. */
  async stop(): Promise<void> {
    this.stopping = true
    for (const ring of this.records) ring.requestStop()
    this.bell.ring()
    await this.ended
  }

  async destroy(): Promise<void> {
    this.stopping = true
    await this.worker?.terminate()
  }

  /** Fault injection: ends the thread at whatever instruction it is. */
  kill(): boolean {
    if (this.worker === null) return false
    void this.worker.terminate()
    return true
  }

  status(): WorkerStatus {
    const { state, epoch, restarts, lastError } = this
    return { name: 'kafka', state, epoch, restarts, lastError }
  }

  private send(message: ToWorker): void {
    this.port?.postMessage(message)
  }

  /** Starts a thread and waits until it has attached. */
  private async attach(): Promise<Exited> {
    const { memory, producer, topicTemplate, partition } = this.options
    this.epoch += 1
    for (const ring of this.records) ring.setConsumerEpoch(this.epoch)
    const { port1, port2 } = new MessageChannel()
    const workerData: KafkaWorkerData = {
      shards: memory.shards,
      kafkaCounters: memory.kafkaCounters,
      doorbells: memory.doorbells,
      epoch: this.epoch,
      producer,
      topicTemplate,
      topics: this.topics,
      partition,
      control: port2
    }
    const worker = new Worker(workerUrl('kafka'), { workerData, transferList: [port2] })
    this.worker = worker
    this.port = port1
    port1.on('message', (message: FromWorker) => this.onMessage(message))
    const exited = new Promise<Error | null>((resolve) => {
      let error: Error | null = null
      worker.once('error', (thrown) => {
        error = asError(thrown)
      })
      worker.once('exit', (code) => {
        const silent = new SluiceError('SLUICE_THREAD_LOST', `running kafka worker: exit ${code}`)
        resolve(error ?? (code === 0 ? null : silent))
      })
    })
    const died = exited.then((error) => {
      throw error ?? new SluiceError('SLUICE_THREAD_START', 'starting kafka worker: thread ended')
    })
    // Also settles long after the start, when nobody listens any more.
    died.catch(() => undefined)
    await Promise.race([waitForAttach(port1, 'kafka'), died])
    this.state = 'running'
    return { failure: exited }
  }

  private onMessage(message: FromWorker): void {
    const { onStreamDefined, onTopicNeeded } = this.options
    if (message.kind === 'stream-defined') {
      onStreamDefined(message.shard, message.streamIndex, message.definition)
    } else if (message.kind === 'topic-needed') {
      onTopicNeeded(message.topic)
    }
  }

  /** Resolves when the worker has ended for good. */
  private async supervise(first: Exited): Promise<void> {
    let exited = first
    for (;;) {
      const failure = await exited.failure
      this.worker = null
      this.port?.close()
      if (failure === null || (this.stopping && this.records.every((ring) => ring.isEmpty()))) {
        this.state = 'stopped'
        return
      }
      const next = await this.replace(failure)
      if (next === null) return
      exited = next
    }
  }

  private async replace(cause: Error): Promise<Exited | null> {
    const { clock, logger, onGiveUp } = this.options
    let error = cause
    for (;;) {
      this.state = 'restarting'
      this.lastError = error.message
      const delayMs = this.policy.onDeath()
      logger.error('kafka worker died', { error: error.message, restartInMs: delayMs })
      if (delayMs === null) {
        this.state = 'failed'
        onGiveUp(
          new SluiceError('SLUICE_THREAD_GAVE_UP', 'restarting kafka worker: it died too often')
        )
        return null
      }
      await new Promise<void>((resolve) => {
        clock.setTimer(resolve, delayMs)
      })
      try {
        const exited = await this.attach()
        this.restarts += 1
        return exited
      } catch (failed) {
        error = asError(failed)
        await this.worker?.terminate()
      }
    }
  }
}
