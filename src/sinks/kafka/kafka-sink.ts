/**
 * The Kafka sink as the main thread sees it: creates the producer and the topics, watches both,
 * drains and closes them. Records do not pass here; the Kafka worker feeds the producer by its
 * handle.
 */
import type { Clock, TimerHandle } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { SinkStatus } from '../../model/status.ts'
import type { Sink } from '../sink.ts'
import { EmbeddedCluster, EmbeddedTopics } from './embedded-cluster.ts'
import {
  connectionProperties,
  type KafkaHeaders,
  type KafkaSettings,
  producerProperties
} from './kafka-config.ts'
import {
  loadProducerAddon,
  type ProducerAddon,
  type ProducerEvent,
  type ProducerSnapshot
} from './producer-addon.ts'
import { TopicAdmin, type TopicProvider } from './topic-admin.ts'
import { deadLetterTopic } from './topic-name.ts'

/** `kafka.brokers` that stands for the in-memory cluster. */
export const EMBEDDED = 'embedded'

const HEADER_MODES: readonly KafkaHeaders[] = ['none', 'exceptional', 'all']
/** Bytes waiting to be handed over again at which no ring is read any more. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024
const WATCH_MS = 1000
const DRAIN_POLL_MS = 5
/** syslog: up to here an event is an error, up to the next a warning. */
const SYSLOG_ERROR = 3
const SYSLOG_WARNING = 4

export interface KafkaSinkOptions {
  readonly settings: KafkaSettings & {
    readonly topicPartitions: number
    readonly topicReplication: number
    readonly retentionMs: number
    readonly headers: KafkaHeaders
  }
  /** By the index that ring entries carry. */
  readonly exchanges: readonly string[]
  /** KAFKA_COUNTER_WORDS f64 in shared memory; the producer keeps writing to them until `close`. */
  readonly counters: SharedArrayBuffer
  /** To use with brokers `embedded` instead of an own one, and to stop with it. */
  readonly cluster?: EmbeddedCluster
  readonly clock: Clock
  readonly logger: Logger
  /** To be handed to the Kafka worker. */
  readonly onTopicsReady: (topics: ReadonlyMap<string, number>) => void
}

export class KafkaSink implements Sink {
  readonly name = 'kafka'
  /** Of the process-global producer, for the Kafka worker. */
  readonly handle: number
  /** Where the brokers are; the embedded cluster's own address when it is used. */
  readonly brokers: string
  readonly isEmbedded: boolean
  private readonly options: KafkaSinkOptions
  private readonly addon: ProducerAddon
  private readonly cluster: EmbeddedCluster | null
  private readonly topics: TopicProvider
  private timer: TimerHandle | null = null
  private closed = false

  /** @throws SLUICE_SINK_CONFIG, SLUICE_NATIVE_MISSING, SLUICE_NATIVE_MISMATCH */
  constructor(options: KafkaSinkOptions) {
    const { settings, exchanges, counters } = options
    this.options = options
    this.addon = loadProducerAddon()
    this.isEmbedded = settings.brokers === EMBEDDED
    // First, so that a refused property leaves nothing behind.
    producerProperties(settings)
    this.cluster = this.isEmbedded ? (options.cluster ?? new EmbeddedCluster()) : null
    this.brokers = this.cluster?.bootstrap ?? settings.brokers
    const properties = producerProperties({ ...settings, brokers: this.brokers })
    this.handle = this.addon.createProducer(
      Object.entries(properties).flat(),
      new Float64Array(counters),
      HEADER_MODES.indexOf(settings.headers),
      exchanges.map(deadLetterTopic),
      PENDING_BYTES_MAX,
      Number(properties['message.max.bytes'])
    )
    this.topics = this.createTopicProvider(properties)
    void this.topics.ensure(exchanges.map(deadLetterTopic))
    this.watch()
  }

  /** Resolves once each topic is ready or refused, or the sink was closed. Never rejects. */
  async ensureTopics(topics: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    return this.topics.ensure(topics)
  }

  snapshot(): ProducerSnapshot {
    return this.addon.snapshot(this.handle)
  }

