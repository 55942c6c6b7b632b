/**
 * Typed face of the native producer addon (native/src/producer.cc). Producers are process-global
 * and named by a handle: the main thread creates, watches and closes one, the Kafka worker feeds
 * it.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { asError, SluiceError } from '../../core/errors.ts'
import { RING_LAYOUT_VERSION } from '../../ring/layout.ts'

/** Bits beside the count in what `produce` returns. */
export const PRODUCE_DEFINITION = 1 << 24
export const PRODUCE_FULL = 1 << 25
export const PRODUCE_NOT_OWNER = 1 << 26
export const PRODUCE_CORRUPT = 1 << 27
export const PRODUCE_COUNT_MASK = PRODUCE_DEFINITION - 1

export interface PendingDefinition {
  readonly streamIndex: number
  /** A StreamDefinition as JSON. */
  readonly json: string
}

/** One reading of a producer; cheap enough for once a second. */
export interface ProducerSnapshot {
  /**
   * The shared counters, read in the same moment as what is in flight:
   * taken = delivered + rejected + lost + inFlight at any time, and so for dead letters.
   */
  readonly recordsTaken: number
  readonly recordsDelivered: number
  /** Refused by Kafka and acknowledged on the dead-letter topic. */
  readonly recordsRejected: number
  readonly recordsLost: number
  readonly deadLettersTaken: number
  readonly deadLettersDelivered: number
  readonly deadLettersLost: number
  /**
   * Records taken from the rings and not yet delivered, dead-lettered or lost. A count of its own.
   */
  readonly inFlight: number
  readonly deadLettersInFlight: number
  /** Of these, those whose entry still lies in its ring, because its batch is not complete. */
  readonly handedInRing: number
  readonly deadLettersHandedInRing: number
  /** Of those in flight: waiting in the addon to be handed (again) to librdkafka. */
  readonly pending: number
  readonly pendingBytes: number
  /** In librdkafka's hands: queued or sent. */
  readonly queueMessages: number
  readonly queueBytes: number
  /** librdkafka clients made so far: more than one means fatal errors were survived. */
  readonly clients: number
  /** Failed reports of records that a broker may have written all the same. */
  readonly possibleDuplicates: number
  /** Must stay 0: reports for a sequence that was settled before. */
  readonly unknownReports: number
  /** Must stay 0: sequences that did not follow their predecessor. */
  readonly sequenceBreaks: number
  /** The client is being replaced after a fatal error. */
  readonly fatal: boolean
  readonly allBrokersDown: boolean
  readonly lastError: string | null
  /** Topics that Kafka does not know and for which records wait. */
  readonly missingTopics: readonly string[]
  /** By ring: every sequence below is settled. */
  readonly settledThrough: readonly number[]
}

export interface ProducerEvent {
  /** As syslog has it: 0 emergency … 7 debug. */
  readonly level: number
  readonly kind: 'log' | 'error' | 'fatal' | 'requeued' | 'rejected' | 'lost'
  readonly code: string
  readonly message: string
}

export interface ProducerAddon {
  readonly librdkafkaVersion: string
  readonly layoutVersion: number
  createProducer(
    properties: readonly string[],
    counters: Float64Array,
    headers: number,
    deadLetterTopics: readonly string[],
    pendingBytesMax: number,
    messageBytesMax: number
  ): number
  attach(handle: number, rings: readonly Uint8Array[], epoch: number): void
  /** Entries taken, and PRODUCE_* bits. */
  produce(handle: number, ring: number, entriesMax: number): number
  pendingDefinition(handle: number, ring: number): PendingDefinition | null
  /** Defines the stream of the pending definition and frees that entry. */
  defineStream(
    handle: number,
    ring: number,
    streamIndex: number,
    topic: string,
    partition: number,
    deadLetterTopic: string
  ): boolean
  topicReady(handle: number, topic: string): void
  topicFailed(handle: number, topic: string): void
  snapshot(handle: number): ProducerSnapshot
  /** [records, dead letters] in flight, counted by walking every slot. */
  audit(handle: number): readonly [number, number]
  takeEvents(handle: number): readonly ProducerEvent[]
  /** librdkafka's last statistics, as JSON; empty before the first. */
  statistics(handle: number): string
  /** Returns the entries that were still in flight. */
  close(handle: number): number
  injectFatal(handle: number, error: number): void
  startMockCluster(brokers: number): { readonly id: number; readonly bootstrap: string }
  stopMockCluster(id: number): boolean
  /** '' or the error's name. */
  mockCreateTopic(id: number, topic: string, partitions: number, replication: number): string
  mockPushErrors(id: number, apiKey: number, errors: readonly number[]): boolean
  mockTopicError(id: number, topic: string, error: number): boolean
  mockSetBroker(id: number, broker: number, up: boolean): boolean
  mockSetRtt(id: number, broker: number, rttMs: number): boolean
}

/** From dist/src/sinks/kafka/ to the project's root. */
const ADDON_PATH = fileURLToPath(
  new URL('../../../../native/build/Release/producer.node', import.meta.url)
)
let loaded: ProducerAddon | null = null

/** @throws SLUICE_NATIVE_MISSING, SLUICE_NATIVE_MISMATCH */
export function loadProducerAddon(path: string = ADDON_PATH): ProducerAddon {
  if (loaded !== null) return loaded
  const remedy = 'run `npm run build:native`'
  if (!existsSync(path)) {
    throw new SluiceError(
      'SLUICE_NATIVE_MISSING',
      `loading producer addon: it is not built; ${remedy}`,
      { path }
    )
  }
  let addon: ProducerAddon
  try {
    addon = createRequire(import.meta.url)(path) as ProducerAddon
  } catch (thrown) {
    const error = asError(thrown)
    throw new SluiceError('SLUICE_NATIVE_MISMATCH', `${error.message}; ${remedy}`, { path }, error)
  }
  if (addon.layoutVersion !== RING_LAYOUT_VERSION) {
    throw new SluiceError(
      'SLUICE_NATIVE_MISMATCH',
      `loading producer addon: built for another ring layout; ${remedy}`,
      { expected: RING_LAYOUT_VERSION, found: addon.layoutVersion }
    )
  }
  loaded = addon
  return addon
}
