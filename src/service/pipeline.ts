/**
 * The data path of one service: shared memory, frame intake, parser pool, Kafka sink and its worker,
 * wired together. Knows nothing of exchanges, HTTP or signals. Main thread.
 */

import type { SluiceConfig } from '../config/types.ts'
import type { Clock } from '../core/clock.ts'
import type { SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { loadKernelAddon } from '../native/kernel.ts'
import { RingIntake } from '../pipeline/ring-intake.ts'
import { StreamDirectory } from '../pipeline/stream-directory.ts'
import { countEntries } from '../ring/entry-count.ts'
import { RING_KIND_FRAME, RING_KIND_RECORD } from '../ring/layout.ts'
import { Ring } from '../ring/ring.ts'
import { KafkaSink } from '../sinks/kafka/kafka-sink.ts'
import { PipelineReader } from '../telemetry/pipeline-reader.ts'
import { KafkaThread } from '../threads/kafka-thread.ts'
import type { ExchangeEntry } from '../threads/messages.ts'
import { ParserPool } from '../threads/parser-pool.ts'
import { DEATHS_PER_MINUTE_MAX } from '../threads/restart-policy.ts'
import {
  allocateSharedMemory,
  parserDoorbell,
  type SharedMemory
} from '../threads/shared-memory.ts'
import type { WorkerStatus } from '../threads/supervised-worker.ts'

export interface PipelineOptions {
  readonly config: SluiceConfig
  readonly exchanges: readonly ExchangeEntry[]
  readonly clock: Clock
  readonly logger: Logger
  /** Workers may be killed at will: the limit on deaths does not count. */
  readonly faultTests: boolean
  /** A worker died too often: the process should end with exit code 70. */
  readonly onGiveUp: (error: SluiceError) => void
}

/** What was still on its way when the deadline passed. */
export interface DrainReport {
  readonly framesLeft: number
  readonly recordsLeft: number
  readonly deadLettersLeft: number
}

const POLL_MS = 5

export class Pipeline {
  readonly intake: RingIntake
  readonly streams: StreamDirectory
  readonly sink: KafkaSink
  readonly reader: PipelineReader
  readonly memory: SharedMemory
  readonly frameRings: readonly Ring[]
  readonly recordRings: readonly Ring[]
  readonly parserCounters: readonly Float64Array[]
  readonly kafkaCounters: Float64Array
  private readonly clock: Clock
  private readonly parsers: ParserPool
  private readonly kafka: KafkaThread

  /** Throws when an addon is missing or the Kafka settings contradict each other. */
  constructor(options: PipelineOptions) {
    const { config, exchanges, clock, logger, onGiveUp } = options
    const deathsPerMinuteMax = options.faultTests ? Number.POSITIVE_INFINITY : DEATHS_PER_MINUTE_MAX
    const { workers, kafka: settings } = config
    this.clock = clock
    // On the main thread first: an addon that only workers load is unloaded with the last of them.
    loadKernelAddon()
    this.memory = allocateSharedMemory({ shards: workers.parsers, ringBytes: workers.ringBytes })
    const { shards, doorbells, kafkaCounters } = this.memory
    this.frameRings = shards.map((shard) => new Ring(shard.frameRing, RING_KIND_FRAME))
    this.recordRings = shards.map((shard) => new Ring(shard.recordRing, RING_KIND_RECORD))
    this.parserCounters = shards.map((shard) => new Float64Array(shard.counters))
    this.kafkaCounters = new Float64Array(kafkaCounters)
    this.reader = new PipelineReader(this)
    this.streams = new StreamDirectory(shards.map((shard) => shard.activity))
    this.intake = new RingIntake({
      frameRings: shards.map((shard) => shard.frameRing),
      doorbells,
      doorbellOf: parserDoorbell,
      frameBytesMax: workers.frameBytesMax
    })
    const early = new Map<string, number>()
    let kafka: KafkaThread | null = null
    this.sink = new KafkaSink({
      settings,
      exchanges: exchanges.map((entry) => entry.exchange),
      counters: kafkaCounters,
      clock,
      logger,
      onTopicsReady: (topics) => {
        // The dead-letter topics may be ready before the worker's keeper exists.
        for (const [topic, count] of topics) early.set(topic, count)
        kafka?.topicsReady(topics)
      }
    })
    this.kafka = new KafkaThread({
      memory: this.memory,
      topics: early,
      producer: this.sink.handle,
      topicTemplate: settings.topic,
      partition: settings.partitionStrategy === 'explicit' ? settings.partition : null,
      clock,
      logger,
      deathsPerMinuteMax,
      onStreamDefined: (shard, index, definition) => this.streams.define(shard, index, definition),
      onTopicNeeded: (topic) => void this.sink.ensureTopics([topic]),
      onGiveUp
    })
    kafka = this.kafka
    this.parsers = new ParserPool({
      memory: this.memory,
      kernel: workers.parser,
      exchanges,
      clock,
      logger,
      deathsPerMinuteMax,
      onGiveUp
    })
  }

  async start(): Promise<void> {
    await Promise.all([this.kafka.start(), this.parsers.start()])
  }

  workers(): WorkerStatus[] {
    return [...this.parsers.status(), this.kafka.status()]
  }

  /** Share of its time each of `workers()` spent working, 0..1, in the same order. */
  busy(): number[] {
    return [
      ...this.memory.shards.map(({ shard }) => this.reader.parserBusy(shard)),
      this.reader.kafkaBusy()
    ]
  }

  /**
   * Frames in the rings become records, records are acknowledged, threads end: stage by stage, within
   * `timeoutMs` in all. Intake must have stopped before.
   */
  async drain(timeoutMs: number): Promise<DrainReport> {
    const deadline = this.clock.monotonicMs() + timeoutMs
    const left = (): number => Math.max(0, deadline - this.clock.monotonicMs())
    await this.within(this.parsers.stop(), left())
    await this.within(this.kafka.stop(), left())
    await this.sink.drain(left())
    const { inFlight, handedInRing, deadLettersInFlight, deadLettersHandedInRing } =
      this.sink.snapshot()
    const inRings = this.recordRings.map(countEntries)
    const inFrameRings = this.frameRings.map(countEntries)
    return {
      framesLeft: sum(inFrameRings.map((count) => count.entries)),
      recordsLeft: inFlight - handedInRing + sum(inRings.map((count) => count.entries)),
      deadLettersLeft:
        deadLettersInFlight -
        deadLettersHandedInRing +
        sum(inRings.map((count) => count.deadLetters))
    }
  }

  /** Ends everything at once. */
  async destroy(): Promise<void> {
    await Promise.all([this.parsers.destroy(), this.kafka.destroy()])
    await this.sink.close()
  }

  /** Records in the producer's hands whose ring entry is gone already. */
  producerInFlight(): number {
    const { inFlight, handedInRing } = this.sink.snapshot()
    return inFlight - handedInRing
  }

  killParser(shard: number): boolean {
    return this.parsers.kill(shard)
  }

  killKafka(): boolean {
    return this.kafka.kill()
  }

  /** Waits for `work`, but no longer than `timeoutMs`; the caller sees what is left by counting it. */
  private async within(work: Promise<void>, timeoutMs: number): Promise<void> {
    let done = false
    const finished = work.then(
      () => {
        done = true
      },
      () => {
        done = true
      }
    )
    const deadline = this.clock.monotonicMs() + timeoutMs
    while (!done && this.clock.monotonicMs() < deadline) {
      const pause = new Promise<void>((resolve) => void this.clock.setTimer(resolve, POLL_MS))
      await Promise.race([finished, pause])
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
