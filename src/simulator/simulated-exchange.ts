/**
 * A Binance spot exchange on loopback, deterministic from a seed: one market model, every stream and
 * REST path read from it, the exchange's limits enforced, faults on demand. Main thread only, because
 * uWebSockets.js is.
 */
import { type Clock, systemClock, type TimerHandle } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { type Logger, silentLogger } from '../core/logger.ts'
import { createPrng } from '../core/prng.ts'
import { Connection, type ConnectionEnvironment } from './connection.ts'
import type { ControlStyle } from './control-messages.ts'
import { FaultControl } from './fault-control.ts'
import type { FaultPlan } from './fault-plan.ts'
import { type FloodOptions, type FloodResult, runFlood } from './flood.ts'
import { HttpFront } from './http-front.ts'
import { Journal, type JournalMode } from './journal.ts'
import { type ExchangeLimits, SPOT_LIMITS } from './limits.ts'
import { Market, QUANTUM_US, silentListener } from './market.ts'
import { type PlaybackOptions, type PlaybackResult, runPlayback } from './playback.ts'
import { Recording } from './recording.ts'
import { RequestDesk } from './request-desk.ts'
import { StreamHub } from './stream-hub.ts'
import { symbolSpecs } from './symbols.ts'

export interface SimulatedExchangeOptions {
  /** Loopback unless given. */
  readonly host?: string
  /** 0, the default, takes any free port. */
  readonly port?: number
  readonly seed?: number
  /** Names, or how many; 8 unless given, one of them not ASCII. */
  readonly symbols?: readonly string[] | number
  /** Mean trades a second over all symbols; 200 unless given. */
  readonly rate?: number
  /** Trades a second of single symbols, beside the overall rate. */
  readonly symbolRates?: Readonly<Record<string, number>>
  /** Model time played before the first client; a minute, or less at high rates, unless given. */
  readonly historySeconds?: number
  /** Where model time begins its history; in real pace now, in manual pace a fixed instant. */
  readonly startTimeUs?: number
  /** real: model time follows the clock; manual: it moves only by `advance`. */
  readonly pace?: 'real' | 'manual'
  /** Model seconds per clock second in real pace. */
  readonly speed?: number
  /** Times every deadline, window and ping. */
  readonly clock?: Clock
  readonly logger?: Logger
  readonly limits?: Partial<ExchangeLimits>
  /** Shape of control errors: as observed on the wire (default) or as documented. */
  readonly controlStyle?: ControlStyle
  readonly journal?: JournalMode
  /** Frames the journal may hold; a million unless given. */
  readonly journalEntriesMax?: number
  readonly faults?: FaultPlan
  /**
   * A capture file to serve by `play`. Its symbols are listed, its depth replies feed the depth path,
   * and the market stands still.
   */
  readonly recording?: string
  /**
   * Rows of trades and of aggregate trades kept for REST, per symbol; unless given 800,000 shared out,
   * from 5,000 to 100,000 each.
   */
  readonly historyRows?: number
}

export interface ExchangeStats {
  readonly connections: number
  readonly connectionsAccepted: number
  readonly connectionsRefused: number
  /** Connections that the exchange cut for a breach, by reason. */
  readonly cuts: Readonly<Record<string, number>>
  readonly framesSent: number
  readonly bytesSent: number
  readonly controlReceived: number
  readonly restRequests: number
  readonly restRefused: number
}

export interface SimulatedExchange {
  readonly host: string
  readonly port: number
  readonly wsUrl: string
  readonly restUrl: string
  readonly symbols: readonly string[]
  readonly market: Market
  readonly faults: FaultControl
  readonly journal: Journal
  stats(): ExchangeStats
  connections(): readonly Connection[]
  /**
   * Plays `ms` of model time as fast as the clients take it; manual pace only. Resolves when every
   * frame is in the kernel's hands.
   */
  advance(ms: number): Promise<void>
  /** Sends prepared frames; the market should stand still (`pace: 'manual'`) meanwhile. */
  flood(options: FloodOptions): Promise<FloodResult>
  /** Serves the recording; begins when its listeners are there. @throws SLUICE_USAGE without one */
  play(options?: PlaybackOptions): Promise<PlaybackResult>
  /** Sends serverShutdown on every connection, in its form; closing them is the caller's. */
  shutdownNotice(): void
  /** Ends every connection and frees the port. */
  close(): Promise<void>
}

/** 2026-01-05T00:00:00Z, a Monday. */
export const MANUAL_START_US = 1_767_571_200_000_000
const PUMP_MS = 5
/** Model time played in one turn of the event loop at most. */
const CATCH_UP_US = 2_000_000
const ADVANCE_SLICE_US = 100_000
const ADVANCE_BUFFER_BYTES = 4 * 1024 * 1024
const HISTORY_TRADES_MAX = 50_000
const HISTORY_ROWS_ALL = 800_000

