/**
 * Runs one adapter: checks subscriptions against the exchange's symbols, keeps the connections that carry
 * them, watches their streams, and counts. Main thread.
 */
import type { ExchangeAdapter, StreamActivity, StreamSpec } from '../adapters/adapter.ts'
import type { Clock, TimerHandle } from '../core/clock.ts'
import { asError, SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Prng } from '../core/prng.ts'
import type { AdapterSummary, FrameAccounting } from '../model/status.ts'
import type { DataSubscription } from '../model/subscription.ts'
import { DialGate } from '../transport/dial-gate.ts'
import type { FrameSink } from '../transport/frame-sink.ts'
import { RestClient } from '../transport/rest-client.ts'
import { ConnectionPool } from './connection-pool.ts'
import type { ConnectionSlot } from './connection-slot.ts'
import { Interruption } from './interruption.ts'
import { DEFAULT_TUNING, type RunnerConfig, type RunnerTuning } from './runner-config.ts'
import { countGaps, createRunnerCounters, type RunnerCounters } from './runner-counters.ts'
import { connectionStatus, type RunnerState, type RunnerStatus } from './runner-status.ts'
import { StaleWatch } from './stale-watch.ts'
import { checkResolution, silentSymbols } from './subscription-check.ts'
import { SubscriptionSet } from './subscription-set.ts'
import { SymbolDirectory } from './symbol-directory.ts'

export interface ExchangeRunnerOptions {
  readonly adapter: ExchangeAdapter
  readonly config: RunnerConfig
  readonly tuning?: Partial<RunnerTuning>
  readonly frameSink: FrameSink
  readonly exchangeIndex: number
  readonly clock: Clock
  readonly prng: Prng
  readonly logger: Logger
  /** Activity of a stream as its parser recorded it; undefined = it never spoke. */
  readonly activity: (streamName: string) => StreamActivity | undefined
  /** Called and awaited before streams are subscribed: their sinks may have to be made ready. */
  readonly prepare?: (streams: readonly StreamSpec[]) => Promise<void>
}

/** What a change of subscriptions did, by stream name. */
export interface SubscriptionChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

const NO_CHANGE: SubscriptionChange = { added: [], removed: [] }
/** A shard whose ring was neither empty nor heard of for longer is behind; its streams' silence is ours. */
const SHARD_CURRENT_TICKS = 2.5

export class ExchangeRunner {
  readonly exchange: string
  readonly counters: RunnerCounters = createRunnerCounters()
  private readonly options: ExchangeRunnerOptions
  private readonly tuning: RunnerTuning
  private readonly rest: RestClient
  private readonly directory: SymbolDirectory
  private readonly pool: ConnectionPool
  private readonly gate: DialGate
  private readonly watch: StaleWatch
  private readonly shardCurrentAtMs: number[]
  private set = new SubscriptionSet()
  private state: RunnerState = 'stopped'
  private failure: SluiceError | null = null
  private abort = new AbortController()
  private timer: TimerHandle | null = null
  private stopping: Promise<void> | null = null
  private isClosed = false
  private readonly interruption = new Interruption()

