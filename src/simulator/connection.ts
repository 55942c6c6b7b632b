/** One client's stream connection: what it subscribed to, what waits to be sent, and its deadlines. */
import type { Clock, TimerHandle } from '../core/clock.ts'
import type { WebSocket } from '../http/uws.ts'
import { answerControl, type ControlReply, type ControlStyle } from './control-messages.ts'
import type { Frame } from './frame.ts'
import type { FrameFaults, HeldFrames } from './frame-faults.ts'
import type { Journal } from './journal.ts'
import { type ExchangeLimits, SlidingWindow } from './limits.ts'
import type { TimeUnit } from './payloads.ts'
import type { Listener } from './stream-hub.ts'

export interface ConnectionRequest {
  readonly combined: boolean
  readonly timeUnit: TimeUnit
  readonly streams: readonly string[]
  readonly address: string
}

/** What uWebSockets.js keeps beside a socket. */
export interface SocketData {
  readonly request: ConnectionRequest
  connection: Connection | null
}

/** Faults and counters that all connections share. */
export interface ConnectionEnvironment {
  readonly clock: Clock
  readonly limits: ExchangeLimits
  readonly style: ControlStyle
  readonly journal: Journal
  readonly frameFaults: FrameFaults
  readonly counts: { framesSent: number; bytesSent: number; controlReceived: number }
  subscribe(name: string, connection: Connection): void
  unsubscribe(name: string, connection: Connection): void
  /** There is something to flush. */
  onPending(connection: Connection): void
  /** How long an incoming message waits before it is looked at. */
  readingDelayMs(): number
  /** Null: never answered. */
  ackDelayMs(): number | null
  onCut(connection: Connection, reason: string): void
  onClosed(connection: Connection): void
}

export class Connection implements Listener, HeldFrames {
  readonly id: number
  readonly address: string
  readonly timeUnit: TimeUnit
  combined: boolean
  held: Frame | null = null
  /** Nothing is sent or answered any more, though the socket stays open. */
  silent = false
  /** Pings and replies go on, frames do not. */
  mute = false
  /** Called when the socket's back-pressure went down; for senders that bypass the outbox. */
  drained: (() => void) | null = null
  readonly #socket: WebSocket<SocketData>
  readonly #environment: ConnectionEnvironment
  readonly #streams = new Set<string>()
  readonly #messages: SlidingWindow
  readonly #timers = new Set<TimerHandle>()
  #outbox: Frame[] = []
  /** Payloads of the pings since the last pong, and when the first of them had to be answered. */
  #unanswered: string[] = []
  #pongDeadlineMs = 0
  #open = true

  constructor(id: number, socket: WebSocket<SocketData>, environment: ConnectionEnvironment) {
    const { request } = socket.getUserData()
    this.id = id
    this.address = request.address
    this.combined = request.combined
    this.timeUnit = request.timeUnit
    this.#socket = socket
    this.#environment = environment
    this.#messages = new SlidingWindow(environment.limits.messagesPerSecond, 1000)
    this.subscribe(request.streams)
    this.#schedulePing()
    this.#after(environment.limits.connectionLifeMs, () => this.end(1000, ''))
  }

  get open(): boolean {
    return this.#open
  }

