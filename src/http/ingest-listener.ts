/**
 * `/ingest/{exchange}?stream=NAME`: one raw frame per WebSocket message. uWebSockets.js cannot pause a
 * socket, so the client is told by `{"credit":N}` how many further frames it may send; one that sends
 * more is closed with 1013. Main thread.
 */
import type { LogLimiter } from '../telemetry/log-limiter.ts'
import { type Access, bearerToken } from './access.ts'
import type { IngestAdmission, IngestSession, ServiceControl } from './control.ts'
import { HttpError, httpErrorOf, statusLine } from './http-error.ts'
import { headOf } from './route.ts'
import uws, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_socket_context_t,
  type WebSocket
} from './uws.ts'

const CLOSE_GOING_AWAY = 1001
const CLOSE_TOO_BIG = 1009
const CLOSE_INTERNAL = 1011
const CLOSE_OVERRUN = 1013
/** Beyond the limit the client is told so; beyond this, uWebSockets.js cuts it off without a word. */
const HARD_LIMIT_FACTOR = 4
const IDLE_SECONDS = 120
const STREAM_NAME_BYTES_MAX = 256

export interface IngestListenerLimits {
  readonly frameBytesMax: number
  readonly connectionsMax: number
}

export interface IngestListenerOptions {
  readonly control: ServiceControl
  readonly access: Access
  readonly token: string
  readonly limits: IngestListenerLimits
  readonly log: LogLimiter
  /** A client's connection has ended. */
  readonly onReleased: () => void
}

interface Client {
  readonly exchange: string
  readonly streamName: string | null
  session: IngestSession | null
}

type RefusalReason =
  | 'host'
  | 'token'
  | 'unknown_exchange'
  | 'not_accepting'
  | 'too_many'
  | 'overrun'
  | 'too_big'
  | 'bad_request'

export class IngestListener {
  private readonly options: IngestListenerOptions
  private readonly sockets = new Set<WebSocket<Client>>()
  private readonly counts: Record<RefusalReason, number> = {
    host: 0,
    token: 0,
    unknown_exchange: 0,
    not_accepting: 0,
    too_many: 0,
    overrun: 0,
    too_big: 0,
    bad_request: 0
  }

  constructor(options: IngestListenerOptions) {
    this.options = options
  }

  get connections(): number {
    return this.sockets.size
  }

  /** Clients refused or closed, by reason. */
  get refused(): Readonly<Record<string, number>> {
    return { ...this.counts }
  }

  attach(app: TemplatedApp): void {
    app.ws<Client>('/ingest/:exchange', {
      maxPayloadLength: this.options.limits.frameBytesMax * HARD_LIMIT_FACTOR,
      compression: uws.DISABLED,
      idleTimeout: IDLE_SECONDS,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => this.onUpgrade(res, req, context),
      open: (socket) => this.onOpen(socket),
      message: (socket, message, binary) => this.onMessage(socket, message, binary),
      close: (socket) => this.onClose(socket)
    })
    app.get('/ingest/:exchange', (res) => {
      reply(
        res,
        new HttpError(426, {
          code: 'upgrade_required',
          message: 'this path speaks WebSocket',
          headers: { Upgrade: 'websocket' }
        })
      )
    })
  }

  close(): void {
    for (const socket of [...this.sockets]) {
      socket.end(CLOSE_GOING_AWAY, 'the service is stopping')
    }
  }

