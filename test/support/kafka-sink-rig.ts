/**
 * A Kafka sink, one or more record rings and a loop to drive it, without the rest of the service. The
 * loop runs on the caller's thread, or in a worker that the test may terminate.
 */
import assert from 'node:assert/strict'
import { Worker } from 'node:worker_threads'
import { systemClock } from '../../src/core/clock.ts'
import { type LogFields, type Logger, silentLogger } from '../../src/core/logger.ts'
import { KAFKA_COUNTER_WORDS } from '../../src/ring/counters.ts'
import type { EmbeddedCluster } from '../../src/sinks/kafka/embedded-cluster.ts'
import { KafkaLoop } from '../../src/sinks/kafka/kafka-loop.ts'
import { KafkaSink, type KafkaSinkOptions } from '../../src/sinks/kafka/kafka-sink.ts'
import { RecordRingWriter } from './record-ring.ts'
import { waitFor } from './wait.ts'

export const TEMPLATE = 'market.{type}.{exchange}.{symbol}'
const SETTINGS: KafkaSinkOptions['settings'] = {
  brokers: '',
  compression: 'lz4',
  lingerMs: 5,
  batchBytes: 1_000_000,
  batchMessages: 10_000,
  queueKbytes: 65_536,
  queueMessages: 500_000,
  messageBytesMax: 1_000_000,
  clientId: 'sluice-test',
  librdkafka: {},
  topicPartitions: 1,
  topicReplication: 1,
  retentionMs: -1,
  headers: 'exceptional'
}

/** With SLUICE_TEST_LOG set, to see what the client says. */
const log = (message: string, fields?: LogFields): void => {
  process.stderr.write(`${new Date().toISOString()} ${message} ${JSON.stringify(fields ?? {})}\n`)
}
const stderrLogger: Logger = {
  debug: log,
  info: log,
  warn: log,
  error: log,
  child: () => stderrLogger
}

export interface RigOptions {
  /** A real broker's address, or a cluster that the rig stops at its end. */
  readonly brokers: string | EmbeddedCluster
  readonly settings?: Partial<KafkaSinkOptions['settings']>
  readonly rings?: number
  readonly ringBytes?: number
  readonly template?: string
  readonly exchange?: string
}

export class KafkaSinkRig {
  readonly sink: KafkaSink
  readonly counters: Float64Array
  readonly rings: readonly RecordRingWriter[]
  readonly topics = new Map<string, number>()
  readonly needed: string[] = []
  private readonly template: string
  private loop: KafkaLoop | null = null
  private worker: Worker | null = null
  private epoch = 0

  constructor(options: RigOptions) {
    const memory = new SharedArrayBuffer(KAFKA_COUNTER_WORDS * 8)
    this.counters = new Float64Array(memory)
    this.rings = Array.from(
      { length: options.rings ?? 1 },
      () => new RecordRingWriter(options.ringBytes ?? 1 << 20)
    )
    this.template = options.template ?? TEMPLATE
    const { brokers } = options
    this.sink = new KafkaSink({
      ...(typeof brokers === 'string' ? {} : { cluster: brokers }),
      settings: {
        ...SETTINGS,
        brokers: typeof brokers === 'string' ? brokers : 'embedded',
        ...options.settings
      },
      exchanges: [options.exchange ?? 'binance'],
      counters: memory,
      clock: systemClock,
      logger: process.env['SLUICE_TEST_LOG'] === undefined ? silentLogger : stderrLogger,
      onTopicsReady: (topics) => {
        for (const [topic, count] of topics) this.topics.set(topic, count)
        this.loop?.topicsReady(topics)
      }
    })
  }

  get ring(): RecordRingWriter {
    const [first] = this.rings
    assert.ok(first)
    return first
  }

  /** A loop on this thread; replaces an earlier one, as a restarted worker would. */
  attach(): KafkaLoop {
    this.nextEpoch()
    this.loop = new KafkaLoop({
      producer: this.sink.handle,
      rings: this.rings.map((ring) => ring.buffer),
      epoch: this.epoch,
      topicTemplate: this.template,
      topics: this.topics,
      onTopicNeeded: (topic) => {
        this.needed.push(topic)
        void this.sink.ensureTopics([topic])
      }
    })
    return this.loop
  }

  /** Starts a loop in a worker; resolves when it has attached. */
  async startWorker(): Promise<void> {
    this.nextEpoch()
    const worker = new Worker(new URL('./kafka-loop-worker.js', import.meta.url), {
      workerData: {
        producer: this.sink.handle,
        rings: this.rings.map((ring) => ring.buffer),
        epoch: this.epoch,
        topicTemplate: this.template,
        topics: this.topics
      }
    })
    this.worker = worker
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve())
      worker.once('error', reject)
    })
  }

  async killWorker(): Promise<void> {
    await this.worker?.terminate()
    this.worker = null
  }

  /** Turns the loop until the rings are empty. */
  async empty(timeoutMs = 20_000): Promise<void> {
    await waitFor(
      () => {
        while ((this.loop?.turn() ?? 0) > 0);
        return this.rings.every((ring) => ring.ring.isEmpty())
      },
      { timeoutMs, everyMs: 2, what: () => `rings not empty: ${this.describe()}` }
    )
  }

  async settle(timeoutMs = 20_000): Promise<void> {
    const left = await this.sink.drain(timeoutMs)
    assert.equal(left, 0, `not drained: ${this.describe()}`)
    this.assertAccounts()
    assert.deepEqual([...this.sink.audit()], [0, 0])
    this.rings.forEach((ring, index) => {
      assert.equal(this.sink.snapshot().settledThrough[index], ring.sequence)
    })
  }

  count(word: number): number {
    return this.counters[word] ?? 0
  }

  /** taken = delivered + dead-lettered + lost + in flight, at any moment. */
  assertAccounts(): void {
    const view = this.sink.snapshot()
    assert.equal(
      view.recordsTaken,
      view.recordsDelivered + view.recordsRejected + view.recordsLost + view.inFlight
    )
    assert.equal(
      view.deadLettersTaken,
      view.deadLettersDelivered + view.deadLettersLost + view.deadLettersInFlight
    )
    assert.equal(view.recordsLost + view.deadLettersLost, 0, this.describe())
    assert.equal(view.unknownReports, 0)
    assert.equal(view.sequenceBreaks, 0)
  }

  describe(): string {
    return `${JSON.stringify(this.sink.snapshot())} ${[...this.counters.slice(0, 32)].join(' ')}`
  }

  async close(): Promise<void> {
    await this.killWorker()
    await this.sink.close()
  }

  private nextEpoch(): void {
    this.epoch += 1
    for (const ring of this.rings) ring.ring.setConsumerEpoch(this.epoch)
  }
}