  get streamNames(): readonly string[] {
    return [...this.#streams]
  }

  get bufferedBytes(): number {
    return this.#open ? this.#socket.getBufferedAmount() : 0
  }

  has(stream: string): boolean {
    return this.#streams.has(stream)
  }

  subscribe(names: readonly string[]): boolean {
    const wanted = new Set([...this.#streams, ...names])
    if (wanted.size > this.#environment.limits.streamsPerConnection) return false
    for (const name of names) {
      if (this.#streams.has(name)) continue
      this.#streams.add(name)
      this.#environment.subscribe(name, this)
    }
    return true
  }

  unsubscribe(names: readonly string[]): void {
    for (const name of names) {
      if (this.#streams.delete(name)) this.#environment.unsubscribe(name, this)
    }
  }

  /** Queues a frame for the next flush, through the fault plan. */
  enqueue(frame: Frame): void {
    if (this.silent || this.mute || !this.#open) return
    if (this.#outbox.length === 0) this.#environment.onPending(this)
    const { frameFaults } = this.#environment
    if (frameFaults.idle && this.held === null) this.#outbox.push(frame)
    else frameFaults.apply(frame, this, (each) => this.#outbox.push(each))
  }

  /** Hands all queued frames to the socket in one batch. */
  flush(): void {
    const frames = this.#outbox
    if (frames.length === 0 || !this.#open) return
    this.#outbox = []
    this.sendBatch(() => {
      for (const frame of frames) {
        if (!this.#open) return
        this.#send(frame)
      }
    })
    const { limits } = this.#environment
    if (this.#open && this.#socket.getBufferedAmount() > limits.unsentBytesMax) {
      this.cut('Too slow')
    }
  }

  /** Corks the socket while `send` runs; for senders that bypass the outbox. */
  sendBatch(send: (socket: WebSocket<SocketData>) => void): void {
    if (this.#open) this.#socket.cork(() => send(this.#socket))
  }

  onMessage(text: string): void {
    this.#environment.counts.controlReceived += 1
    if (!this.#countMessage()) return
    if (Buffer.byteLength(text) > this.#environment.limits.controlBytesMax) return
    const delayMs = this.#environment.readingDelayMs()
    if (delayMs > 0) this.#after(delayMs, () => this.#answer(text))
    else this.#answer(text)
  }

  onPing(): void {
    this.#countMessage()
  }

  /** Only a pong that copies a ping's payload keeps the connection alive. */
  onPong(text: string): void {
    if (!this.#countMessage()) return
    if (this.#unanswered.includes(text)) this.#unanswered = []
  }

  /** An orderly close with a close frame. */
  end(code: number, reason: string): void {
    if (this.#open) this.#socket.end(code, reason)
  }

  /** The end of the TCP connection without a close frame. */
  reset(): void {
    if (this.#open) this.#socket.close()
  }

  cut(reason: string): void {
    this.#environment.onCut(this, reason)
    this.end(1008, reason)
  }

  onClosed(): void {
    this.#open = false
    this.unsubscribe(this.streamNames)
    for (const timer of this.#timers) this.#environment.clock.clearTimer(timer)
    this.#timers.clear()
    this.#outbox = []
    this.#environment.onClosed(this)
  }

  /** The kernel took what was waiting. */
  onDrain(): void {
    this.drained?.()
  }

  #send(frame: Frame): void {
    // Two would mean that uWebSockets.js dropped it; no limit is set there, so it never does.
    if (this.#socket.send(frame.data, false) === 2) return
    const { counts, journal } = this.#environment
    counts.framesSent += 1
    counts.bytesSent += Buffer.byteLength(frame.data)
    journal.sent(this.id, frame)
  }

  #answer(text: string): void {
    if (this.silent || !this.#open) return
    const reply = answerControl(text, this, this.#environment.style)
    const delayMs = this.#environment.ackDelayMs()
    if (delayMs === null) return
    if (delayMs > 0) this.#after(delayMs, () => this.#reply(reply))
    else this.#reply(reply)
  }

  #reply(reply: ControlReply): void {
    if (this.silent || !this.#open) return
    if (reply.kind === 'close') this.end(reply.code, reply.reason)
    else this.#socket.send(reply.text, false)
  }

  #countMessage(): boolean {
    if (this.#messages.take(this.#environment.clock.monotonicMs())) return true
    this.cut('Too many requests')
    return false
  }

  #schedulePing(): void {
    this.#after(this.#environment.limits.pingIntervalMs, () => {
      this.#ping()
      if (this.#open) this.#schedulePing()
    })
  }

  #ping(): void {
    if (this.silent) return
    const { clock, limits } = this.#environment
    const nowMs = clock.monotonicMs()
    if (this.#unanswered.length === 0) this.#pongDeadlineMs = nowMs + limits.pongDeadlineMs
    else if (nowMs >= this.#pongDeadlineMs) {
      this.end(1008, 'Pong timeout')
      return
    }
    const text = String(Math.floor(clock.wallUs() / 1000))
    this.#unanswered.push(text)
    this.#socket.ping(text)
  }

  #after(ms: number, action: () => void): void {
    const { clock } = this.#environment
    const timer = clock.setTimer(() => {
      this.#timers.delete(timer)
      if (this.#open) action()
    }, ms)
    this.#timers.add(timer)
  }
}