  private onUpgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    try {
      const client = this.admit(res, req)
      res.upgrade<Client>(
        client,
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context
      )
    } catch (error) {
      reply(res, httpErrorOf(error))
    }
  }

  /** @throws HttpError, having counted the reason */
  private admit(res: HttpResponse, req: HttpRequest): Client {
    const { access, token, control, limits } = this.options
    const head = headOf(res, req)
    const query = new URLSearchParams(req.getQuery())
    this.counted('host', () => access.checkHost(head))
    const shown = bearerToken(head.authorization) || (query.get('token') ?? '')
    this.counted('token', () => access.checkToken(head, shown, token))
    const exchange = this.counted('bad_request', () => exchangeOf(req))
    const admission = control.admitIngest(exchange)
    if (admission !== 'admitted') throw this.notAdmitted(admission, exchange)
    const streamName = query.get('stream')
    if (streamName !== null && !isStreamName(streamName)) {
      this.counts.bad_request += 1
      throw new HttpError(400, { code: 'bad_stream', message: 'the stream name is not acceptable' })
    }
    if (this.sockets.size >= limits.connectionsMax) {
      this.counts.too_many += 1
      throw new HttpError(503, {
        code: 'too_many_clients',
        message: `no more than ${limits.connectionsMax} ingest clients are taken`,
        headers: { 'Retry-After': '5' }
      })
    }
    return { exchange, streamName, session: null }
  }

  private notAdmitted(
    admission: Exclude<IngestAdmission, 'admitted'>,
    exchange: string
  ): HttpError {
    if (admission === 'unknown-exchange') {
      this.counts.unknown_exchange += 1
      const message = `no exchange is called ${exchange.slice(0, 64)}`
      return new HttpError(404, { code: 'unknown_exchange', message })
    }
    this.counts.not_accepting += 1
    const message = 'the service takes no frames now'
    return new HttpError(503, { code: 'not_accepting', message, headers: { 'Retry-After': '5' } })
  }

  private counted<T>(reason: RefusalReason, check: () => T): T {
    try {
      return check()
    } catch (error) {
      this.counts[reason] += 1
      throw error
    }
  }

  private onOpen(socket: WebSocket<Client>): void {
    const client = socket.getUserData()
    this.sockets.add(socket)
    try {
      client.session = this.options.control.openIngest({
        exchange: client.exchange,
        streamName: client.streamName,
        grant: (frames) => {
          if (this.sockets.has(socket)) socket.send(`{"credit":${frames}}`)
        }
      })
    } catch (error) {
      this.fail(socket, error)
    }
  }

  private onMessage(socket: WebSocket<Client>, message: ArrayBuffer, binary: boolean): void {
    const { session } = socket.getUserData()
    if (session === null) return
    try {
      if (message.byteLength > this.options.limits.frameBytesMax) {
        this.counts.too_big += 1
        socket.end(CLOSE_TOO_BIG, 'the frame is too large')
      } else if (!session.accept(new Uint8Array(message), binary)) {
        this.counts.overrun += 1
        socket.end(CLOSE_OVERRUN, 'more frames than credit')
      }
    } catch (error) {
      this.fail(socket, error)
    }
  }

  /** Also called, synchronously, from within `socket.end`. */
  private onClose(socket: WebSocket<Client>): void {
    this.sockets.delete(socket)
    const client = socket.getUserData()
    const { session } = client
    client.session = null
    this.options.onReleased()
    try {
      session?.close()
    } catch (error) {
      this.options.log.error('close', 'closing ingest session failed', { error: String(error) })
    }
  }

  private fail(socket: WebSocket<Client>, error: unknown): void {
    this.options.log.error('session', 'ingest session failed', { error: String(error) })
    if (this.sockets.has(socket)) socket.end(CLOSE_INTERNAL, 'the service failed')
  }
}

function exchangeOf(req: HttpRequest): string {
  try {
    return decodeURIComponent(req.getParameter(0))
  } catch {
    throw new HttpError(400, { code: 'bad_path', message: 'the path is not well encoded' })
  }
}

function isStreamName(name: string): boolean {
  const bytes = Buffer.byteLength(name)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the purpose
  return bytes > 0 && bytes <= STREAM_NAME_BYTES_MAX && !/[\u0000-\u001f\u007f"\\]/.test(name)
}

function reply(res: HttpResponse, error: HttpError): void {
  res.cork(() => {
    res.writeStatus(statusLine(error.status))
    res.writeHeader('Content-Type', 'application/json')
    for (const [name, value] of Object.entries(error.headers)) res.writeHeader(name, value)
    res.end(`${JSON.stringify({ error: { code: error.code, message: error.message } })}\n`)
  })
}
