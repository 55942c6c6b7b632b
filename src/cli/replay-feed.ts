/**
 * Pushes captured frames into an ingest listener: one connection for frames in combined form, one more
 * for each stream of raw frames, never more frames than the listener gave credit for.
 */
import type { CapturedFrame } from '../capture/captured.ts'
import { SluiceError } from '../core/errors.ts'
import { PushSocket } from '../transport/push-socket.ts'

export interface ReplayFeedOptions {
  /** `ws://host:port/ingest/{exchange}` */
  readonly url: string
  readonly token: string
}

const CONNECT_MS = 10_000
/** Raw frames need a connection a stream; the listener has its own, lower limit perhaps. */
const CONNECTIONS_MAX = 256
const BUFFERED_BYTES_MAX = 4 * 1024 * 1024

export class ReplayFeed {
  frames = 0
  bytes = 0
  readonly #options: ReplayFeedOptions
  readonly #lanes = new Map<string, Lane>()

  constructor(options: ReplayFeedOptions) {
    this.#options = options
  }

  get connections(): number {
    return this.#lanes.size
  }

  /** Null when it went out at once; otherwise resolves when it has. Frames keep their order. */
  push(frame: CapturedFrame): Promise<void> | null {
    const lane = this.#lanes.get(frame.stream ?? '')
    if (lane === undefined || !lane.ready) return this.#pushLater(frame)
    this.#send(lane, frame)
    return null
  }

  /** Resolves when everything is in the kernel's hands and the connections are told to close. */
  async close(): Promise<void> {
    for (const lane of this.#lanes.values()) await lane.finish()
  }

  /** Gives up at once: an open connection would keep the process alive. */
  abort(): void {
    for (const lane of this.#lanes.values()) lane.abort()
  }

  async #pushLater(frame: CapturedFrame): Promise<void> {
    const lane = await this.#lane(frame.stream)
    await lane.wait()
    this.#send(lane, frame)
  }

  #send(lane: Lane, frame: CapturedFrame): void {
    lane.send(frame.data)
    this.frames += 1
    this.bytes += frame.data.length
  }

  async #lane(stream: string | null): Promise<Lane> {
    const key = stream ?? ''
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    if (this.#lanes.size >= CONNECTIONS_MAX) {
      throw new SluiceError(
        'SLUICE_TRANSPORT_REFUSED',
        `replaying: raw frames of more than ${CONNECTIONS_MAX} streams`
      )
    }
    const url = new URL(this.#options.url)
    if (stream !== null) url.searchParams.set('stream', stream)
    const lane = await Lane.open(url.toString(), this.#options.token)
    this.#lanes.set(key, lane)
    return lane
  }
}

/** One connection and its credit. */
class Lane {
  #socket: PushSocket | null = null
  #credit = 0
  #closed: string | null = null
  #wake: (() => void) | null = null

  static async open(url: string, token: string): Promise<Lane> {
    const lane = new Lane()
    lane.#socket = await PushSocket.open({
      url,
      token,
      connectMs: CONNECT_MS,
      onText: (text) => lane.#onText(text),
      onClosed: (code, reason) => {
        lane.#closed = `${code} ${reason}`.trimEnd()
        lane.#wake?.()
      }
    })
    return lane
  }

  get ready(): boolean {
    return this.#closed === null && this.#credit > 0 && this.#buffered < BUFFERED_BYTES_MAX
  }

  /** @throws SLUICE_TRANSPORT_CLOSED when the listener ended the connection */
  async wait(): Promise<void> {
    while (!this.ready) {
      this.#assertOpen()
      await this.#event(this.#credit > 0)
    }
  }

  send(data: Uint8Array): void {
    this.#assertOpen()
    this.#credit -= 1
    this.#socket?.send(data)
  }

  async finish(): Promise<void> {
    while (this.#closed === null && this.#buffered > 0) await this.#event(true)
    this.#assertOpen()
    this.#socket?.close()
    while (this.#closed === null) await this.#event(false)
  }

  abort(): void {
    this.#socket?.terminate()
  }

  get #buffered(): number {
    return this.#socket?.bufferedBytes ?? 0
  }

  /** The next message or close; or, while bytes wait for the kernel, a moment. */
  #event(timed: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = timed ? setTimeout(resolve, 1) : null
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer)
        this.#wake = null
        resolve()
      }
    })
  }

  #onText(text: string): void {
    const credit = creditOf(text)
    if (credit === null) return
    this.#credit += credit
    this.#wake?.()
  }

  #assertOpen(): void {
    if (this.#closed === null) return
    throw new SluiceError(
      'SLUICE_TRANSPORT_CLOSED',
      `replaying: the listener closed the connection: ${this.#closed}`
    )
  }
}

function creditOf(text: string): number | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  const credit = (value as { credit?: unknown } | null)?.credit
  return typeof credit === 'number' && Number.isSafeInteger(credit) && credit > 0 ? credit : null
}
