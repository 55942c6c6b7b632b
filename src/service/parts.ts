/** What a running service consists of, for the files of this folder that look at it from one side. */
import type { SluiceConfig } from '../config/types.ts'
import type { Clock } from '../core/clock.ts'
import type { ExchangeRunner } from '../pipeline/exchange-runner.ts'
import type { IngestHub } from '../pipeline/ingest.ts'
import type { ServiceLogger } from '../telemetry/logger.ts'
import type { Pipeline } from './pipeline.ts'

export type ServiceState = 'starting' | 'running' | 'draining' | 'stopped'

/** Everything `Service.start` built. */
export interface Parts {
  readonly pipeline: Pipeline
  /** By adapter name. */
  readonly runners: ReadonlyMap<string, ExchangeRunner>
  readonly ingest: IngestHub
}

/** The service itself, as its own parts may see and steer it. */
export interface ServiceView {
  readonly config: SluiceConfig
  readonly logger: ServiceLogger
  readonly clock: Clock
  readonly startedMs: number
  readonly state: ServiceState
  /** Begins the graceful end, once. */
  drain(cause: string): void
}