export async function startSimulatedExchange(
  options: SimulatedExchangeOptions = {}
): Promise<SimulatedExchange> {
  const path = options.recording
  const recording = path === undefined ? null : await Recording.open(path)
  const exchange = new RunningExchange(options, recording)
  await exchange.start(options)
  return exchange
}

class RunningExchange implements SimulatedExchange {
  readonly market: Market
  readonly faults: FaultControl
  readonly journal: Journal
  readonly host: string
  readonly #clock: Clock
  readonly #recording: Recording | null
  readonly #hub: StreamHub
  readonly #front: HttpFront
  readonly #desk: RequestDesk
  readonly #environment: ConnectionEnvironment
  readonly #connections = new Map<number, Connection>()
  readonly #pending = new Set<Connection>()
  readonly #counts = { framesSent: 0, bytesSent: 0, controlReceived: 0 }
  readonly #cuts: Record<string, number> = {}
  readonly #real: boolean
  readonly #speed: number
  readonly #originUs: number
  readonly #clockOriginUs: number
  #accepted = 0
  #recordedLine = 0
  #pump: TimerHandle | null = null
  #closed = false

  constructor(options: SimulatedExchangeOptions, recording: Recording | null) {
    this.#recording = recording
    this.#clock = options.clock ?? systemClock
    this.#real = (options.pace ?? 'real') === 'real'
    this.#speed = options.speed ?? 1
    this.host = options.host ?? '127.0.0.1'
    const seed = options.seed ?? 1
    const rate = recording === null ? (options.rate ?? 200) : 0
    const historyUs = historySeconds(options, rate) * 1e6
    this.#clockOriginUs = this.#clock.wallUs()
    const nowUs = this.#real ? this.#clockOriginUs : MANUAL_START_US + historyUs
    const startUs = options.startTimeUs ?? nowUs - historyUs
    const specs = symbolSpecs(recording?.symbols ?? options.symbols ?? 8)
    const rows = Math.max(5_000, Math.min(100_000, Math.floor(HISTORY_ROWS_ALL / specs.length)))
    this.market = new Market({
      specs,
      seed,
      startUs,
      tradesPerSecond: rate,
      ...(options.symbolRates === undefined ? {} : { symbolRates: options.symbolRates }),
      historyRows: options.historyRows ?? rows
    })
    this.market.advance(this.market.startUs + historyUs, silentListener)
    this.#originUs = options.startTimeUs === undefined ? nowUs : this.market.nowUs
    this.journal = new Journal(options.journal ?? 'off', options.journalEntriesMax ?? 1_000_000)
    this.#hub = new StreamHub(this.market)
    const limits = { ...SPOT_LIMITS, ...options.limits }
    this.faults = new FaultControl({
      clock: this.#clock,
      prng: createPrng(seed).fork('faults'),
      target: {
        connections: () => this.connections(),
        stopListening: () => this.#front.stopListening(),
        listenAgain: () => this.#front.listenAgain(),
        shutdownNotice: () => this.shutdownNotice()
      }
    })
    this.#desk = new RequestDesk({
      clock: this.#clock,
      limits,
      faults: this.faults,
      source: {
        specs: new Map(specs.map((spec) => [spec.symbol, spec])),
        markets: this.market.symbols,
        limits,
        nowUs: () => this.#nowUs(),
        recordedDepth: (symbol) => recording?.depth(symbol, this.#recordedLine) ?? null
      }
    })
    this.#environment = this.#createEnvironment(options, limits)
    this.#front = this.#createFront(options.logger ?? silentLogger)
  }

  async start(options: SimulatedExchangeOptions): Promise<void> {
    await this.#front.listen(this.host, options.port ?? 0)
    if (options.faults !== undefined) this.faults.start(options.faults)
    if (this.#real && this.#recording === null) this.#schedulePump()
  }

  get port(): number {
    return this.#front.port
  }

  get wsUrl(): string {
    return `ws://${this.host}:${this.port}`
  }

  get restUrl(): string {
    return `http://${this.host}:${this.port}`
  }

  get symbols(): readonly string[] {
    return [...this.market.symbols.keys()]
  }

  stats(): ExchangeStats {
    return {
      connections: this.#connections.size,
      connectionsAccepted: this.#accepted,
      connectionsRefused: this.#desk.connectsRefused,
      cuts: { ...this.#cuts },
      ...this.#counts,
      restRequests: this.#desk.requests,
      restRefused: this.#desk.refused
    }
  }

  connections(): readonly Connection[] {
    return [...this.#connections.values()]
  }

  async advance(ms: number): Promise<void> {
    const untilUs = this.market.nowUs + Math.round(ms * 1000)
    while (this.market.nowUs + QUANTUM_US <= untilUs && !this.#closed) {
      this.market.advance(Math.min(untilUs, this.market.nowUs + ADVANCE_SLICE_US), this.#hub)
      this.#flush()
      await this.#settle(ADVANCE_BUFFER_BYTES)
    }
    await this.#settle(0)
  }

  flood(options: FloodOptions): Promise<FloodResult> {
    return runFlood(options, {
      clock: this.#clock,
      journal: this.journal,
      markets: this.market.symbols,
      closed: () => this.#closed,
      connections: () => this.connections(),
      noteSent: (frames, bytes) => {
        this.#counts.framesSent += frames
        this.#counts.bytesSent += bytes
      }
    })
  }

  async play(options: PlaybackOptions = {}): Promise<PlaybackResult> {
    const recording = this.#recording
    if (recording === null) {
      throw new SluiceError('SLUICE_USAGE', 'playing a recording: the exchange was given none')
    }
    return runPlayback(recording, options, {
      clock: this.#clock,
      closed: () => this.#closed,
      connections: () => this.connections(),
      flush: () => this.#flush(),
      onPosition: (line) => {
        this.#recordedLine = line
      }
    })
  }

  shutdownNotice(): void {
    const payload = `{"e":"serverShutdown","E":${Math.floor(this.#nowUs() / 1000)}}`
    for (const connection of this.#connections.values()) {
      const data = connection.combined ? `{"stream":"!serverShutdown","data":${payload}}` : payload
      connection.enqueue({ stream: null, data, firstId: -1, lastId: -1 })
    }
    this.#flush()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#pump !== null) this.#clock.clearTimer(this.#pump)
    this.faults.close()
    this.#front.close()
    // uWebSockets.js runs the close handlers of its sockets in the turn after.
    await new Promise((resolve) => setImmediate(resolve))
  }

  #createEnvironment(
    options: SimulatedExchangeOptions,
    limits: ExchangeLimits
  ): ConnectionEnvironment {
    return {
      clock: this.#clock,
      limits,
      style: options.controlStyle ?? 'observed',
      journal: this.journal,
      frameFaults: this.faults.frameFaults,
      counts: this.#counts,
      subscribe: (name, connection) => this.#hub.subscribe(name, connection),
      unsubscribe: (name, connection) => this.#hub.unsubscribe(name, connection),
      onPending: (connection) => this.#pending.add(connection),
      readingDelayMs: () => this.faults.readingDelayMs,
      ackDelayMs: () => this.faults.takeAckDelayMs(),
      onCut: (connection, reason) => {
        this.#cuts[reason] = (this.#cuts[reason] ?? 0) + 1
        this.#desk.noteCut(connection.address)
      },
      onClosed: (connection) => {
        this.#connections.delete(connection.id)
        this.#pending.delete(connection)
      }
    }
  }

  #createFront(logger: Logger): HttpFront {
    return new HttpFront(
      {
        onRequest: (call) => this.#desk.onRequest(call),
        onUpgrade: (call) => this.#desk.onUpgrade(call),
        onOpen: (socket) => {
          this.#accepted += 1
          const connection = new Connection(this.#accepted, socket, this.#environment)
          socket.getUserData().connection = connection
          if (connection.open) this.#connections.set(connection.id, connection)
        }
      },
      logger
    )
  }

  /** Model time as clients see it. */
  #nowUs(): number {
    if (!this.#real) return this.market.nowUs
    return this.#originUs + (this.#clock.wallUs() - this.#clockOriginUs) * this.#speed
  }

  #schedulePump(): void {
    this.#pump = this.#clock.setTimer(() => {
      if (this.#closed) return
      // One step behind the clock, so that no event time lies ahead of its sending.
      const untilUs = Math.min(this.#nowUs() - QUANTUM_US, this.market.nowUs + CATCH_UP_US)
      this.market.advance(untilUs, this.#hub)
      this.#flush()
      this.#schedulePump()
    }, PUMP_MS)
  }

  #flush(): void {
    for (const connection of this.#pending) connection.flush()
    this.#pending.clear()
  }

  /** Waits until no connection has more than `bytes` unsent. */
  async #settle(bytes: number): Promise<void> {
    const busy = (): boolean =>
      this.connections().some((connection) => connection.bufferedBytes > bytes)
    while (!this.#closed && busy()) await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

function historySeconds(options: SimulatedExchangeOptions, rate: number): number {
  if (options.historySeconds !== undefined) return options.historySeconds
  if (rate === 0) return 60
  return Math.max(1, Math.min(60, Math.floor(HISTORY_TRADES_MAX / rate)))
}
