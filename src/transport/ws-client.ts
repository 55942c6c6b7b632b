/**
 * One outbound WebSocket over `ws`: dialled with fresh DNS and two deadlines, read without copies,
 * paused and resumed, ended for exactly one reason. Knows nothing of exchanges.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Clock, TimerHandle } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { createLookup } from './dns-lookup.ts'
import { SendPacer } from './send-pacer.ts'

export interface WsClientOptions {
  readonly url: string
  readonly deflate: boolean
  /** Larger messages end the connection, bytes. */
  readonly payloadBytesMax: number
  readonly connectMs: number
  readonly handshakeMs: number
  readonly messagesPerSecondMax: number
  readonly controlPerSecondMax: number
  readonly clock: Clock
  readonly listener: WsListener
}

export interface WsListener {
  opened(): void
  /** The frame is a view that stays valid; it must not be changed. */
  frame(data: Buffer, binary: boolean): void
  pinged(): void
  /** Exactly once, also when the dial failed; nothing follows. */
  closed(end: WsEnd): void
}

export interface WsEnd {
  /** Close code of the protocol, 1006 where there was none. */
  readonly code: number
  readonly reason: string
  /** Why it was not opened, or what broke it. */
  readonly error: SluiceError | null
  /** Status of the HTTP answer that refused the upgrade, else null. */
  readonly httpStatus: number | null
  readonly retryAfterMs: number | null
  readonly wasOpen: boolean
}

/** A fragment or chunk costs memory beyond its bytes; real frames come whole. */
const FRAGMENTS_MAX = 1024
const BUFFERED_CHUNKS_MAX = 256 * 1024
const CLOSE_WAIT_MS = 1000

export class WsClient {
  private readonly options: WsClientOptions
  private readonly socket: WebSocket
  private readonly pacer: SendPacer
  private timer: TimerHandle | null = null
  private error: SluiceError | null = null
  private httpStatus: number | null = null
  private retryAfterMs: number | null = null
  private wasOpen = false
  private ended = false

  constructor(options: WsClientOptions) {
    this.options = options
    this.pacer = new SendPacer({
      ...options,
      sendText: (text) => this.socket.send(text),
      sendPong: (payload) => this.socket.pong(payload)
    })
    this.socket = new WebSocket(options.url, {
      perMessageDeflate: options.deflate,
      maxPayload: options.payloadBytesMax,
      maxFragments: FRAGMENTS_MAX,
      maxBufferedChunks: BUFFERED_CHUNKS_MAX,
      // The parsers validate UTF-8 over the whole document; doing it here would do it twice.
      skipUTF8Validation: true,
      // Pongs share the pacer with control messages: a flood of pings must not exceed the limit.
      autoPong: false,
      followRedirects: false,
      lookup: createLookup(),
      // One dead address must not use up the whole time of a dial.
      autoSelectFamilyAttemptTimeout: Math.max(250, Math.floor(options.connectMs / 3)),
      finishRequest: (request: ClientRequest) => this.dial(request)
    } as ConstructorParameters<typeof WebSocket>[2])
    this.listen()
  }

  /** Queued and paced; silently dropped when the connection is not open any more. */
  sendControl(text: string, sent: () => void): void {
    if (this.socket.readyState === WebSocket.OPEN) this.pacer.sendControl(text, sent)
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  get pongsSuppressed(): number {
    return this.pacer.pongsSuppressed
  }

  /** Ends it now; what was read is still handed over, then `closed` comes. */
  terminate(): void {
    this.socket.terminate()
  }

  /**
   * With a closing handshake, for at most a second. A paused socket is ended at once: the handshake
   * would first have to read everything the kernel had buffered meanwhile, and nobody has room for it.
   */
  close(): void {
    this.pacer.close()
    if (this.socket.readyState === WebSocket.CONNECTING || this.socket.isPaused) {
      this.socket.terminate()
      return
    }
    this.socket.close(1000)
    this.setDeadline(CLOSE_WAIT_MS, () => this.socket.terminate())
  }

  private listen(): void {
    const { socket } = this
    const { listener } = this.options
    socket.on('open', () => {
      this.wasOpen = true
      this.clearDeadline()
      listener.opened()
    })
    socket.on('message', (data, binary) => listener.frame(data as Buffer, binary))
    socket.on('ping', (payload) => {
      if (socket.readyState === WebSocket.OPEN) this.pacer.answerPing(payload)
      listener.pinged()
    })
    socket.on('unexpected-response', (_request, response) => this.refused(response))
    socket.on('error', (cause) => {
      this.error ??= this.failure(cause.message || cause.name, cause)
    })
    socket.on('close', (code, reason) => {
      if (this.ended) return
      this.ended = true
      this.clearDeadline()
      this.pacer.close()
      const { error, httpStatus, retryAfterMs, wasOpen } = this
      listener.closed({ code, reason: reason.toString(), error, httpStatus, retryAfterMs, wasOpen })
    })
  }

  private dial(request: ClientRequest): void {
    const { connectMs, handshakeMs } = this.options
    const expire = (what: string, ms: number) => () => {
      this.error ??= this.failure(`${what} took more than ${ms} ms`, undefined, true)
      this.socket.terminate()
    }
    this.setDeadline(connectMs, expire('connecting', connectMs))
    request.once('socket', (socket: Duplex) => {
      const ready = this.options.url.startsWith('wss:') ? 'secureConnect' : 'connect'
      socket.once(ready, () => this.setDeadline(handshakeMs, expire('the handshake', handshakeMs)))
    })
    request.end()
  }

  private refused(response: IncomingMessage): void {
    const status = response.statusCode ?? 0
    const retryAfter = response.headers['retry-after']
    this.httpStatus = status
    if (retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter)) {
      this.retryAfterMs = Number(retryAfter) * 1000
    }
    this.error ??= this.failure(`the server answered ${status} instead of upgrading`)
    response.destroy()
    this.socket.terminate()
  }

  private failure(what: string, cause?: unknown, timeout = false): SluiceError {
    const url = this.options.url.replace(/\?.*/, '')
    const code = timeout ? 'SLUICE_TRANSPORT_TIMEOUT' : 'SLUICE_TRANSPORT_CONNECT'
    const doing = this.wasOpen ? 'reading' : 'opening'
    return new SluiceError(code, `${doing} ${url}: ${what}`, { url }, cause)
  }

  private setDeadline(ms: number, callback: () => void): void {
    this.clearDeadline()
    if (this.ended) return
    this.timer = this.options.clock.setTimer(callback, ms)
  }

  private clearDeadline(): void {
    if (this.timer !== null) this.options.clock.clearTimer(this.timer)
    this.timer = null
  }
}