  /** @throws SLUICE_CONFIG_INVALID when a base URL is none. */
  constructor(options: ExchangeRunnerOptions) {
    const { adapter, config, clock, prng, frameSink } = options
    const { limits } = adapter
    this.options = options
    this.exchange = adapter.exchange
    this.tuning = { ...DEFAULT_TUNING, ...options.tuning }
    adapter.connectionPlan(config.wsUrl, [])
    this.rest = new RestClient({
      baseUrl: config.restUrl,
      usedWeightHeader: adapter.usedWeightHeader,
      weightPerMinute: Math.min(this.tuning.restWeightPerMinute, limits.restWeightPerMinute),
      connectMs: config.timeouts.connectMs,
      requestMs: config.timeouts.requestMs,
      parseError: (body) => adapter.parseRestError(body),
      clock,
      prng: prng.fork('rest')
    })
    const freshMs = this.tuning.symbolsFreshMs
    this.directory = new SymbolDirectory({ ...options, rest: this.rest, freshMs })
    this.gate = new DialGate({ connectsPer5Minutes: config.connectsPer5Minutes, clock })
    this.pool = new ConnectionPool({
      ...options,
      tuning: this.tuning,
      counters: this.counters,
      prng: prng.fork('backoff'),
      gate: this.gate,
      sink: frameSink,
      live: (slot) => this.slotLive(slot)
    })
    this.shardCurrentAtMs = new Array<number>(frameSink.shards).fill(clock.monotonicMs())
    this.watch = new StaleWatch({
      ...options,
      tuning: this.tuning,
      counters: this.counters,
      probeOf: (stream) => adapter.probe(stream),
      ask: async (probe) => {
        const { signal } = this.abort
        return (await this.rest.get(probe.path, { weight: probe.weight, signal })).body
      },
      isAudible: (stream) => this.isAudible(stream),
      groupOf: (stream) => this.pool.slotOf(stream.name) ?? null,
      convicted: (stream, suspicion) => this.streamStale(stream, String(suspicion))
    })
  }

  /**
   * Loads the symbols, however long the exchange stays unreachable, and subscribes; resolves when the
   * connections are commissioned. Rejects when a subscription names what the exchange does not have;
   * then nothing is subscribed. Streams whose older frames still wait for a ring since a stop follow
   * them on the same way.
   * @throws SLUICE_EXCHANGE_SUBSCRIPTION; SLUICE_TRANSPORT_CLOSED after `close`
   */
  async start(): Promise<void> {
    await this.stopping
    if (this.isClosed) throw new SluiceError('SLUICE_TRANSPORT_CLOSED', 'the runner was closed')
    if (this.state === 'running' || this.state === 'loading') return
    this.state = 'loading'
    this.failure = null
    this.abort = new AbortController()
    const { signal } = this.abort
    try {
      const symbols = await this.directory.load(signal)
      checkResolution(this.options.adapter.resolve(this.set.list(), symbols), 'all')
      await this.prepare(this.set)
      signal.throwIfAborted()
      this.state = 'running'
      this.apply(this.set, signal)
      this.interruption.count(this.counters, this.pool.slots())
      this.schedule()
    } catch (thrown) {
      if (signal.aborted) return
      this.fail(thrown)
      throw thrown
    }
  }

  /**
   * Closes every connection; resolves when all are closed. Nothing is shed: frames that wait for a ring
   * then go on waiting, as the status says, and reach it in order before anything a later start brings.
   */
  async stop(): Promise<void> {
    if (this.state === 'stopped') return
    this.stopping ??= this.shutDown().finally(() => {
      this.stopping = null
    })
    await this.stopping
  }

  async restart(): Promise<void> {
    if (this.state === 'running') {
      this.interruption.restarting()
      this.counters.reconnects.restart += [...this.pool.slots()].length
    }
    await this.stop()
    await this.start()
  }

