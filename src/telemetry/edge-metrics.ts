/** Metrics of what the service touches: sinks and Kafka, exchange connections, ingest, HTTP. */
import type { RecordAccounting } from '../model/status.ts'
import {
  KAFKA_BATCHES,
  KAFKA_BROKERS_UP,
  KAFKA_BYTES_DELIVERED,
  KAFKA_BYTES_PRODUCED,
  KAFKA_DEAD_LETTERS_DELIVERED,
  KAFKA_DEAD_LETTERS_LOST,
  KAFKA_DELIVERY,
  KAFKA_END_TO_END,
  KAFKA_ERRORS_FATAL,
  KAFKA_ERRORS_PERMANENT,
  KAFKA_ERRORS_RETRIABLE,
  KAFKA_ERRORS_TRANSPORT,
  KAFKA_PRODUCED,
  KAFKA_QUEUE_FULL,
  KAFKA_RECORDS_DELIVERED,
  KAFKA_RECORDS_LOST,
  KAFKA_REQUEUED
} from '../ring/counters.ts'
import { histogramAt } from '../ring/histogram.ts'
import { each, histogramSamples, type Metric, one, type Sample, word } from './metric.ts'
import type { Reading } from './metric-sources.ts'

const SINK = { sink: 'kafka' }

const ofRecords =
  (term: keyof Omit<RecordAccounting, 'byType'>) =>
  ({ records }: Reading): Sample[] => [one(records[term], SINK)]

const ofKafka =
  (index: number) =>
  ({ sources }: Reading): Sample[] => [one(word(sources.kafkaCounters, index))]

const SINKS: readonly Metric[] = [
  {
    name: 'sluice_sink_delivered_total',
    help: 'Records a sink has acknowledged.',
    type: 'counter',
    labels: ['sink'],
    read: ofRecords('delivered')
  },
  {
    name: 'sluice_sink_dead_lettered_total',
    help: 'Records a sink refused for good; they went to the dead-letter topic.',
    type: 'counter',
    labels: ['sink'],
    read: ofRecords('deadLettered')
  },
  {
    name: 'sluice_sink_deduplicated_total',
    help: 'Records a sink had already.',
    type: 'counter',
    labels: ['sink'],
    read: ofRecords('deduplicated')
  },
  {
    name: 'sluice_sink_shed_total',
    help: 'Records dropped on purpose; 0 unless a policy that sheds was chosen.',
    type: 'counter',
    labels: ['sink'],
    read: ofRecords('shed')
  },
  {
    name: 'sluice_sink_spooled',
    help: 'Records on disk that a sink has not yet acknowledged.',
    type: 'gauge',
    labels: ['sink'],
    read: ofRecords('spooled')
  },
  {
    name: 'sluice_sink_in_flight',
    help: 'Records in memory that a sink has not yet acknowledged: in a ring, or in the producer’s hands.',
    type: 'gauge',
    labels: ['sink'],
    read: ofRecords('inFlight')
  }
]

