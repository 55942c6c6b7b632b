/** What follows from several values together: dependent defaults, contradictions, what is not built yet. */
import { MIB } from './schema.ts'
import type { Setting, Vocabulary } from './settings.ts'
import { parseSubscriptions, shorthand } from './subscriptions.ts'
import type { SluiceConfig } from './types.ts'

const RINGS_PER_PARSER = 2
const ALL_RINGS_BYTES_MAX = 128 * MIB
const PARTITIONS_WITHOUT_SYMBOL = 12

interface Context {
  readonly settings: ReadonlyMap<string, Setting>
  readonly vocabulary: Vocabulary
  readonly problems: string[]
}

export function derive(values: SluiceConfig, context: Context): SluiceConfig {
  const { settings } = context
  const topicPartitions =
    settings.has('kafka.topicPartitions') || values.kafka.topic.includes('{symbol}')
      ? values.kafka.topicPartitions
      : PARTITIONS_WITHOUT_SYMBOL
  const ringBytes = settings.has('workers.ringBytes')
    ? values.workers.ringBytes
    : cappedRingBytes(values.workers.ringBytes, values.workers.parsers)
  const config = {
    ...values,
    workers: { ...values.workers, ringBytes },
    kafka: { ...values.kafka, topicPartitions, brokers: trimmedBrokers(values.kafka.brokers) },
    subscriptions: subscriptionsOf(values, context)
  }
  check(config, context)
  return config
}

/** Halves the default ring until all of them together stay within the cap. */
export function cappedRingBytes(ringBytes: number, parsers: number): number {
  let bytes = ringBytes
  while (bytes * parsers * RINGS_PER_PARSER > ALL_RINGS_BYTES_MAX) bytes /= 2
  return bytes
}

function trimmedBrokers(brokers: string): string {
  return brokers
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '')
    .join(',')
}

/** The source of higher precedence decides; within one source only one form may stand. */
function subscriptionsOf(values: SluiceConfig, context: Context) {
  const { settings, problems, vocabulary } = context
  const listed = settings.get('subscriptions')
  const short = [settings.get('symbols'), settings.get('channels')]
  const shortRank = Math.max(...short.map((setting) => setting?.rank ?? -1))
  if (listed === undefined || shortRank > listed.rank) {
    return shorthand(values.symbols, values.channels)
  }
  if (shortRank === listed.rank) {
    problems.push(
      `${listed.origin}: subscriptions stands beside symbols or channels; give one of them`
    )
  }
  const { origin } = listed
  // What the source said, not convict's copy: that one has lost a `__proto__` that must be refused.
  return parseSubscriptions(listed.value as readonly unknown[], {
    origin,
    adapters: vocabulary.adapters,
    problems
  })
}

/** What of one value this version has not built yet; null when it may stand. */
export function unavailable(path: string, value: unknown): string | null {
  if (path === 'spool.mode' && value !== 'off') {
    return `${String(value)} is not available in this version, only off is`
  }
  if (path.startsWith('sinks.') && Array.isArray(value) && value.length > 0) {
    return 'is not available in this version; leave it empty'
  }
  return null
}

function check(config: SluiceConfig, { settings, problems }: Context): void {
  const complain = (path: string, what: string): void => {
    const origin = settings.get(path)?.origin
    problems.push(origin === undefined ? `${path} ${what}` : `${origin}: ${path} ${what}`)
  }
  for (const [name, adapter] of Object.entries(config.adapters)) {
    if (adapter.module === '') complain(`adapters.${name}.module`, 'must be set')
    if (!adapter.enabled) continue
    if (adapter.module !== '' && adapter.wsUrl === '' && adapter.live === 'stream') {
      complain(`adapters.${name}.wsUrl`, 'must be set')
    }
    if (adapter.live === 'poll') {
      complain(`adapters.${name}.live`, 'poll is not available in this version, only stream is')
    }
    if (adapter.reconnect.baseMs > adapter.reconnect.maxMs) {
      complain(`adapters.${name}.reconnect.baseMs`, 'must not exceed reconnect.maxMs')
    }
  }
  if (config.kafka.partitionStrategy === 'explicit') {
    if (config.kafka.partition >= config.kafka.topicPartitions) {
      complain('kafka.partition', `must be below topicPartitions, ${config.kafka.topicPartitions}`)
    }
  }
  if (config.workers.frameBytesMax > config.workers.ringBytes / 4) {
    // A frame must fit a quarter of its ring; an explicit contradiction is said, a default gives way.
    if (settings.has('workers.frameBytesMax')) {
      complain('workers.frameBytesMax', 'must not exceed a quarter of workers.ringBytes')
    }
  }
  if (config.ingest.backlogBytesMax < config.ingest.frameBytesMax) {
    complain('ingest.backlogBytesMax', 'must not be below ingest.frameBytesMax')
  }
}

/** What is accepted but does nothing in this version; for the log at start. */
export function noticesOf(config: SluiceConfig): string[] {
  const notices: string[] = []
  if (config.marketstore.url !== '') notices.push('marketstore.url has no effect in this version')
  if (config.files.dir !== '') notices.push('files.dir has no effect in this version')
  for (const [name, { apiKey, secretKey }] of Object.entries(config.adapters)) {
    const without = 'has no effect: public market data needs no key'
    if (apiKey !== '') notices.push(`adapters.${name}.apiKey ${without}`)
    if (secretKey !== '') notices.push(`adapters.${name}.secretKey ${without}`)
  }
  return notices
}
