/**
 * What the HTTP side needs from the service, and nothing else. The composition root implements it; all
 * calls come on the main thread. A method that fails throws a SluiceError, whose code decides the status.
 */
import type { LogLevel } from '../core/logger.ts'
import type { AdapterSummary, ServiceStatus } from '../model/status.ts'
import type { DataSubscription } from '../model/subscription.ts'

export interface Probe {
  readonly ok: boolean
  /** Why not, or what an operator should know although it is. */
  readonly reasons: readonly string[]
}

export interface HealthReport {
  readonly live: Probe
  readonly ready: Probe
  /** By component: what state it is in, and why. */
  readonly components: Readonly<Record<string, Probe>>
}

/** One ingest client, from upgrade to close. */
export interface IngestSession {
  /**
   * Takes one frame, which is copied before this returns. False = the client sent more frames than it
   * had credit for; nothing was kept.
   */
  accept(frame: Uint8Array, binary: boolean): boolean
  close(): void
}

export interface IngestRequest {
  readonly exchange: string
  /** Stream of raw-form frames; null = frames are in combined form. */
  readonly streamName: string | null
  /** Called, also later, with the number of further frames the client may send. */
  readonly grant: (frames: number) => void
}

export type IngestAdmission = 'admitted' | 'unknown-exchange' | 'not-accepting'

/** Ends workers at whatever instruction they are; false = none is running. */
export interface FaultControl {
  killParser(shard: number): boolean
  killKafka(): boolean
}

export interface ServiceControl {
  livez(): Probe
  readyz(): Probe
  health(): HealthReport
  status(): ServiceStatus
  /** The Prometheus text. */
  metricsText(): Promise<string>
  metricsJson(): Promise<unknown>

  adapters(): readonly AdapterSummary[]
  /** The three throw SLUICE_EXCHANGE_UNKNOWN for a name nobody has (status 404). */
  startAdapter(name: string): Promise<AdapterSummary>
  stopAdapter(name: string): Promise<AdapterSummary>
  restartAdapter(name: string): Promise<AdapterSummary>

  subscriptions(): readonly DataSubscription[]
  /** Both are idempotent; SLUICE_EXCHANGE_SUBSCRIPTION lists everything unknown (status 400). */
  subscribe(list: readonly DataSubscription[]): Promise<void>
  unsubscribe(list: readonly DataSubscription[]): Promise<void>

  /** The effective configuration with secrets masked. */
  config(): unknown
  logLevel(): LogLevel
  setLogLevel(level: LogLevel): void
  /** Begins the graceful shutdown; answers at once. */
  drain(): void

  /** Asked before the upgrade. */
  admitIngest(exchange: string): IngestAdmission
  /** Called only after `admitIngest` said so in the same turn. */
  openIngest(request: IngestRequest): IngestSession

  /** Null unless the service was started for fault tests. */
  readonly faults: FaultControl | null
}
