/**
 * `/metrics`: shared counters and status getters, read at scrape into prom-client. Nothing on the data
 * path knows of it. Main thread.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { collectDefaultMetrics, type Metric as PromMetric, Registry } from 'prom-client'
import { KAFKA_BUSY_US, KAFKA_IDLE_US, PARSER_BUSY_US, PARSER_IDLE_US } from '../ring/counters.ts'
import { EDGE_METRICS } from './edge-metrics.ts'
import { FLOW_METRICS } from './flow-metrics.ts'
import { type Metric, word } from './metric.ts'
import type { MetricSources, Reading, SymbolReading } from './metric-sources.ts'

/** Every metric of ours, in the order of the documentation. */
export const METRICS: readonly Metric[] = [...FLOW_METRICS, ...EDGE_METRICS]

const LAG_RESOLUTION_MS = 10
const NS_PER_SECOND = 1e9
/** A busy share over less than this says nothing; the one before is kept. */
const BUSY_WINDOW_US_MIN = 100_000
/** Rows beyond this are one row `other`: the series of a scrape stay bounded. */
const SYMBOL_ROWS_MAX = 15_000

interface BusyTimes {
  readonly busyUs: number
  readonly idleUs: number
  readonly share: number
}

export class MetricsRegistry {
  private readonly sources: MetricSources
  private readonly registry = new Registry()
  private readonly loopDelay: IntervalHistogram
  private readonly busyTimes = new Map<string, BusyTimes>()
  private reading: Reading | null = null
  /** Scrapes follow one another: each shows one reading. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(sources: MetricSources) {
    this.sources = sources
    this.loopDelay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
    this.loopDelay.enable()
    collectDefaultMetrics({ register: this.registry })
    for (const metric of METRICS) this.registry.registerMetric(this.promMetric(metric))
  }

  /** The Prometheus text format. */
  text(): Promise<string> {
    return this.scrape(() => this.registry.metrics())
  }

  json(): Promise<unknown> {
    return this.scrape(() => this.registry.getMetricsAsJSON())
  }

  close(): void {
    this.loopDelay.disable()
    this.registry.clear()
  }

  private scrape<T>(render: () => Promise<T>): Promise<T> {
    const scraped = this.last.then(() => {
      this.reading = this.read()
      return render()
    })
    this.last = scraped.catch(() => undefined)
    return scraped
  }

  /** What prom-client needs of a metric is to be asked for its values. */
  private promMetric(metric: Metric): PromMetric {
    const { name, help, type } = metric
    const get = async () => ({
      name,
      help,
      type,
      aggregator: 'sum',
      values: this.reading === null ? [] : metric.read(this.reading)
    })
    return { name, help, type, get, reset: () => undefined } as unknown as PromMetric
  }

  private read(): Reading {
    const { sources } = this
    return {
      sources,
      frames: sources.frames(),
      records: sources.records(),
      rings: sources.rings(),
      workers: sources.workers(),
      adapters: sources.adapters(),
      ingest: sources.ingest(),
      kafka: sources.kafka(),
      http: sources.http(),
      symbols: boundedSymbols(sources.symbols?.() ?? []),
      busy: this.busyShares(),
      lag: this.lag()
    }
  }

  private lag(): Reading['lag'] {
    const delay = this.loopDelay
    const seconds = (ns: number): number => {
      // The histogram counts the timer's own interval too; without samples it answers NaN.
      const beyond = ns / NS_PER_SECOND - LAG_RESOLUTION_MS / 1000
      return Number.isFinite(beyond) ? Math.max(0, beyond) : 0
    }
    const lag = {
      p50: seconds(delay.percentile(50)),
      p99: seconds(delay.percentile(99)),
      max: seconds(delay.max)
    }
    delay.reset()
    return lag
  }

  private busyShares(): Map<string, number> {
    const shares = new Map<string, number>()
    this.sources.parserCounters.forEach((block, shard) => {
      const name = `parser-${shard}`
      shares.set(
        name,
        this.busyShare(name, word(block, PARSER_BUSY_US), word(block, PARSER_IDLE_US))
      )
    })
    const { kafkaCounters } = this.sources
    const busyUs = word(kafkaCounters, KAFKA_BUSY_US)
    shares.set('kafka', this.busyShare('kafka', busyUs, word(kafkaCounters, KAFKA_IDLE_US)))
    return shares
  }

  private busyShare(name: string, busyUs: number, idleUs: number): number {
    const past = this.busyTimes.get(name) ?? { busyUs: 0, idleUs: 0, share: 0 }
    const busy = busyUs - past.busyUs
    const total = busy + idleUs - past.idleUs
    if (total < BUSY_WINDOW_US_MIN) return past.share
    const share = busy / total
    this.busyTimes.set(name, { busyUs, idleUs, share })
    return share
  }
}

function boundedSymbols(rows: readonly SymbolReading[]): readonly SymbolReading[] {
  if (rows.length <= SYMBOL_ROWS_MAX) return rows
  const records = rows.slice(SYMBOL_ROWS_MAX).reduce((sum, row) => sum + row.records, 0)
  const other = { exchange: 'other', channel: 'other', symbol: 'other', records }
  return [...rows.slice(0, SYMBOL_ROWS_MAX), other]
}
