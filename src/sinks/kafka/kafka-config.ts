/**
 * Our settings as librdkafka properties. Idempotent, acks=all, delivery never times out: whatever
 * would weaken that is refused, also when it comes through the pass-through map.
 */
import { SluiceError } from '../../core/errors.ts'

export type KafkaHeaders = 'exceptional' | 'all' | 'none'
export type KafkaCompression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** The leaves of `kafka.*` that concern the producer. */
export interface KafkaSettings {
  /** host:port,… */
  readonly brokers: string
  readonly compression: KafkaCompression
  readonly lingerMs: number
  readonly batchBytes: number
  readonly batchMessages: number
  readonly queueKbytes: number
  readonly queueMessages: number
  readonly messageBytesMax: number
  readonly clientId: string
  /** Any librdkafka property; wins over ours where it may. Values may be secrets. */
  readonly librdkafka: Readonly<Record<string, string>>
}

type Properties = Record<string, string>

const RETRIES_MAX = 2_147_483_647
const PROPAGATION_MS_MIN = 60_000

interface Rule {
  readonly allowed: (value: string) => boolean
  readonly because: string
}

const exactly =
  (...values: string[]) =>
  (value: string): boolean =>
    values.includes(value.toLowerCase())
const never = (): boolean => false

const ACKS: Rule = {
  allowed: exactly('all', '-1'),
  because: 'an acknowledged record must be on all in-sync replicas, so acks is always all'
}
const TIMEOUT: Rule = {
  allowed: exactly('0'),
  because: 'delivery never times out; a record that cannot be delivered waits'
}
const IN_FLIGHT: Rule = {
  allowed: (value) => Number(value) >= 1 && Number(value) <= 5,
  because: 'an idempotent producer keeps its order with 1 to 5 requests in flight'
}
const RETRIES: Rule = {
  allowed: (value) => Number(value) >= RETRIES_MAX,
  because: 'a retriable error is retried for ever'
}
const BROKERS: Rule = { allowed: never, because: 'set kafka.brokers instead' }
const INTERNAL: Rule = { allowed: never, because: 'Sluice sets it itself' }

const RULES: Readonly<Record<string, Rule>> = {
  acks: ACKS,
  'request.required.acks': ACKS,
  'enable.idempotence': {
    allowed: exactly('true'),
    because: 'without idempotence a retry doubles and reorders records'
  },
  'message.timeout.ms': TIMEOUT,
  'delivery.timeout.ms': TIMEOUT,
  'max.in.flight': IN_FLIGHT,
  'max.in.flight.requests.per.connection': IN_FLIGHT,
  retries: RETRIES,
  'message.send.max.retries': RETRIES,
  'allow.auto.create.topics': {
    allowed: exactly('false'),
    because: 'topics are created with the configured partitions, replication and retention'
  },
  'topic.metadata.propagation.max.ms': {
    allowed: (value) => Number(value) >= PROPAGATION_MS_MIN,
    because: 'records wait at least 60000 ms for their topic to be created'
  },
  partitioner: {
    allowed: exactly('murmur2_random'),
    because: 'the partition is the Java client’s murmur2 of the symbol'
  },
  'queuing.strategy': { allowed: exactly('fifo'), because: 'order is kept' },
  'delivery.report.only.error': {
    allowed: exactly('false'),
    because: 'every record is accounted for'
  },
  'transactional.id': { allowed: never, because: 'there are no transactions' },
  'bootstrap.servers': BROKERS,
  'metadata.broker.list': BROKERS,
  'test.mock.num.brokers': { allowed: never, because: 'set kafka.brokers to embedded instead' },
  'log.queue': INTERNAL,
  enabled_events: INTERNAL,
  'plugin.library.paths': { allowed: never, because: 'no foreign code is loaded' }
}

/** @throws SLUICE_SINK_CONFIG naming every contradicting property and why */
export function producerProperties(settings: KafkaSettings): Properties {
  const complaints: string[] = []
  for (const [key, value] of Object.entries(settings.librdkafka)) {
    const rule = Object.hasOwn(RULES, key) ? RULES[key] : undefined
    if (rule !== undefined && !rule.allowed(value)) {
      // The value is not repeated: it may stand in the wrong place and be a secret.
      complaints.push(`kafka.librdkafka ${key}: ${rule.because}`)
    } else if (/_cb$|^opaque$/.test(key)) {
      complaints.push(`kafka.librdkafka ${key}: it cannot be set from a configuration`)
    }
  }
  if (complaints.length > 0) {
    throw new SluiceError('SLUICE_SINK_CONFIG', `configuring Kafka: ${complaints.join('; ')}`)
  }
  return {
    'bootstrap.servers': settings.brokers,
    'client.id': settings.clientId,
    'enable.idempotence': 'true',
    acks: 'all',
    retries: String(RETRIES_MAX),
    'message.timeout.ms': '0',
    partitioner: 'murmur2_random',
    'compression.codec': settings.compression,
    'linger.ms': String(settings.lingerMs),
    'batch.size': String(settings.batchBytes),
    'batch.num.messages': String(settings.batchMessages),
    'message.max.bytes': String(settings.messageBytesMax),
    'queue.buffering.max.kbytes': String(settings.queueKbytes),
    'queue.buffering.max.messages': String(settings.queueMessages),
    'reconnect.backoff.max.ms': '500',
    // A broker that comes back shows its partitions without leaders, or not at all, for a while.
    // librdkafka asks again at doubling intervals, up to this one; its default of five minutes would
    // leave a topic's records waiting about as long as the outage had lasted, or longer.
    'topic.metadata.refresh.interval.ms': '2000',
    'metadata.max.age.ms': '900000',
    'topic.metadata.propagation.max.ms': String(PROPAGATION_MS_MIN),
    'allow.auto.create.topics': 'false',
    'statistics.interval.ms': '5000',
    'log.connection.close': 'false',
    ...settings.librdkafka
  }
}

const CONNECTION =
  /^(bootstrap\.servers|client\.id|client\.rack|security\.|sasl\.|ssl\.|enable\.ssl|socket\.|broker\.|api\.version|reconnect\.|connections\.|https\.|debug$|log_level$)/

/** The part of the properties that an admin client needs to reach the same cluster. */
export function connectionProperties(properties: Readonly<Properties>): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => CONNECTION.test(key)))
}
