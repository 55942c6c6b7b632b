/**
 * Ingest clients on the way into the frame rings. A client may only send what it has credit for, and
 * credit is backed by memory: frames under way, each counted at its largest, never exceed the backlog
 * limit, so a frame within credit always finds room, in the ring or, while that is full, here.
 * Fresh credit is given only while the rings have room. Main thread.
 */
import type { Clock, TimerHandle } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import type { FrameMeta, FrameSink } from '../transport/frame-sink.ts'
import { IngestSharding } from './ingest-shard.ts'

export interface IngestOptions {
  readonly sink: FrameSink
  readonly clock: Clock
  /** Index in the service's list of exchanges, by name. */
  readonly exchanges: ReadonlyMap<string, number>
  /** A number no other connection of the process has. */
  readonly nextConnection: () => number
  /** Most frames one client may have under way. */
  readonly creditFrames: number
  /** Largest frame; the listener refuses larger ones. */
  readonly frameBytesMax: number
  /** Memory for frames under way, all clients together, bytes. */
  readonly backlogBytesMax: number
}

export interface IngestExchangeStats {
  readonly exchange: string
  readonly frames: number
  readonly bytes: number
}

export interface IngestStats {
  readonly sessions: number
  readonly sessionsOpened: number
  /** Clients that sent more than their credit. */
  readonly overruns: number
  /** Credit given and not yet used, frames. */
  readonly creditOutstanding: number
  /** Received, waiting for room in a ring. */
  readonly backlogFrames: number
  readonly backlogBytes: number
  readonly received: readonly IngestExchangeStats[]
}

export interface IngestOpen {
  readonly exchange: string
  readonly streamName: string | null
  /** Called with the number of further frames the client may send. */
  readonly grant: (frames: number) => void
}

/** Share of a ring that must be free before fresh credit is given. */
const FREE_SHARE_MIN = 0.25
/** How often a full ring is looked at again, ms. */
const PUMP_MS = 2

interface Counts {
  frames: number
  bytes: number
}

export class IngestHub {
  private readonly options: IngestOptions
  private readonly sessions = new Set<Session>()
  /** Closed sessions whose frames are not all in their ring yet. */
  private readonly leaving = new Set<Session>()
  private readonly counts = new Map<string, Counts>()
  private readonly sharding = new Map<string, IngestSharding>()
  private readonly ownFramesMax: number
  private pumpTimer: TimerHandle | null = null
  private opened = 0
  private overruns = 0
  private accepting = true

  constructor(options: IngestOptions) {
    this.options = options
    this.ownFramesMax = Math.floor(options.backlogBytesMax / options.frameBytesMax)
    for (const exchange of options.exchanges.keys()) {
      this.counts.set(exchange, { frames: 0, bytes: 0 })
      this.sharding.set(exchange, new IngestSharding(exchange, options.sink.shards))
    }
  }

  admit(exchange: string): 'admitted' | 'unknown-exchange' | 'not-accepting' {
    if (!this.options.exchanges.has(exchange)) return 'unknown-exchange'
    return this.accepting ? 'admitted' : 'not-accepting'
  }

  /** One client. Its frames of one symbol go to one shard, in order. */
  open({ exchange, streamName, grant }: IngestOpen): Session {
    const index = this.options.exchanges.get(exchange)
    if (index === undefined) {
      const message = `opening ingest session: no exchange is called ${exchange.slice(0, 64)}`
      throw new SluiceError('SLUICE_EXCHANGE_UNKNOWN', message)
    }
    const counts = this.counts.get(exchange) as Counts
    const sharding = this.sharding.get(exchange) as IngestSharding
    this.opened += 1
    const session = new Session({
      hub: this,
      sink: this.options.sink,
      clock: this.options.clock,
      sharding,
      grant,
      counts,
      meta: { exchange: index, connection: this.options.nextConnection(), streamName }
    })
    this.sessions.add(session)
    this.giveCredit(session)
    return session
  }

  stats(): IngestStats {
    const all = [...this.sessions, ...this.leaving]
    const sum = (pick: (session: Session) => number): number =>
      all.reduce((total, session) => total + pick(session), 0)
    return {
      sessions: this.sessions.size,
      sessionsOpened: this.opened,
      overruns: this.overruns,
      creditOutstanding: sum((session) => session.outstanding),
      backlogFrames: sum((session) => session.backlog.length),
      backlogBytes: sum((session) => session.backlogBytes),
      received: [...this.counts].map(([exchange, counts]) => ({ exchange, ...counts }))
    }
  }

  /** No further clients and no further credit; what is under way is still taken. */
  stopAccepting(): void {
    this.accepting = false
  }

  /** Whether every received frame is in its ring. */
  isIdle(): boolean {
    return this.stats().backlogFrames === 0
  }

