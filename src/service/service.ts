/**
 * The composition root of `sluice run`: configuration in, a running service out. Builds every part, wires
 * them, and owns the order of start and end. Main thread.
 */
import { randomInt } from 'node:crypto'
import type { ExchangeAdapter, StreamSpec } from '../adapters/adapter.ts'
import { loadAdapter } from '../adapters/registry.ts'
import { testHooksEnabled } from '../config/test-hooks.ts'
import type { AdapterConfig, SluiceConfig } from '../config/types.ts'
import type { Clock } from '../core/clock.ts'
import type { SluiceError } from '../core/errors.ts'
import { createPrng } from '../core/prng.ts'
import { HttpServer, type HttpStats } from '../http/server.ts'
import type { ServiceStatus } from '../model/status.ts'
import { ExchangeRunner } from '../pipeline/exchange-runner.ts'
import { IngestHub } from '../pipeline/ingest.ts'
import { topicName } from '../sinks/kafka/topic-name.ts'
import type { ServiceLogger } from '../telemetry/logger.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import { nextConnectionNumber } from '../transport/connection-number.ts'
import { createControl } from './control.ts'
import { createMetrics } from './metrics.ts'
import type { Parts, ServiceState, ServiceView } from './parts.ts'
import { type DrainReport, Pipeline } from './pipeline.ts'
import { StatusReader } from './status-reader.ts'

export interface ServiceOptions {
  readonly config: SluiceConfig
  readonly logger: ServiceLogger
  readonly clock: Clock
}

export interface ServiceEnd {
  readonly cause: 'drained' | 'gave-up'
  /** Received, but neither delivered nor dead-lettered when the deadline passed. */
  readonly framesLeft: number
  readonly recordsLeft: number
  readonly deadLettersLeft: number
  /** The last reading, taken at rest; null when the service never came that far. */
  readonly status: ServiceStatus | null
}

const NOTHING_LEFT: DrainReport = { framesLeft: 0, recordsLeft: 0, deadLettersLeft: 0 }
const POLL_MS = 5
/** Time Kafka has to answer before intake begins without it, ms. */
const TOPICS_WAIT_MS = 10_000

export class Service implements ServiceView {
  /** Resolves when the service has ended; never rejects. */
  readonly ended: Promise<ServiceEnd>
  readonly config: SluiceConfig
  readonly logger: ServiceLogger
  readonly clock: Clock
  readonly startedMs: number
  /** Port of the HTTP server; 0 before it listens. */
  httpPort = 0
  state: ServiceState = 'starting'
  private parts: Parts | null = null
  private statusReader: StatusReader | null = null
  private metrics: MetricsRegistry | null = null
  private http: HttpServer | null = null
  private starting: Promise<void> = Promise.resolve()
  private draining: Promise<ServiceEnd> | null = null
  private end: (end: ServiceEnd) => void = () => undefined

  constructor(options: ServiceOptions) {
    this.config = options.config
    this.logger = options.logger
    this.clock = options.clock
    this.startedMs = options.clock.monotonicMs()
    this.ended = new Promise((resolve) => {
      this.end = resolve
    })
  }

  /**
   * Resolves when the service is up: workers attached, HTTP listening, adapters starting. Exchanges and
   * brokers that cannot be reached are retried for ever; `/readyz` says why.
   *
   * @throws SluiceError for everything that retrying does not mend: settings, addons, a taken port
   */
  start(): Promise<void> {
    this.starting = this.runStart()
    return this.starting
  }

  private async runStart(): Promise<void> {
    const parts = await this.build()
    this.parts = parts
    if (this.draining !== null) return
    await parts.pipeline.start()
    if (this.draining !== null) return
    await this.listen(parts)
    if (this.draining !== null) return
    this.state = 'running'
    for (const [name, runner] of parts.runners) {
      if (this.config.adapters[name]?.enabled !== true) continue
      // A refusal is the adapter's state and in the log; the service itself goes on.
      runner.start().catch(() => undefined)
    }
    this.logger.info('service started', {
      http: `${this.config.http.host}:${this.httpPort}`,
      kafka: parts.pipeline.sink.brokers,
      parsers: this.config.workers.parsers
    })
  }

  /** Begins the graceful end, once. */
  drain(cause: string): void {
    if (this.draining !== null) return
    this.logger.info('draining', { cause, seconds: this.config.drainSeconds })
    this.state = 'draining'
    this.draining = this.runDrain()
    void this.draining.then((end) => this.end(end))
  }

  /** Where the records go; the embedded cluster's own address when it is used. */
  brokers(): string {
    return this.parts?.pipeline.sink.brokers ?? ''
  }

  /** Null before the start. */
  status(): ServiceStatus | null {
    return this.statusReader?.read() ?? null
  }

  /** Ends everything at once; for a start that failed. */
  async abort(): Promise<void> {
    this.http?.close()
    this.metrics?.close()
    await this.closeRunners(0)
    this.parts?.ingest.destroy()
    await this.parts?.pipeline.destroy()
    this.state = 'stopped'
  }

