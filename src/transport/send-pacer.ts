import type { Clock, TimerHandle } from '../core/clock.ts'

export interface SendPacerOptions {
  readonly clock: Clock
  /** Messages of all kinds in any one second. */
  readonly messagesPerSecondMax: number
  /** Control messages of these; the rest is room for pongs. */
  readonly controlPerSecondMax: number
  readonly sendText: (text: string) => void
  readonly sendPong: (payload: Uint8Array) => void
}

interface QueuedText {
  readonly text: string
  readonly sent: () => void
}

/** The exchange's second and ours are not the same one: messages leave a little slower. */
const WINDOW_MS = 1100

/**
 * Paces what a connection sends: the exchange counts pings, pongs and control messages alike and cuts
 * (later bans) whoever exceeds its limit. Pongs go first, and only the newest ping is answered.
 */
export class SendPacer {
  private readonly options: SendPacerOptions
  private readonly sentAtMs: number[] = []
  private readonly controlAtMs: number[] = []
  private readonly queue: QueuedText[] = []
  private pong: Uint8Array | null = null
  private timer: TimerHandle | null = null
  private closed = false
  /** Pings that got no answer because a newer one came first. */
  pongsSuppressed = 0

  constructor(options: SendPacerOptions) {
    this.options = options
  }

  /** `sent` is called when the message leaves, now or later. */
  sendControl(text: string, sent: () => void): void {
    this.queue.push({ text, sent })
    this.pump()
  }

  answerPing(payload: Uint8Array): void {
    if (this.pong !== null) this.pongsSuppressed += 1
    // A view into the socket's chunk: an answer that waits must not pin it.
    this.pong = Uint8Array.from(payload)
    this.pump()
  }

  get queued(): number {
    return this.queue.length
  }

  close(): void {
    this.closed = true
    this.queue.length = 0
    this.pong = null
    if (this.timer !== null) this.options.clock.clearTimer(this.timer)
    this.timer = null
  }

  private pump(): void {
    if (this.closed) return
    const { clock, messagesPerSecondMax, controlPerSecondMax } = this.options
    const nowMs = clock.monotonicMs()
    forget(this.sentAtMs, nowMs)
    forget(this.controlAtMs, nowMs)
    while (this.sentAtMs.length < messagesPerSecondMax) {
      if (this.pong !== null) {
        const payload = this.pong
        this.pong = null
        this.sentAtMs.push(nowMs)
        this.options.sendPong(payload)
      } else if (this.queue.length > 0 && this.controlAtMs.length < controlPerSecondMax) {
        this.sentAtMs.push(nowMs)
        this.controlAtMs.push(nowMs)
        const { text, sent } = this.queue.shift() as QueuedText
        this.options.sendText(text)
        sent()
      } else break
    }
    this.schedule(nowMs)
  }

  private schedule(nowMs: number): void {
    if (this.timer !== null || (this.pong === null && this.queue.length === 0)) return
    const isFull = this.sentAtMs.length >= this.options.messagesPerSecondMax
    const oldestMs = (isFull ? this.sentAtMs[0] : this.controlAtMs[0]) ?? nowMs
    this.timer = this.options.clock.setTimer(
      () => {
        this.timer = null
        this.pump()
      },
      Math.max(1, Math.ceil(oldestMs + WINDOW_MS - nowMs))
    )
  }
}

function forget(times: number[], nowMs: number): void {
  while (times.length > 0 && nowMs - (times[0] as number) >= WINDOW_MS) times.shift()
}