  /** Stops the timer. What is still in a backlog is given up; its number is returned. */
  destroy(): number {
    this.accepting = false
    if (this.pumpTimer !== null) this.options.clock.clearTimer(this.pumpTimer)
    this.pumpTimer = null
    return this.stats().backlogFrames
  }

  countOverrun(): void {
    this.overruns += 1
  }

  onClosed(session: Session): void {
    this.sessions.delete(session)
    if (session.backlog.length > 0) {
      this.leaving.add(session)
      this.schedulePump()
    }
  }

  /**
   * After a frame came in: the pump tops up when half of the credit is used. Never at once: credit given
   * between two frames of one read would cover a client that does not wait for it.
   */
  onAccepted(session: Session): void {
    if (session.outstanding * 2 <= this.share() || session.backlog.length > 0) this.schedulePump()
  }

  /** Frames one client may have under way, its backlog included. */
  private share(): number {
    const clients = Math.max(1, this.sessions.size)
    return Math.min(this.options.creditFrames, Math.max(1, Math.floor(this.ownFramesMax / clients)))
  }

  /** Frames that are promised to clients or wait here; each may be of the largest size. */
  private committed(): number {
    let frames = 0
    for (const session of this.sessions) frames += session.outstanding + session.backlog.length
    for (const session of this.leaving) frames += session.backlog.length
    return frames
  }

  private giveCredit(session: Session): void {
    if (!this.accepting) return
    const { sink } = this.options
    const hasRoom = leastFreeBytes(sink) >= sink.ringBytes * FREE_SHARE_MIN
    const own = this.share() - session.outstanding - session.backlog.length
    const frames = Math.min(own, this.ownFramesMax - this.committed())
    if (hasRoom && session.backlog.length === 0 && frames > 0) session.give(frames)
    else this.schedulePump()
  }

  private schedulePump(): void {
    if (this.pumpTimer !== null) return
    this.pumpTimer = this.options.clock.setTimer(() => this.pump(), PUMP_MS)
  }

  private pump(): void {
    this.pumpTimer = null
    for (const session of this.leaving) {
      if (session.flush()) this.leaving.delete(session)
    }
    let waiting = this.leaving.size > 0
    for (const session of this.sessions) {
      if (!session.flush()) waiting = true
      else if (session.outstanding * 2 <= this.share()) this.giveCredit(session)
    }
    if (waiting) this.schedulePump()
  }
}

/** The fullest ring decides: nobody knows which one a client's next frames belong to. */
function leastFreeBytes(sink: FrameSink): number {
  let least = Number.POSITIVE_INFINITY
  for (let shard = 0; shard < sink.shards; shard++) {
    least = Math.min(least, sink.freeBytes(shard))
  }
  return least
}

interface SessionOptions {
  readonly hub: IngestHub
  readonly sink: FrameSink
  readonly clock: Clock
  readonly sharding: IngestSharding
  readonly grant: (frames: number) => void
  readonly counts: Counts
  readonly meta: Pick<FrameMeta, 'exchange' | 'connection' | 'streamName'>
}

interface Waiting {
  readonly shard: number
  readonly frame: Uint8Array
  readonly meta: FrameMeta
}

class Session {
  readonly backlog: Waiting[] = []
  backlogBytes = 0
  /** Credit given and not yet used, frames. */
  outstanding = 0
  private readonly options: SessionOptions
  private closed = false

  constructor(options: SessionOptions) {
    this.options = options
  }

  give(frames: number): void {
    this.outstanding += frames
    this.options.grant(frames)
  }

  /** False = the client sent more than its credit; nothing was kept. */
  accept(frame: Uint8Array, binary: boolean): boolean {
    const { hub, sink, clock, counts, meta, sharding } = this.options
    if (this.closed) return false
    if (this.outstanding === 0) {
      hub.countOverrun()
      return false
    }
    this.outstanding -= 1
    counts.frames += 1
    counts.bytes += frame.length
    const full: FrameMeta = { ...meta, binary, receivedTimeUs: clock.wallUs() }
    const shard = sharding.shardOf(frame, meta.streamName)
    if (this.backlog.length > 0 || !sink.tryAccept(shard, frame, full)) {
      // Not `slice`: that of a Buffer is only a view.
      this.backlog.push({ shard, frame: Uint8Array.from(frame), meta: full })
      this.backlogBytes += frame.length
    }
    hub.onAccepted(this)
    return true
  }

  /** Moves waiting frames into the ring, in order. True = none is left. */
  flush(): boolean {
    let moved = 0
    for (const { shard, frame, meta } of this.backlog) {
      if (!this.options.sink.tryAccept(shard, frame, meta)) break
      this.backlogBytes -= frame.length
      moved += 1
    }
    this.backlog.splice(0, moved)
    return this.backlog.length === 0
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.outstanding = 0
    this.options.hub.onClosed(this)
  }
}

export type { Session as IngestHubSession }