  /**
   * Ends the runner for good: its REST connections too. Resolves when the last received frame is in its
   * ring, or soon after `graceMs`, when what still waits is shed and counted as abandoned.
   */
  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    const { clock } = this.options
    this.isClosed = true
    let isLate = false
    const deadline = clock.setTimer(() => {
      isLate = true
      this.pool.abandon()
    }, graceMs)
    await this.stop()
    // Its sockets may have been closed later than that.
    if (isLate) this.pool.abandon()
    await this.pool.drained()
    clock.clearTimer(deadline)
    await this.rest.close()
  }

  /**
   * Adds subscriptions; touches no stream that is subscribed already. While the runner is stopped they
   * are only noted, after a check of their channels.
   * @throws SLUICE_EXCHANGE_SUBSCRIPTION listing every unknown channel and symbol;
   * SLUICE_TRANSPORT_CONNECT while the symbols could not be loaded yet
   */
  async subscribe(subscriptions: readonly DataSubscription[]): Promise<SubscriptionChange> {
    const { adapter } = this.options
    if (this.state !== 'running') {
      checkResolution(adapter.resolve(subscriptions, this.directory.symbols), 'channels')
      if (this.state === 'loading') throw this.notLoaded()
      this.set = this.set.with(subscriptions)
      return NO_CHANGE
    }
    const { signal } = this.abort
    const { symbols } = this.directory
    if (adapter.resolve(subscriptions, symbols).unknownSymbols.length > 0) {
      // Listed since the list was loaded?
      await this.directory.refresh(signal)
    }
    checkResolution(adapter.resolve(subscriptions, this.directory.symbols), 'all')
    await this.prepare(this.set.with(subscriptions))
    return this.apply(this.set.with(subscriptions), signal)
  }

  /**
   * Takes subscriptions back. Streams that others still name stay.
   * @throws SLUICE_EXCHANGE_SUBSCRIPTION listing what was not subscribed
   */
  async unsubscribe(subscriptions: readonly DataSubscription[]): Promise<SubscriptionChange> {
    const next = this.set.without(subscriptions)
    if (this.state === 'running') return this.apply(next, this.abort.signal)
    this.set = next
    return NO_CHANGE
  }

  subscriptions(): readonly DataSubscription[] {
    return this.set.list()
  }

  status(): RunnerStatus {
    const nowMs = this.options.clock.monotonicMs()
    const connections = [...this.pool.slots()].map((slot) => connectionStatus(slot, nowMs))
    const slotError = connections.find((connection) => connection.lastError !== null)?.lastError
    return {
      exchange: this.exchange,
      state: this.state,
      reason: this.reason(),
      streams: this.pool.streams().size,
      connections,
      connectionsByState: this.pool.byState(),
      dialsWaiting: this.gate.waitingCount,
      rest: this.rest.status(),
      lastError: this.failure?.message ?? this.directory.lastError?.message ?? slotError ?? null
    }
  }

  summary(): Omit<AdapterSummary, 'name'> {
    const { state, reason, streams, connectionsByState, connections, lastError } = this.status()
    const open =
      connectionsByState.live + connectionsByState.subscribing + connectionsByState.paused
    return {
      exchange: this.exchange,
      state,
      streams,
      connections: { open, total: connections.length },
      // All that is shown of a stopped adapter: whether frames of it still wait.
      lastError: state === 'stopped' ? (reason ?? lastError) : lastError
    }
  }

  /** This runner's terms of the frames identity; received = accepted + ignored + shed + waiting. */
  accounting(): Pick<FrameAccounting, 'received' | 'ignored' | 'shed'> & {
    readonly accepted: number
    readonly waiting: number
  } {
    const { framesReceived, framesControl, framesDuplicate } = this.counters
    const totals = this.pool.totals()
    return {
      received: framesReceived,
      ignored: framesControl + framesDuplicate,
      shed: totals.framesOverflowed + totals.framesAbandoned,
      accepted: totals.framesAccepted,
      waiting: totals.framesWaiting
    }
  }

  /** The parts of `accounting().shed`. */
  shedByReason(): Record<string, number> {
    const { framesOverflowed, framesAbandoned } = this.pool.totals()
    return { overflow: framesOverflowed, abandoned: framesAbandoned }
  }

  /** Pauses of the sockets so far, and their length. */
  pauses(): { readonly count: number; readonly totalMs: number } {
    const { pauses, pausedMs } = this.pool.totals()
    return { count: pauses, totalMs: pausedMs }
  }

  /** What is new in the set has been checked; what was there may have been delisted meanwhile. */
  private async prepare(next: SubscriptionSet): Promise<void> {
    const { streams } = this.options.adapter.resolve(next.list(), null)
    const present = this.pool.streams()
    await this.options.prepare?.(streams.filter(({ name }) => !present.has(name)))
  }

  private apply(next: SubscriptionSet, signal: AbortSignal): SubscriptionChange {
    signal.throwIfAborted()
    const { adapter, logger } = this.options
    const { symbols } = this.directory
    const resolution = adapter.resolve(next.list(), null)
    const wanted = new Map(resolution.streams.map((stream) => [stream.name, stream]))
    const present = this.pool.streams()
    const removed = [...present.keys()].filter((name) => !wanted.has(name))
    const added = resolution.streams.filter((stream) => !present.has(stream.name))
    const silent = silentSymbols(added, symbols)
    if (silent.length > 0) logger.warn('symbols are not trading', { symbols: silent.join(',') })
    this.set = next
    this.pool.remove(removed)
    for (const name of removed) this.watch.remove(name)
    for (const stream of added) this.watch.add(stream)
    this.pool.add(added)
    return { added: added.map((stream) => stream.name), removed }
  }

  private async shutDown(): Promise<void> {
    const { clock } = this.options
    this.state = 'stopping'
    this.abort.abort(new SluiceError('SLUICE_TRANSPORT_CLOSED', 'the runner was stopped'))
    if (this.timer !== null) clock.clearTimer(this.timer)
    this.timer = null
    this.interruption.note(this.pool.streams())
    for (const name of this.pool.streams().keys()) this.watch.remove(name)
    await this.pool.stop()
    this.state = 'stopped'
  }

  private fail(thrown: unknown): void {
    this.failure =
      thrown instanceof SluiceError
        ? thrown
        : new SluiceError('SLUICE_INVARIANT', asError(thrown).message, {}, thrown)
    this.state = 'failed'
    this.options.logger.error('subscribing failed', { error: this.failure.message })
  }

  private notLoaded(): SluiceError {
    const why = this.directory.lastError?.message ?? 'still being asked for'
    const message = `subscribing: the exchange's symbols are not known yet: ${why}`
    return new SluiceError('SLUICE_TRANSPORT_CONNECT', message)
  }

  private reason(): string | null {
    if (this.state === 'failed') return this.failure?.message ?? null
    if (this.state === 'loading') {
      return this.directory.symbols === null
        ? this.notLoaded().message
        : 'its topics are being made'
    }
    const waiting = this.pool.framesRetiring()
    if (this.state === 'stopped' && waiting > 0) return `${waiting} frames still wait for a ring`
    if (this.state !== 'running') return null
    if (this.gate.closedReason !== null) return this.gate.closedReason
    for (const slot of this.pool.slots()) {
      const { state } = slot
      if (state === 'paused') return 'the parsers are behind: sockets are paused'
      if (state === 'live') continue
      return slot.lastError?.message ?? `connection ${slot.id} is ${state}`
    }
    return null
  }

  private schedule(): void {
    this.timer = this.options.clock.setTimer(() => {
      this.schedule()
      this.tick()
    }, this.tuning.tickMs)
  }

  private tick(): void {
    const { clock, frameSink } = this.options
    const nowMs = clock.monotonicMs()
    this.pool.tick()
    for (let shard = 0; shard < frameSink.shards; shard++) {
      if (frameSink.freeBytes(shard) >= frameSink.ringBytes) this.shardCurrentAtMs[shard] = nowMs
    }
    this.watch.tick()
    for (const [name, slot] of this.pool.streams()) {
      const spokeAtMs = this.watch.pulse(name)?.lastSpokeAtMs ?? 0
      if (spokeAtMs === nowMs) this.shardCurrentAtMs[slot.lane.shard] = nowMs
    }
  }

  private isAudible(stream: StreamSpec): boolean {
    const slot = this.pool.slotOf(stream.name)
    if (slot === undefined || slot.state !== 'live') return false
    const currentAtMs = this.shardCurrentAtMs[slot.lane.shard] ?? 0
    const ageMs = this.options.clock.monotonicMs() - currentAtMs
    return ageMs <= this.tuning.tickMs * SHARD_CURRENT_TICKS
  }

  private slotLive(slot: ConnectionSlot): void {
    for (const name of slot.streams.keys()) this.watch.reconnected(name)
  }

  private streamStale(stream: StreamSpec, suspicion: string): void {
    const slot = this.pool.slotOf(stream.name)
    if (slot === undefined || !slot.replace('stale')) return
    countGaps(this.counters, 'stale', [stream])
    this.options.logger.warn('stream is stale', { stream: stream.name, suspicion, slot: slot.id })
  }
}