  /** [records, dead letters] in flight, counted by walking every slot. */
  audit(): readonly [number, number] {
    return this.addon.audit(this.handle)
  }

  /** librdkafka's last statistics (every `statistics.interval.ms`); null before the first. */
  statistics(): unknown {
    const text = this.closed ? '' : this.addon.statistics(this.handle)
    return text === '' ? null : JSON.parse(text)
  }

  status(): SinkStatus {
    if (this.closed) {
      return { name: this.name, state: 'closed', detail: null, queueMessages: 0, queueBytes: 0 }
    }
    const view = this.snapshot()
    const { detail, state } = this.condition(view)
    return {
      name: this.name,
      state,
      detail,
      queueMessages: view.queueMessages + view.pending,
      queueBytes: view.queueBytes + view.pendingBytes
    }
  }

  async drain(timeoutMs: number): Promise<number> {
    const { clock } = this.options
    const deadline = clock.monotonicMs() + timeoutMs
    for (;;) {
      const { inFlight, deadLettersInFlight } = this.snapshot()
      const left = inFlight + deadLettersInFlight
      if (left === 0 || clock.monotonicMs() >= deadline) return left
      await new Promise<void>((resolve) => void clock.setTimer(resolve, DRAIN_POLL_MS))
    }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    if (this.timer !== null) this.options.clock.clearTimer(this.timer)
    this.topics.close()
    this.logEvents()
    const left = this.addon.close(this.handle)
    if (left > 0) this.options.logger.error('kafka closed with records in flight', { left })
    this.cluster?.stop()
  }

  private createTopicProvider(properties: Readonly<Record<string, string>>): TopicProvider {
    const { settings, clock, logger } = this.options
    const onReady = (ready: ReadonlyMap<string, number>): void => {
      if (this.closed) return
      for (const topic of ready.keys()) this.addon.topicReady(this.handle, topic)
      this.options.onTopicsReady(ready)
    }
    if (this.cluster !== null) {
      return new EmbeddedTopics(this.cluster, settings.topicPartitions, onReady)
    }
    return new TopicAdmin({
      connection: connectionProperties(properties),
      topic: {
        partitions: settings.topicPartitions,
        replication: settings.topicReplication,
        retentionMs: settings.retentionMs
      },
      clock,
      logger,
      onReady,
      onRefused: (topic) => {
        if (!this.closed) this.addon.topicFailed(this.handle, topic)
      }
    })
  }

  private condition(view: ProducerSnapshot): { state: string; detail: string | null } {
    const admin = this.topics.state()
    if (view.fatal) return { state: 'recovering', detail: view.lastError }
    if (view.allBrokersDown) return { state: 'unreachable', detail: view.lastError }
    if (admin.state === 'retrying') {
      return { state: 'creating-topics', detail: admin.lastError }
    }
    const refused = [...admin.refused]
    if (refused.length > 0) {
      return {
        state: 'degraded',
        detail: refused.map(([name, why]) => `${name}: ${why}`).join('; ')
      }
    }
    if (view.missingTopics.length > 0) {
      return { state: 'degraded', detail: `no such topic: ${view.missingTopics.join(', ')}` }
    }
    const embedded = 'embedded broker: it acknowledges and forgets'
    return { state: 'running', detail: this.isEmbedded ? embedded : null }
  }

  /** Once a second: log what the producer noted, and create topics again that somebody deleted. */
  private watch(): void {
    this.timer = this.options.clock.setTimer(() => {
      this.logEvents()
      const { missingTopics } = this.snapshot()
      if (missingTopics.length > 0) this.topics.recheck(missingTopics)
      this.watch()
    }, WATCH_MS)
    if (typeof this.timer === 'object') this.timer.unref()
  }

  private logEvents(): void {
    for (const event of this.addon.takeEvents(this.handle)) logEvent(this.options.logger, event)
  }
}

function logEvent(logger: Logger, event: ProducerEvent): void {
  const fields = { kind: event.kind, code: event.code, detail: event.message }
  if (event.level <= SYSLOG_ERROR) logger.error('kafka producer', fields)
  else if (event.level <= SYSLOG_WARNING) logger.warn('kafka producer', fields)
  else logger.debug('kafka producer', fields)
}