const KAFKA: readonly Metric[] = [
  {
    name: 'sluice_end_to_end_latency_seconds',
    help: 'Frame received to record acknowledged by the broker.',
    type: 'histogram',
    labels: [],
    read: ({ sources }) =>
      histogramSamples('sluice_end_to_end_latency_seconds', [
        histogramAt(sources.kafkaCounters, KAFKA_END_TO_END)
      ])
  },
  {
    name: 'sluice_kafka_delivery_latency_seconds',
    help: 'Record handed to librdkafka to record acknowledged by the broker.',
    type: 'histogram',
    labels: [],
    read: ({ sources }) =>
      histogramSamples('sluice_kafka_delivery_latency_seconds', [
        histogramAt(sources.kafkaCounters, KAFKA_DELIVERY)
      ])
  },
  {
    name: 'sluice_kafka_produced_total',
    help: 'Records and dead letters handed to librdkafka; retries are not counted again.',
    type: 'counter',
    labels: [],
    read: ofKafka(KAFKA_PRODUCED)
  },
  {
    name: 'sluice_kafka_produced_bytes_total',
    help: 'Bytes of their values.',
    type: 'counter',
    labels: [],
    read: ofKafka(KAFKA_BYTES_PRODUCED)
  },
  {
    name: 'sluice_kafka_delivered_total',
    help: 'What Kafka acknowledged, by kind: records and dead letters.',
    type: 'counter',
    labels: ['kind'],
    read: ({ sources: { kafkaCounters } }) =>
      each(
        {
          record: word(kafkaCounters, KAFKA_RECORDS_DELIVERED),
          dead_letter: word(kafkaCounters, KAFKA_DEAD_LETTERS_DELIVERED)
        },
        'kind'
      )
  },
  {
    name: 'sluice_kafka_delivered_bytes_total',
    help: 'Bytes of the acknowledged values.',
    type: 'counter',
    labels: [],
    read: ofKafka(KAFKA_BYTES_DELIVERED)
  },
  {
    name: 'sluice_kafka_lost_total',
    help: 'Records and dead letters that were neither delivered nor dead-lettered; must stay 0.',
    type: 'counter',
    labels: ['kind'],
    read: ({ sources: { kafkaCounters } }) =>
      each(
        {
          record: word(kafkaCounters, KAFKA_RECORDS_LOST),
          dead_letter: word(kafkaCounters, KAFKA_DEAD_LETTERS_LOST)
        },
        'kind'
      )
  },
  {
    name: 'sluice_kafka_errors_total',
    help: 'Errors by kind: retriable reports, permanent reports, fatal to the client, transport.',
    type: 'counter',
    labels: ['kind'],
    read: ({ sources: { kafkaCounters } }) =>
      each(
        {
          retriable: word(kafkaCounters, KAFKA_ERRORS_RETRIABLE),
          permanent: word(kafkaCounters, KAFKA_ERRORS_PERMANENT),
          fatal: word(kafkaCounters, KAFKA_ERRORS_FATAL),
          transport: word(kafkaCounters, KAFKA_ERRORS_TRANSPORT)
        },
        'kind'
      )
  },
  {
    name: 'sluice_kafka_requeued_total',
    help: 'Failed reports whose record was queued again.',
    type: 'counter',
    labels: [],
    read: ofKafka(KAFKA_REQUEUED)
  },
  {
    name: 'sluice_kafka_possible_duplicates_total',
    help: 'Records queued again that a broker may have written all the same.',
    type: 'counter',
    labels: [],
    read: ({ kafka }) => [one(kafka.possibleDuplicates)]
  },
  {
    name: 'sluice_kafka_queue_full_total',
    help: 'Batches that ended because librdkafka’s queue was full.',
    type: 'counter',
    labels: [],
    read: ofKafka(KAFKA_QUEUE_FULL)
  },
  {
    name: 'sluice_kafka_batches_total',
    help: 'Batches the Kafka worker took from record rings.',
    type: 'counter',
    labels: [],
    read: ofKafka(KAFKA_BATCHES)
  },
  {
    name: 'sluice_kafka_queue_records',
    help: 'Records in librdkafka’s hands: queued or sent.',
    type: 'gauge',
    labels: [],
    read: ({ kafka }) => [one(kafka.queueMessages)]
  },
  {
    name: 'sluice_kafka_queue_bytes',
    help: 'Their bytes.',
    type: 'gauge',
    labels: [],
    read: ({ kafka }) => [one(kafka.queueBytes)]
  },
  {
    name: 'sluice_kafka_pending_records',
    help: 'Records waiting to be handed (again) to librdkafka.',
    type: 'gauge',
    labels: [],
    read: ({ kafka }) => [one(kafka.pending)]
  },
  {
    name: 'sluice_kafka_pending_bytes',
    help: 'Their bytes.',
    type: 'gauge',
    labels: [],
    read: ({ kafka }) => [one(kafka.pendingBytes)]
  },
  {
    name: 'sluice_kafka_brokers_up',
    help: 'Brokers connected.',
    type: 'gauge',
    labels: [],
    read: ofKafka(KAFKA_BROKERS_UP)
  },
  {
    name: 'sluice_kafka_clients_total',
    help: 'librdkafka clients made; more than one means that a fatal error was survived.',
    type: 'counter',
    labels: [],
    read: ({ kafka }) => [one(kafka.clients)]
  }
]

