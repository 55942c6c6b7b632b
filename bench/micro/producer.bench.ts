/**
 * Record ring → producer addon → Kafka, every delivery counted, until the last is acknowledged. 50 topics
 * in turn, aggTrade-sized values. Against the brokers in KAFKA_BROKERS, else against the embedded cluster,
 * whose own work is then in the figures too. CPU is the whole process's, librdkafka's threads included.
 */
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { KAFKA_COUNTER_WORDS } from '../../src/ring/counters.ts'
import type { KafkaHeaders } from '../../src/sinks/kafka/kafka-config.ts'
import { KafkaSink } from '../../src/sinks/kafka/kafka-sink.ts'
import {
  loadProducerAddon,
  PRODUCE_COUNT_MASK,
  PRODUCE_FULL
} from '../../src/sinks/kafka/producer-addon.ts'
import { deadLetterTopic, topicName } from '../../src/sinks/kafka/topic-name.ts'
import { RecordRingWriter } from '../../test/support/record-ring.ts'
import { delay } from '../../test/support/wait.ts'
import type { Benchmark } from '../harness.ts'

const TOPICS = 50
const RING_BYTES = 1 << 27
/** Fills a value up to about the size of a normalised aggTrade. */
const PAD_BYTES = 200
const TEMPLATE = 'market.{type}.{exchange}.{symbol}'
const EXCHANGE = 'bench'
const DRAIN_MS = 60_000

interface State {
  readonly sink: KafkaSink
  readonly ring: RecordRingWriter
  readonly batch: number
}

interface Case {
  readonly name: string
  readonly batch: number
  readonly headers: KafkaHeaders
  readonly source: 'live' | 'heal'
  readonly reference?: boolean
}

const CASES: readonly Case[] = [
  { name: 'batches of 2048', batch: 2048, headers: 'exceptional', source: 'live', reference: true },
  { name: 'batches of 8192', batch: 8192, headers: 'exceptional', source: 'live' },
  { name: 'batches of 256', batch: 256, headers: 'exceptional', source: 'live' },
  { name: 'not grouped', batch: 1, headers: 'exceptional', source: 'live' },
  { name: 'headers none', batch: 2048, headers: 'none', source: 'heal' },
  { name: 'headers on every record', batch: 2048, headers: 'exceptional', source: 'heal' }
]

const symbolOf = (stream: number): string => `SYM${String(stream).padStart(2, '0')}USDT`

async function prepare(subject: Case, records: number): Promise<State> {
  const brokers = process.env['KAFKA_BROKERS'] ?? 'embedded'
  const sink = new KafkaSink({
    settings: {
      brokers,
      compression: 'lz4',
      lingerMs: 5,
      batchBytes: 1_000_000,
      batchMessages: 10_000,
      queueKbytes: 65_536,
      queueMessages: 500_000,
      messageBytesMax: 1_000_000,
      clientId: 'sluice-bench',
      librdkafka: {},
      topicPartitions: 1,
      topicReplication: 1,
      retentionMs: 600_000,
      headers: subject.headers
    },
    exchanges: [EXCHANGE],
    counters: new SharedArrayBuffer(KAFKA_COUNTER_WORDS * 8),
    clock: systemClock,
    logger: silentLogger,
    onTopicsReady: () => undefined
  })
  const parts = { type: 'aggTrade', exchange: EXCHANGE, interval: null }
  const topics = Array.from({ length: TOPICS }, (_, stream) =>
    topicName(TEMPLATE, { ...parts, symbol: symbolOf(stream) })
  )
  await sink.ensureTopics(topics)
  const ring = new RecordRingWriter(RING_BYTES)
  const addon = loadProducerAddon()
  addon.attach(sink.handle, [new Uint8Array(ring.buffer)], 1)
  // One record per topic first: connections, metadata and the producer id are not what is measured.
  topics.forEach((topic, stream) => {
    ring.define(stream, { symbol: symbolOf(stream), type: 'aggTrade', exchange: EXCHANGE })
    addon.produce(sink.handle, 0, 1)
    addon.defineStream(sink.handle, 0, stream, topic, 0, deadLetterTopic(EXCHANGE))
    ring.record({ streamIndex: stream, symbol: symbolOf(stream), id: -1, type: 'aggTrade' })
    addon.produce(sink.handle, 0, 1)
  })
  if ((await sink.drain(DRAIN_MS)) > 0) throw new Error('warming up: not delivered')
  const { source } = subject
  for (let id = 0; id < records; id++) {
    const streamIndex = id % TOPICS
    const record = { streamIndex, symbol: symbolOf(streamIndex), id, padBytes: PAD_BYTES }
    if (!ring.record({ ...record, type: 'aggTrade', source })) throw new Error('ring too small')
  }
  return { sink, ring, batch: subject.batch }
}

async function run(state: State): Promise<void> {
  const { sink, ring, batch } = state
  const addon = loadProducerAddon()
  while (!ring.ring.isEmpty()) {
    const result = addon.produce(sink.handle, 0, batch)
    if ((result & ~PRODUCE_COUNT_MASK & ~PRODUCE_FULL) !== 0) throw new Error(`produce: ${result}`)
    if ((result & PRODUCE_FULL) !== 0) await delay(1)
  }
  if ((await sink.drain(DRAIN_MS)) > 0) throw new Error('not delivered')
}

export const benchmarks: readonly Benchmark<State>[] = CASES.map((subject) => ({
  name: subject.name,
  group: 'producer: ring to acknowledged',
  ...(subject.reference === undefined ? {} : { reference: subject.reference }),
  unit: 'record',
  small: 2_000,
  large: 300_000,
  setup: (operations) => prepare(subject, operations),
  run,
  hash: ({ sink }) => String(sink.snapshot().recordsDelivered),
  teardown: ({ sink }) => sink.close()
}))
