/**
 * One place for a connection: a lane into one shard, the streams that belong there, the socket that
 * carries them now, and for a moment the one that will replace it. Reconnects here and nowhere else.
 */
import type { ExchangeAdapter, StreamSpec } from '../adapters/adapter.ts'
import { Backoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import type { SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Prng } from '../core/prng.ts'
import type { DialGate, DialTicket } from '../transport/dial-gate.ts'
import { FrameLane } from '../transport/frame-lane.ts'
import type { FrameSink } from '../transport/frame-sink.ts'
import type { WsEnd } from '../transport/ws-client.ts'
import { Handover } from './handover.ts'
import { classifyConnect, classifyEnd, dialError } from './link-end.ts'
import { ReplacePacer } from './replace-pacer.ts'
import type { RunnerConfig, RunnerTuning } from './runner-config.ts'
import { countGaps, type ReconnectReason, type RunnerCounters } from './runner-counters.ts'
import { type LinkListener, StreamLink } from './stream-link.ts'

export interface SlotContext {
  readonly adapter: ExchangeAdapter
  readonly config: RunnerConfig
  readonly tuning: RunnerTuning
  readonly counters: RunnerCounters
  readonly clock: Clock
  readonly prng: Prng
  readonly logger: Logger
  readonly gate: DialGate
  readonly sink: FrameSink
  readonly exchangeIndex: number
  readonly events: SlotEvents
}

export interface SlotEvents {
  /** The streams flow on a new socket. */
  live(slot: ConnectionSlot): void
  /** The slot was stopped and its last socket is closed. */
  closed(slot: ConnectionSlot): void
  /** `closed` has come, and nothing waits for the ring. */
  drained(slot: ConnectionSlot): void
}

export type SlotState = 'waiting' | 'connecting' | 'subscribing' | 'live' | 'paused' | 'stopped'

/** A connection that lasted this long ends the backoff; one that only brought data shortens it. */
const SETTLED_MS = 1000
/** The exchange refuses us as such: asking often makes it worse. */
const REFUSED_MS = 30_000

export class ConnectionSlot implements LinkListener {
  readonly id: number
  readonly lane: FrameLane
  readonly streams = new Map<string, StreamSpec>()
  lastError: SluiceError | null = null
  reconnects = 0
  /** Its streams have flowed since it got them. */
  hasFlowed = false
  private readonly context: SlotContext
  private readonly backoff: Backoff
  private link: StreamLink | null = null
  private handover: Handover | null = null
  private ticket: DialTicket | null = null
  private stopped = false
  /** The link whose end `stop` asked for. */
  private closing: StreamLink | null = null
  /** Why the present link is ended, when by us. */
  private endReason: ReconnectReason | null = null
  private replaceReason: ReconnectReason = 'stale'
  private readonly replacePacer: ReplacePacer
  /** The present link lacks streams: replaced until one has them all. */
  private unacknowledged = false
  private heardAtMs = 0
  private heardCount = -1

  constructor(id: number, shard: number, context: SlotContext) {
    this.id = id
    this.context = context
    const { config, tuning, prng, clock } = context
    this.replacePacer = new ReplacePacer(tuning.replaceMs, clock)
    this.backoff = new Backoff({ ...config.reconnect, prng })
    this.lane = new FrameLane({
      sink: context.sink,
      shard,
      exchange: context.exchangeIndex,
      clock,
      waitingFramesMax: tuning.waitingFramesMax,
      waitingBytesMax: tuning.waitingBytesMax,
      stallMsMax: tuning.stallMs,
      listener: {
        pause: () => this.pause(),
        resume: () => this.resume(),
        stalledTooLong: () => this.end('stalled'),
        overflowed: () => this.end('overflow')
      }
    })
  }

  get state(): SlotState {
    if (this.stopped) return 'stopped'
    if (this.link === null) return 'waiting'
    if (this.link.openedAtMs === null) return 'connecting'
    if (this.lane.isStalled) return 'paused'
    return this.link.isReady ? 'live' : 'subscribing'
  }

  get current(): StreamLink | null {
    return this.link
  }

  /** Frames received that are neither in the ring nor dropped. */
  get waitingFrames(): number {
    return this.lane.waitingFrames + (this.handover?.heldFrames ?? 0)
  }

  /** Adds streams; dials if this is the first. */
  add(specs: readonly StreamSpec[]): void {
    const names = specs.map((spec) => spec.name)
    for (const spec of specs) this.streams.set(spec.name, spec)
    this.link?.subscribe(names)
    this.handover?.next?.subscribe(names)
    if (this.link === null && this.ticket === null) this.dialSoon()
  }

  remove(names: readonly string[]): void {
    for (const name of names) this.streams.delete(name)
    this.link?.unsubscribe(names)
    this.handover?.next?.unsubscribe(names)
  }

  /**
   * Closes with a handshake; what arrives until then is taken in. A socket that is paused is ended at
   * once. `closed` follows, and `drained` when the ring has taken what waits, however late.
   */
  stop(): void {
    if (this.stopped) return
    this.stopped = true
    this.ticket?.cancel()
    this.ticket = null
    const { link } = this
    this.handover?.next?.terminate()
    this.dropHandover()
    this.closing = link
    if (link === null) this.ended()
    else link.close()
  }

  /** A stopped slot gets streams again: in its own lane they cannot overtake what still waits there. */
  revive(): void {
    this.stopped = false
    this.streams.clear()
    this.hasFlowed = false
  }

  /** Gives up on what still waits. For the end of the process only; `drained` follows. */
  abandon(): void {
    this.lane.abandon()
    if (this.link === null) this.checkDrained()
    else this.link.terminate()
  }

  /** Beat of the watchdogs. */
  tick(): void {
    const nowMs = this.context.clock.monotonicMs()
    if (this.handover?.isOver === true) this.handover = null
    const { link } = this
    if (link === null || link.openedAtMs === null) return
    if (this.unacknowledged) this.replace('acknowledge')
    if (link.isReady && nowMs - link.openedAtMs >= SETTLED_MS) this.backoff.reset()
    const heardCount = link.frames + link.pings
    // A paused socket hears nothing, not even pings.
    if (heardCount !== this.heardCount || this.lane.isStalled) {
      this.heardCount = heardCount
      this.heardAtMs = nowMs
    } else if (nowMs - this.heardAtMs >= this.context.config.timeouts.idleMs) {
      this.end('idle')
    }
  }

  /**
   * Opens a second socket with the same streams and closes the first when the second is ready. False:
   * not now, because one is on its way, the slot is not live, or the last replacement was too recent.
   */
  replace(reason: ReconnectReason): boolean {
    const isIdle =
      this.link !== null && this.ticket === null && (this.handover?.next ?? null) === null
    if (this.stopped || !isIdle || this.lane.isStalled || !this.replacePacer.tryBegin())
      return false
    this.replaceReason = reason
    this.requestDial(0, () => this.dialReplacement())
    return true
  }

  /** Ends the present socket; the slot dials again at once. */
  end(reason: ReconnectReason): void {
    if (this.link === null) return
    this.endReason ??= reason
    this.link.terminate()
  }

  linkOpened(link: StreamLink): void {
    const { counters, gate, clock } = this.context
    counters.connects.ok += 1
    gate.succeeded()
    if (link !== this.link) return
    this.heardAtMs = clock.monotonicMs()
    this.heardCount = -1
    if (this.lane.isStalled) link.pause()
  }

  linkReady(link: StreamLink): void {
    if (link === this.handover?.next) this.switchOver()
    if (link !== this.link) return
    this.hasFlowed = true
    this.context.events.live(this)
  }

  /** Hot path. */
  linkFrame(link: StreamLink, data: Buffer, binary: boolean): void {
    if (this.handover !== null) {
      if (!this.handover.frame(link, data, binary)) this.switchOverEarly()
    } else if (link === this.link) {
      this.lane.offer(data, binary, link.number)
    } else {
      // A socket that was given up still hands over what it had read.
      this.context.counters.framesDuplicate += 1
    }
  }

  linkShutdownNotice(link: StreamLink): void {
    this.context.logger.warn('exchange announces its shutdown', { connection: link.number })
    if (link === this.link) this.end('server_shutdown')
  }

  linkUnacknowledged(link: StreamLink, error: SluiceError): void {
    this.note(error)
    if (link === this.handover?.next) {
      link.terminate()
      return
    }
    // Nothing flows for the streams concerned, but the others must not suffer for them: if not now,
    // then at a later beat.
    this.unacknowledged = true
    this.replace('acknowledge')
  }

  linkEnded(link: StreamLink, end: WsEnd): void {
    if (!end.wasOpen) this.dialFailed(end)
    if (link === this.handover?.next) {
      this.dropHandover()
      return
    }
    if (link !== this.link) return
    this.link = null
    if (this.stopped) {
      this.ended()
      return
    }
    if (link.isReady && link.frames > 0) this.backoff.ease()
    // A slot revived meanwhile had no gap of its own making.
    if (end.wasOpen && link !== this.closing) this.countReconnect(link, end)
    this.endReason = null
    this.unacknowledged = false
    // The replacement, if it is on its way, takes over as it is.
    if (!this.switchOver()) this.dialSoon()
  }

  private dialSoon(): void {
    if (this.stopped || this.ticket !== null || this.link !== null) return
    // A new socket would only add to what waits for the ring.
    if (this.lane.isStalled || this.streams.size === 0) return
    this.requestDial(this.backoff.nextMs(), () => {
      this.link = this.dial()
      if (this.link === null) this.dialSoon()
    })
  }

  /** The gate may let us through at once, before its ticket is in our hands. */
  private requestDial(delayMs: number, dial: () => void): void {
    let passed = false
    const ticket = this.context.gate.request(delayMs, () => {
      passed = true
      this.ticket = null
      dial()
    })
    if (!passed) this.ticket = ticket
  }

  private dialReplacement(): void {
    const link = this.dial()
    if (this.link === null) {
      this.link = link
      if (link === null) this.dialSoon()
      return
    }
    if (link === null) return
    this.handover = new Handover(this.link, link, { ...this.context, lane: this.lane })
  }

  private dial(): StreamLink | null {
    const { counters, gate } = this.context
    counters.dials += 1
    try {
      return new StreamLink({
        ...this.context,
        streams: [...this.streams.keys()],
        listener: this
      })
    } catch (thrown) {
      gate.failed()
      this.note(dialError(thrown))
      return null
    }
  }

  private dialFailed(end: WsEnd): void {
    const { counters, gate } = this.context
    const result = classifyConnect(end)
    counters.connects[result] += 1
    if (end.error !== null) this.note(end.error)
    if (result === 'rejected') {
      gate.closeFor(end.retryAfterMs ?? REFUSED_MS, `refused with status ${end.httpStatus}`)
    }
    gate.failed()
  }

  private countReconnect(link: StreamLink, end: WsEnd): void {
    const { counters, clock, adapter, logger } = this.context
    const ageMs = clock.monotonicMs() - (link.openedAtMs ?? 0)
    const reason = this.endReason ?? classifyEnd(end, ageMs, adapter.limits.connectionAgeMsMax)
    this.reconnects += 1
    counters.reconnects[reason] += 1
    countGaps(counters, reason, this.streams.values())
    if (end.error !== null) this.note(end.error)
    const { code } = end
    logger.warn('connection ended', { connection: link.number, slot: this.id, reason, code, ageMs })
  }

  /** The next socket becomes the present one. False: there is none. */
  private switchOver(): boolean {
    const { handover, link: old } = this
    if (handover === null || handover.next === null) return false
    const { counters, clock, logger } = this.context
    const link = handover.switchOver()
    this.link = link
    this.unacknowledged = false
    if (this.lane.isStalled) link.pause()
    this.heardAtMs = clock.monotonicMs()
    this.heardCount = -1
    if (old === null) return true
    const reason = this.replaceReason
    this.reconnects += 1
    counters.reconnects[reason] += 1
    const connection = old.number
    logger.info('connection replaced', { connection, by: link.number, slot: this.id, reason })
    old.terminate()
    return true
  }

  /** The streams the next socket has not yet been confirmed for may miss something. */
  private switchOverEarly(): void {
    const missing = this.handover?.next?.unacknowledgedStreams()
    if (!this.switchOver()) return
    const streams = [...this.streams.values()].filter(({ name }) => missing?.has(name) === true)
    countGaps(this.context.counters, this.replaceReason, streams)
  }

  /** After the switch it stays until its tail is over: the old socket's last chunk may still come. */
  private dropHandover(): void {
    if ((this.handover?.next ?? null) === null) return
    this.handover?.drop()
    this.handover = null
  }

  private pause(): void {
    this.link?.pause()
  }

  private resume(): void {
    if (this.link !== null) this.link.resume()
    else if (this.stopped) this.checkDrained()
    else this.dialSoon()
  }

  private ended(): void {
    this.context.events.closed(this)
    this.checkDrained()
  }

  private checkDrained(): void {
    if (this.link === null && !this.lane.isStalled) this.context.events.drained(this)
  }

  private note(error: SluiceError): void {
    const isNew = this.lastError?.message !== error.message
    this.lastError = error
    if (isNew) this.context.logger.warn('connection error', { slot: this.id, error: error.message })
  }
}
