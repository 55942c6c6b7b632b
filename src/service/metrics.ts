/** Where the service's metrics come from: getters over its parts, read at scrape. Main thread. */
import type { HttpStats } from '../http/server.ts'
import { loadProducerAddon } from '../sinks/kafka/producer-addon.ts'
import type { AdapterReading, RingReading, SymbolReading } from '../telemetry/metric-sources.ts'
import { MetricsRegistry } from '../telemetry/metrics.ts'
import type { Parts, ServiceView } from './parts.ts'
import type { StatusReader } from './status-reader.ts'
import { VERSION } from './version.ts'

export interface MetricsOptions {
  readonly service: ServiceView
  readonly parts: Parts
  readonly status: StatusReader
  /** Null before the server exists. */
  readonly httpStats: () => HttpStats | null
}

export function createMetrics(options: MetricsOptions): MetricsRegistry {
  const { service, parts, status, httpStats } = options
  const { pipeline, ingest } = parts
  return new MetricsRegistry({
    version: VERSION,
    librdkafkaVersion: loadProducerAddon().librdkafkaVersion,
    exchanges: [...parts.runners.values()].map((runner) => runner.exchange),
    parserCounters: pipeline.parserCounters,
    kafkaCounters: pipeline.kafkaCounters,
    frames: () => pipeline.reader.frames(status.mainCounts()),
    records: () => pipeline.reader.records(status.mainCounts()),
    rings: () => ringReadings(parts),
    workers: () => pipeline.workers(),
    adapters: () => adapterReadings(parts),
    ingest: () => ingest.stats(),
    kafka: () => pipeline.sink.snapshot(),
    http: httpStats,
    ready: () => status.notReady().length === 0,
    symbols: service.config.metrics.perSymbol ? () => symbolReadings(service, parts) : null
  })
}

function ringReadings({ pipeline }: Parts): RingReading[] {
  const read = (ring: 'frame' | 'record'): RingReading[] =>
    (ring === 'frame' ? pipeline.frameRings : pipeline.recordRings).map((one) => ({
      ring,
      shard: one.shard,
      usedBytes: one.usedBytes(),
      capacityBytes: one.capacity
    }))
  return [...read('frame'), ...read('record')]
}

function adapterReadings({ runners }: Parts): AdapterReading[] {
  return [...runners.values()].map((runner) => {
    const { counters, exchange } = runner
    const { streams, connectionsByState } = runner.status()
    const pauses = runner.pauses()
    return {
      exchange,
      framesReceived: counters.framesReceived,
      bytesReceived: counters.bytesReceived,
      framesControl: counters.framesControl,
      framesDuplicate: counters.framesDuplicate,
      framesShed: runner.shedByReason(),
      connections: connectionsByState,
      connects: counters.connects,
      reconnects: counters.reconnects,
      gaps: counters.gapsByChannel,
      streams,
      pauses: pauses.count,
      pausedSeconds: pauses.totalMs / 1000
    }
  })
}

/** Rows of configured symbols only: what arrives in all-market streams names no series. */
function symbolReadings({ config }: ServiceView, { pipeline }: Parts): SymbolReading[] {
  const configured = new Set(config.subscriptions.flatMap((each) => each.symbols))
  return pipeline.streams
    .list()
    .filter(({ definition }) => configured.has(definition.symbol))
    .map(({ definition, records }) => ({
      exchange: definition.exchange,
      channel: definition.stream?.split('@').slice(1).join('@') || definition.type,
      symbol: definition.symbol,
      records
    }))
}
