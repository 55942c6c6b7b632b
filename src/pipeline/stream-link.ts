/**
 * One socket with its share of the streams: opened with them in the URL, the rest and later changes by
 * control messages, each of which must be acknowledged in time or else show its effect in a listing.
 */
import type {
  ControlFrame,
  ControlMethod,
  ControlRequest,
  ExchangeAdapter
} from '../adapters/adapter.ts'
import type { Clock, TimerHandle } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { nextConnectionNumber } from '../transport/connection-number.ts'
import { WsClient, type WsEnd } from '../transport/ws-client.ts'
import type { RunnerConfig, RunnerTuning } from './runner-config.ts'
import type { RunnerCounters } from './runner-counters.ts'

export interface LinkOptions {
  readonly adapter: ExchangeAdapter
  readonly config: RunnerConfig
  readonly tuning: RunnerTuning
  readonly counters: RunnerCounters
  readonly clock: Clock
  readonly streams: readonly string[]
  readonly listener: LinkListener
}

export interface LinkListener {
  linkOpened(link: StreamLink): void
  /** Everything asked for at the opening is acknowledged. */
  linkReady(link: StreamLink): void
  linkFrame(link: StreamLink, data: Buffer, binary: boolean): void
  linkShutdownNotice(link: StreamLink): void
  /** A control message had no effect: the connection should be replaced. */
  linkUnacknowledged(link: StreamLink, error: SluiceError): void
  linkEnded(link: StreamLink, end: WsEnd): void
}

interface Pending {
  readonly method: ControlMethod
  readonly request: ControlRequest
  timer: TimerHandle | null
  /** Id of the listing that decides, once there is one. */
  listId: number | null
}

export class StreamLink {
  readonly number = nextConnectionNumber()
  frames = 0
  bytes = 0
  pings = 0
  openedAtMs: number | null = null
  isReady = false
  private readonly options: LinkOptions
  private readonly client: WsClient
  private readonly pending = new Map<number, Pending>()
  private deferred: (readonly [ControlMethod, readonly string[]])[] = []
  private readonly wanted: Set<string>
  private lastId = 0
  private failed = false

  /** @throws SLUICE_CONFIG_INVALID for a base URL that is none */
  constructor(options: LinkOptions) {
    this.options = options
    this.wanted = new Set(options.streams)
    const { adapter, config, tuning, clock } = options
    const plan = adapter.connectionPlan(config.wsUrl, options.streams)
    if (plan.remaining.length > 0) this.deferred.push(['subscribe', plan.remaining])
    this.client = new WsClient({
      url: plan.url,
      deflate: config.deflate,
      payloadBytesMax: tuning.payloadBytesMax,
      connectMs: config.timeouts.connectMs,
      handshakeMs: config.timeouts.handshakeMs,
      messagesPerSecondMax: adapter.limits.messagesPerSecondMax,
      controlPerSecondMax: config.controlMessagesPerSecond,
      clock,
      listener: {
        opened: () => this.opened(),
        frame: (data, binary) => this.frame(data, binary),
        pinged: () => {
          this.pings += 1
          options.counters.pings += 1
        },
        closed: (end) => this.closed(end)
      }
    })
  }

  subscribe(streams: readonly string[]): void {
    for (const stream of streams) this.wanted.add(stream)
    this.change('subscribe', streams)
  }

  unsubscribe(streams: readonly string[]): void {
    for (const stream of streams) this.wanted.delete(stream)
    this.change('unsubscribe', streams)
  }

  /** Control messages that wait for their acknowledgement or for their turn. */
  get pendingRequests(): number {
    return this.pending.size + this.deferred.length
  }

  /** Streams asked for whose acknowledgement is missing: they may not flow yet. */
  unacknowledgedStreams(): ReadonlySet<string> {
    const names = new Set<string>()
    for (const { method, request } of this.pending.values()) {
      if (method === 'subscribe') for (const name of request.streams) names.add(name)
    }
    return names
  }

  pause(): void {
    this.client.pause()
  }

  resume(): void {
    this.client.resume()
  }

  terminate(): void {
    this.client.terminate()
  }

  close(): void {
    this.client.close()
  }

  private change(method: ControlMethod, streams: readonly string[]): void {
    if (streams.length === 0) return
    if (this.openedAtMs === null) {
      this.deferred.push([method, streams])
      return
    }
    const { adapter, config } = this.options
    const requests = adapter.controlRequests(method, streams, {
      bytesMax: Math.min(config.subscribeBytesMax, adapter.limits.controlBytesMax),
      nextId: () => ++this.lastId
    })
    for (const request of requests) this.ask({ method, request, timer: null, listId: null })
  }

