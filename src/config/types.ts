/**
 * The effective configuration: one frozen object. Only `service.ts`, the commands and the workers see
 * this type; every other folder takes the plain values it needs.
 */
import type { DataSubscription } from '../model/subscription.ts'

export interface AdapterTimeouts {
  readonly connectMs: number
  readonly handshakeMs: number
  readonly idleMs: number
  readonly requestMs: number
  readonly acknowledgeMs: number
}

export interface AdapterReconnect {
  readonly baseMs: number
  readonly maxMs: number
}

export interface AdapterConfig {
  /** Built-in name, path or package name. */
  readonly module: string
  readonly enabled: boolean
  readonly wsUrl: string
  readonly restUrl: string
  readonly apiKey: string
  readonly secretKey: string
  readonly live: 'stream' | 'poll'
  readonly deflate: boolean
  readonly streamsPerConnection: number
  readonly connectsPer5Minutes: number
  readonly controlMessagesPerSecond: number
  readonly subscribeBytesMax: number
  readonly timeouts: AdapterTimeouts
  readonly reconnect: AdapterReconnect
}

export interface WorkersConfig {
  readonly parsers: number
  readonly ringBytes: number
  readonly parser: 'native' | 'twin'
  readonly frameBytesMax: number
}

export interface KafkaConfig {
  /** `host:port,…`, `embedded`, `off`, or empty: nobody said. */
  readonly brokers: string
  readonly topic: string
  readonly topicPartitions: number
  readonly topicReplication: number
  readonly retentionMs: number
  readonly headers: 'exceptional' | 'all' | 'none'
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly lingerMs: number
  readonly batchBytes: number
  readonly batchMessages: number
  readonly queueKbytes: number
  readonly queueMessages: number
  readonly messageBytesMax: number
  readonly partitionStrategy: 'key' | 'explicit'
  /** With partitionStrategy explicit. */
  readonly partition: number
  readonly clientId: string
  /** Passed to librdkafka as it is. */
  readonly librdkafka: Readonly<Record<string, string>>
}

export interface SinkRouting {
  /** Empty = all that the sink can hold. */
  readonly types: readonly string[]
  readonly symbols: readonly string[]
  readonly sources: readonly string[]
}

export interface HttpConfig {
  readonly host: string
  readonly port: number
  readonly hosts: readonly string[]
  readonly origins: readonly string[]
  readonly bodyBytesMax: number
  readonly connectionsMax: number
}

export interface IngestConfig {
  readonly token: string
  readonly creditFrames: number
  readonly frameBytesMax: number
  readonly backlogBytesMax: number
  readonly connectionsMax: number
}

export interface SluiceConfig {
  readonly symbols: readonly string[]
  readonly channels: readonly string[]
  /** What is subscribed: the list itself, or what the shorthand `symbols` × `channels` stands for. */
  readonly subscriptions: readonly DataSubscription[]
  readonly adapters: Readonly<Record<string, AdapterConfig>>
  readonly workers: WorkersConfig
  readonly kafka: KafkaConfig
  readonly spool: { readonly dir: string; readonly mode: 'always' | 'overflow' | 'off' }
  readonly marketstore: { readonly url: string }
  readonly files: { readonly dir: string }
  readonly sinks: {
    readonly kafka: SinkRouting
    readonly marketstore: SinkRouting
    readonly files: SinkRouting
  }
  readonly http: HttpConfig
  readonly admin: { readonly token: string }
  readonly ingest: IngestConfig
  readonly drainSeconds: number
  readonly log: {
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
    readonly pretty: boolean
  }
  readonly metrics: { readonly perSymbol: boolean }
}