  private async build(): Promise<Parts> {
    const { config, logger, clock } = this
    const names = Object.keys(config.adapters)
    const adapters = await Promise.all(
      names.map((name) =>
        loadAdapter({
          name,
          module: config.adapters[name]?.module ?? '',
          directory: process.cwd()
        })
      )
    )
    const pipeline = new Pipeline({
      config,
      clock,
      logger,
      exchanges: adapters.map(({ exchange, profile }) => ({ exchange, profile })),
      faultTests: testHooksEnabled(),
      onGiveUp: (error) => this.giveUp(error)
    })
    const prng = createPrng(randomInt(2 ** 32 - 1))
    const runners = new Map<string, ExchangeRunner>()
    for (const [exchangeIndex, adapter] of adapters.entries()) {
      const name = names[exchangeIndex] as string
      const runner = new ExchangeRunner({
        adapter,
        config: config.adapters[name] as AdapterConfig,
        frameSink: pipeline.intake,
        exchangeIndex,
        clock,
        prng: prng.fork(name),
        logger: logger.child({ adapter: name }),
        activity: (stream) => pipeline.streams.activity(adapter.exchange, stream),
        prepare: (streams) => this.createTopics(pipeline, adapter, streams)
      })
      runners.set(name, runner)
    }
    try {
      for (const [name, runner] of runners) {
        await runner.subscribe(config.subscriptions.filter((each) => each.adapter === name))
      }
    } catch (error) {
      await pipeline.destroy()
      throw error
    }
    const ingest = new IngestHub({
      sink: pipeline.intake,
      clock,
      exchanges: new Map(adapters.map(({ exchange }, index) => [exchange, index])),
      nextConnection: nextConnectionNumber,
      ...config.ingest
    })
    return { pipeline, runners, ingest }
  }

  /**
   * The records' topics exist before the first record, where Kafka answers. Where it does not, intake
   * begins all the same after a while: what arrives waits in memory for its topics, as in any outage.
   */
  private async createTopics(
    pipeline: Pipeline,
    adapter: ExchangeAdapter,
    streams: readonly StreamSpec[]
  ): Promise<void> {
    const topics = new Set<string>()
    for (const stream of streams) {
      const record = adapter.recordOf(stream)
      if (record === null) continue
      topics.add(topicName(this.config.kafka.topic, { ...record, exchange: adapter.exchange }))
    }
    let isReady = false
    const ready = pipeline.sink.ensureTopics(topics).then(() => {
      isReady = true
    })
    const waitedEnough = new Promise<void>((resolve) => {
      const timer = this.clock.setTimer(resolve, TOPICS_WAIT_MS)
      void ready.then(() => this.clock.clearTimer(timer)).then(resolve)
    })
    await Promise.race([ready, waitedEnough])
    if (!isReady) this.logger.warn('kafka topics are not ready; intake begins without them')
  }

  private async listen(parts: Parts): Promise<void> {
    const { config, clock, logger } = this
    const status = new StatusReader({ service: this, parts })
    this.statusReader = status
    const httpStats = (): HttpStats | null => this.http?.stats() ?? null
    const metrics = createMetrics({ service: this, parts, status, httpStats })
    this.metrics = metrics
    this.http = new HttpServer({
      ...config.http,
      adminToken: config.admin.token,
      ingestToken: config.ingest.token,
      ingest: config.ingest,
      control: createControl({ service: this, parts, status, metrics }),
      clock,
      logger
    })
    this.httpPort = await this.http.listen()
  }

  private giveUp(error: SluiceError): void {
    this.logger.error('giving up', { error: error.message, code: error.code })
    this.end({ cause: 'gave-up', ...NOTHING_LEFT, status: this.status() })
  }

  /** Ends every adapter; what its rings do not take within `graceMs` is shed and counted. */
  private async closeRunners(graceMs: number): Promise<void> {
    const runners = [...(this.parts?.runners.values() ?? [])]
    await Promise.all(runners.map((runner) => runner.close({ graceMs })))
  }

  private async runDrain(): Promise<ServiceEnd> {
    // A start under way stops at its next step; what it built so far is taken down here.
    await this.starting.catch(() => undefined)
    const { parts } = this
    if (parts === null) return { cause: 'drained', ...NOTHING_LEFT, status: null }
    try {
      const left = await this.drainParts(parts)
      const fields = { ...left, seconds: this.config.drainSeconds }
      if (left.framesLeft + left.recordsLeft + left.deadLettersLeft > 0) {
        this.logger.error('drained to the deadline: something is left and lost', fields)
      } else {
        this.logger.info('drained: everything received was delivered', fields)
      }
      return { cause: 'drained', ...left, status: this.status() }
    } finally {
      this.http?.close()
      this.metrics?.close()
      await parts.pipeline.destroy()
      this.state = 'stopped'
    }
  }

  /** Intake first, then stage by stage; every stage has what is left of the same budget. */
  private async drainParts({ pipeline, ingest, runners }: Parts): Promise<DrainReport> {
    const { clock, config } = this
    const deadline = clock.monotonicMs() + config.drainSeconds * 1000
    const leftMs = (): number => Math.max(0, deadline - clock.monotonicMs())
    const shed = (): number =>
      [...runners.values()].reduce((sum, runner) => sum + runner.accounting().shed, 0)
    const shedBefore = shed()
    // Clients gone before the stop marks: a frame within credit must not follow them into a ring.
    ingest.stopAccepting()
    this.http?.closeIngest()
    await this.closeRunners(leftMs())
    while (!ingest.isIdle() && leftMs() > 0) {
      await new Promise<void>((resolve) => void clock.setTimer(resolve, POLL_MS))
    }
    const report = await pipeline.drain(leftMs())
    const framesLeft = report.framesLeft + ingest.destroy() + shed() - shedBefore
    return { ...report, framesLeft }
  }
}