  private opened(): void {
    this.openedAtMs = this.options.clock.monotonicMs()
    this.options.listener.linkOpened(this)
    const { deferred } = this
    this.deferred = []
    for (const [method, streams] of deferred) this.change(method, streams)
    this.checkReady()
  }

  private closed(end: WsEnd): void {
    for (const pending of this.pending.values()) this.stopTimer(pending)
    this.pending.clear()
    this.options.counters.pongsSuppressed += this.client.pongsSuppressed
    this.options.listener.linkEnded(this, end)
  }

  private checkReady(): void {
    if (this.isReady || this.failed || this.pending.size > 0) return
    this.isReady = true
    this.options.listener.linkReady(this)
  }

  /** Hot path: counts and hands on; only what does not begin as data is looked at. */
  private frame(data: Buffer, binary: boolean): void {
    const { counters, adapter, listener } = this.options
    counters.framesReceived += 1
    counters.bytesReceived += data.length
    this.frames += 1
    this.bytes += data.length
    if (binary || adapter.isData(data)) listener.linkFrame(this, data, binary)
    else this.inspect(data)
  }

  private inspect(data: Buffer): void {
    const { counters, adapter, listener } = this.options
    const control = adapter.parseControl(data)
    if (control.kind === 'data') {
      listener.linkFrame(this, data, false)
      return
    }
    counters.framesControl += 1
    if (control.kind === 'shutdown') listener.linkShutdownNotice(this)
    else this.answered(control)
  }

  private answered(control: Exclude<ControlFrame, { kind: 'data' | 'shutdown' }>): void {
    const { counters } = this.options
    if (control.kind === 'list') {
      this.listed(control.id, new Set(control.streams))
      return
    }
    const pending = this.pendingFor(control.id)
    if (control.kind === 'error') counters.controlErrors += 1
    if (pending === null) return
    // The effect decides, not the answer: an error may concern streams that are subscribed already.
    if (control.kind === 'error') this.askForListing(pending)
    else this.settle(pending)
  }

  /** Answers without an id belong to the oldest question. */
  private pendingFor(id: number | null): Pending | null {
    if (id !== null) return this.pending.get(id) ?? null
    for (const pending of this.pending.values()) {
      if (pending.listId === null) return pending
    }
    return null
  }

  private settle(pending: Pending): void {
    this.stopTimer(pending)
    this.pending.delete(pending.request.id)
    this.options.counters.acknowledged += 1
    this.checkReady()
  }

  private ask(pending: Pending): void {
    this.pending.set(pending.request.id, pending)
    this.send(pending, pending.request, () => {
      this.options.counters.acknowledgeLate += 1
      this.askForListing(pending)
    })
  }

  private askForListing(pending: Pending): void {
    if (pending.listId !== null || this.failed) return
    this.stopTimer(pending)
    pending.listId = ++this.lastId
    const request = this.options.adapter.listRequest(pending.listId)
    this.send(pending, request, () => this.fail(pending, 'neither acknowledged nor listed in time'))
  }

  private listed(id: number | null, streams: ReadonlySet<string>): void {
    for (const pending of [...this.pending.values()]) {
      if (pending.listId === null || (id !== null && pending.listId !== id)) continue
      const wanted = pending.method === 'subscribe'
      // A later request may have turned a stream round; then that one answers for it.
      const isDone = pending.request.streams.every(
        (name) => streams.has(name) === wanted || this.wanted.has(name) !== wanted
      )
      if (isDone) this.settle(pending)
      else this.fail(pending, 'refused: the listing does not show it')
    }
  }

  /** The time limit runs from the moment the message leaves, not while it waits for its turn. */
  private send(pending: Pending, request: ControlRequest, expired: () => void): void {
    const { clock, config, counters } = this.options
    this.client.sendControl(request.text, () => {
      counters.controlSent += 1
      if (!this.pending.has(pending.request.id)) return
      pending.timer = clock.setTimer(expired, config.timeouts.acknowledgeMs)
    })
  }

  private fail(pending: Pending, why: string): void {
    if (this.failed) return
    this.failed = true
    const { method, request } = pending
    const message = `${method} of ${request.streams.length} streams: ${why}`
    const error = new SluiceError('SLUICE_EXCHANGE_CONTROL', message, {
      method,
      streams: request.streams.length,
      first: request.streams[0] ?? ''
    })
    this.options.listener.linkUnacknowledged(this, error)
  }

  private stopTimer(pending: Pending): void {
    if (pending.timer !== null) this.options.clock.clearTimer(pending.timer)
    pending.timer = null
  }
}
