/** Where the figures of `/metrics` come from. Plain numbers and getters; called once per scrape. */
import type { FrameAccounting, RecordAccounting } from '../model/status.ts'

/** One adapter's sockets, as its runner counts them. */
export interface AdapterReading {
  readonly exchange: string
  readonly framesReceived: number
  readonly bytesReceived: number
  /** Control frames dealt with on the main thread. */
  readonly framesControl: number
  /** Frames that a replaced connection had already brought. */
  readonly framesDuplicate: number
  /** By reason; all 0 unless a policy sheds. */
  readonly framesShed: Readonly<Record<string, number>>
  readonly connections: Readonly<Record<string, number>>
  readonly connects: Readonly<Record<string, number>>
  readonly reconnects: Readonly<Record<string, number>>
  /** Gaps noticed so far, by channel; in this version none is healed. */
  readonly gaps: Iterable<readonly [channel: string, count: number]>
  readonly streams: number
  readonly pauses: number
  readonly pausedSeconds: number
}

export interface IngestReading {
  readonly sessions: number
  readonly sessionsOpened: number
  readonly overruns: number
  readonly creditOutstanding: number
  readonly backlogFrames: number
  readonly backlogBytes: number
  readonly received: readonly {
    readonly exchange: string
    readonly frames: number
    readonly bytes: number
  }[]
}

export interface KafkaReading {
  /** In librdkafka's hands. */
  readonly queueMessages: number
  readonly queueBytes: number
  /** Waiting to be handed (again) to librdkafka. */
  readonly pending: number
  readonly pendingBytes: number
  readonly possibleDuplicates: number
  /** librdkafka clients made so far. */
  readonly clients: number
}

export interface RingReading {
  readonly ring: 'frame' | 'record'
  readonly shard: number
  readonly usedBytes: number
  readonly capacityBytes: number
}

export interface WorkerReading {
  readonly name: string
  readonly state: string
  readonly restarts: number
}

export interface HttpReading {
  readonly connections: number
  readonly connectionsRefused: number
  readonly replies: Readonly<Record<string, number>>
  readonly ingestRefused: Readonly<Record<string, number>>
}

export interface SymbolReading {
  readonly exchange: string
  readonly channel: string
  readonly symbol: string
  readonly records: number
}

export interface MetricSources {
  readonly version: string
  readonly librdkafkaVersion: string
  /** Names by the index that ring entries carry. */
  readonly exchanges: readonly string[]
  /** PARSER_* words, one block per shard. */
  readonly parserCounters: readonly Float64Array[]
  /** KAFKA_* words. */
  readonly kafkaCounters: Float64Array
  readonly frames: () => FrameAccounting
  readonly records: () => RecordAccounting
  readonly rings: () => readonly RingReading[]
  /** Parsers in shard order, then kafka. */
  readonly workers: () => readonly WorkerReading[]
  readonly adapters: () => readonly AdapterReading[]
  readonly ingest: () => IngestReading
  readonly kafka: () => KafkaReading
  /** Null before the server exists. */
  readonly http: () => HttpReading | null
  readonly ready: () => boolean
  /** Rows of configured symbols; null unless `metrics.perSymbol`. */
  readonly symbols: (() => readonly SymbolReading[]) | null
}

/** Everything a scrape shows, read in one go, so that its figures belong together. */
export interface Reading {
  readonly sources: MetricSources
  readonly frames: FrameAccounting
  readonly records: RecordAccounting
  readonly rings: readonly RingReading[]
  readonly workers: readonly WorkerReading[]
  readonly adapters: readonly AdapterReading[]
  readonly ingest: IngestReading
  readonly kafka: KafkaReading
  readonly http: HttpReading | null
  readonly symbols: readonly SymbolReading[]
  /** Busy share of each worker since the last scrape, by name. */
  readonly busy: ReadonlyMap<string, number>
  /** Event-loop delay since the last scrape, seconds. */
  readonly lag: { readonly p50: number; readonly p99: number; readonly max: number }
}