const CONNECTIONS: readonly Metric[] = [
  {
    name: 'sluice_connections',
    help: 'Exchange connections by state.',
    type: 'gauge',
    labels: ['exchange', 'state'],
    read: ({ adapters }) =>
      adapters.flatMap(({ exchange, connections }) => each(connections, 'state', { exchange }))
  },
  {
    name: 'sluice_connects_total',
    help: 'Connection attempts by result.',
    type: 'counter',
    labels: ['exchange', 'result'],
    read: ({ adapters }) =>
      adapters.flatMap(({ exchange, connects }) => each(connects, 'result', { exchange }))
  },
  {
    name: 'sluice_reconnects_total',
    help: 'Open connections that were replaced, by reason.',
    type: 'counter',
    labels: ['exchange', 'reason'],
    read: ({ adapters }) =>
      adapters.flatMap(({ exchange, reconnects }) => each(reconnects, 'reason', { exchange }))
  },
  {
    name: 'sluice_gaps_total',
    help: 'Times of a stream whose records are missing, by channel and state.',
    type: 'counter',
    labels: ['exchange', 'channel', 'state'],
    read: ({ adapters }) =>
      adapters.flatMap(({ exchange, gaps }) =>
        [...gaps].map(([channel, count]) => one(count, { exchange, channel, state: 'open' }))
      )
  },
  {
    name: 'sluice_streams',
    help: 'Streams subscribed.',
    type: 'gauge',
    labels: ['exchange'],
    read: ({ adapters }) => adapters.map(({ exchange, streams }) => one(streams, { exchange }))
  },
  {
    name: 'sluice_socket_pauses_total',
    help: 'Times a socket was paused because its ring was full.',
    type: 'counter',
    labels: ['exchange'],
    read: ({ adapters }) => adapters.map(({ exchange, pauses }) => one(pauses, { exchange }))
  },
  {
    name: 'sluice_socket_paused_seconds_total',
    help: 'Time sockets spent paused.',
    type: 'counter',
    labels: ['exchange'],
    read: ({ adapters }) =>
      adapters.map(({ exchange, pausedSeconds }) => one(pausedSeconds, { exchange }))
  }
]

const SERVER: readonly Metric[] = [
  {
    name: 'sluice_ingest_sessions',
    help: 'Ingest clients connected.',
    type: 'gauge',
    labels: [],
    read: ({ ingest }) => [one(ingest.sessions)]
  },
  {
    name: 'sluice_ingest_sessions_total',
    help: 'Ingest clients so far.',
    type: 'counter',
    labels: [],
    read: ({ ingest }) => [one(ingest.sessionsOpened)]
  },
  {
    name: 'sluice_ingest_overruns_total',
    help: 'Ingest clients closed because they sent more frames than they had credit for.',
    type: 'counter',
    labels: [],
    read: ({ ingest }) => [one(ingest.overruns)]
  },
  {
    name: 'sluice_ingest_credit_frames',
    help: 'Credit given and not yet used.',
    type: 'gauge',
    labels: [],
    read: ({ ingest }) => [one(ingest.creditOutstanding)]
  },
  {
    name: 'sluice_ingest_backlog_frames',
    help: 'Ingest frames waiting for room in a ring.',
    type: 'gauge',
    labels: [],
    read: ({ ingest }) => [one(ingest.backlogFrames)]
  },
  {
    name: 'sluice_ingest_backlog_bytes',
    help: 'Their bytes.',
    type: 'gauge',
    labels: [],
    read: ({ ingest }) => [one(ingest.backlogBytes)]
  },
  {
    name: 'sluice_ingest_refused_total',
    help: 'Ingest clients refused or closed, by reason.',
    type: 'counter',
    labels: ['reason'],
    read: ({ http }) => each(http?.ingestRefused ?? {}, 'reason')
  },
  {
    name: 'sluice_http_connections',
    help: 'Connections to the HTTP server.',
    type: 'gauge',
    labels: [],
    read: ({ http }) => [one(http?.connections ?? 0)]
  },
  {
    name: 'sluice_http_connections_refused_total',
    help: 'Connections beyond the limit.',
    type: 'counter',
    labels: [],
    read: ({ http }) => [one(http?.connectionsRefused ?? 0)]
  },
  {
    name: 'sluice_http_requests_total',
    help: 'Requests answered, by status.',
    type: 'counter',
    labels: ['status'],
    read: ({ http }) => each(http?.replies ?? {}, 'status')
  },
  {
    name: 'sluice_ready',
    help: '1 while intake works and records are being accepted.',
    type: 'gauge',
    labels: [],
    read: ({ sources }) => [one(sources.ready() ? 1 : 0)]
  },
  {
    name: 'sluice_build_info',
    help: 'Versions, as labels; the value is 1.',
    type: 'gauge',
    labels: ['version', 'node', 'librdkafka'],
    read: ({ sources: { version, librdkafkaVersion } }) => [
      one(1, { version, node: process.versions.node, librdkafka: librdkafkaVersion })
    ]
  }
]

export const EDGE_METRICS: readonly Metric[] = [...SINKS, ...KAFKA, ...CONNECTIONS, ...SERVER]
