/**
 * The listening side: HTTP requests and WebSocket upgrades of uWebSockets.js, turned into calls. Every
 * route runs in a wrapper, because one that throws would end the process. Main thread only.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { asError, SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import uws, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
  type us_socket_context_t,
  type WebSocket
} from '../http/uws.ts'
import type { ConnectionRequest, SocketData } from './connection.ts'

export interface HttpReply {
  readonly status: number
  readonly body: string | Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly delayMs: number
}

export interface HttpCall {
  readonly path: string
  readonly query: string
  readonly address: string
  readonly timeUnit: string
}

export interface FrontHandlers {
  onRequest(call: HttpCall): HttpReply
  /** A reply refuses the upgrade. */
  onUpgrade(call: HttpCall): ConnectionRequest | HttpReply
  onOpen(socket: WebSocket<SocketData>): void
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  414: 'URI Too Long',
  418: "I'm a teapot",
  429: 'Too Many Requests',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout'
}

export class HttpFront {
  readonly #app: TemplatedApp
  readonly #handlers: FrontHandlers
  readonly #logger: Logger
  #socket: us_listen_socket | null = null
  #host = ''
  #port = 0
  #closed = false

  constructor(handlers: FrontHandlers, logger: Logger) {
    this.#handlers = handlers
    this.#logger = logger
    this.#app = uws.App()
    const behavior = {
      maxPayloadLength: 1024 * 1024,
      // Back-pressure, idleness and pings are the exchange's own business here.
      maxBackpressure: 0,
      idleTimeout: 0,
      sendPingsAutomatically: false,
      upgrade: (res: HttpResponse, req: HttpRequest, context: us_socket_context_t) =>
        this.#upgrade(res, req, context),
      open: (socket: WebSocket<SocketData>) =>
        this.#safely('opening', () => handlers.onOpen(socket)),
      message: (socket: WebSocket<SocketData>, message: ArrayBuffer) => {
        const text = Buffer.from(message).toString()
        this.#safely('reading', () => socket.getUserData().connection?.onMessage(text))
      },
      ping: (socket: WebSocket<SocketData>) =>
        this.#safely('reading', () => socket.getUserData().connection?.onPing()),
      pong: (socket: WebSocket<SocketData>, message: ArrayBuffer) => {
        const text = Buffer.from(message).toString()
        this.#safely('reading', () => socket.getUserData().connection?.onPong(text))
      },
      drain: (socket: WebSocket<SocketData>) =>
        this.#safely('draining', () => socket.getUserData().connection?.onDrain()),
      close: (socket: WebSocket<SocketData>) =>
        this.#safely('closing', () => socket.getUserData().connection?.onClosed())
    }
    for (const pattern of ['/ws', '/ws/*', '/stream']) {
      this.#app.ws<SocketData>(pattern, behavior)
    }
    this.#app.any('/*', (res, req) => this.#request(res, req))
  }

  get port(): number {
    return this.#port
  }

  /** @throws SLUICE_HTTP_LISTEN when the port is taken */
  async listen(host: string, port: number): Promise<void> {
    this.#host = host
    const free = await freePort(host, port)
    const socket = await new Promise<us_listen_socket | false>((resolve) => {
      this.#app.listen(host, free, resolve)
    })
    if (socket === false) throw portTaken(host, free)
    this.#socket = socket
    this.#port = free
  }

  /** The kernel refuses new connections from now on; those that stand are left alone. */
  stopListening(): void {
    if (this.#socket === null) return
    uws.us_listen_socket_close(this.#socket)
    this.#socket = null
  }

  /** On the same port. uWebSockets.js shares it with the connections that stand. */
  listenAgain(): void {
    if (this.#closed || this.#socket !== null) return
    this.#app.listen(this.#host, this.#port, (socket) => {
      if (socket === false) {
        this.#report('listening again', portTaken(this.#host, this.#port))
      } else this.#socket = socket
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket = null
    this.#app.close()
  }

  #request(res: HttpResponse, req: HttpRequest): void {
    let aborted = false
    res.onAborted(() => {
      aborted = true
    })
    const reply = this.#reply(toCall(res, req))
    if (reply.delayMs === 0) {
      send(res, reply)
      return
    }
    setTimeout(() => {
      if (!aborted && !this.#closed) res.cork(() => send(res, reply))
    }, reply.delayMs)
  }

  /** A request that fails inside is answered 500: one left open would hang its client. */
  #reply(call: HttpCall): HttpReply {
    try {
      return this.#handlers.onRequest(call)
    } catch (error) {
      this.#report('answering', error)
      return {
        status: 500,
        body: '{"code":-1000,"msg":"Internal error."}',
        headers: {},
        delayMs: 0
      }
    }
  }

  #upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    res.onAborted(() => undefined)
    this.#safely('upgrading', () => {
      const answer = this.#handlers.onUpgrade(toCall(res, req))
      if ('status' in answer) {
        send(res, answer)
        return
      }
      res.upgrade<SocketData>(
        { request: answer, connection: null },
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context
      )
    })
  }

  #safely(doing: string, action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#report(doing, error)
    }
  }

  #report(doing: string, error: unknown): void {
    const { message, stack } = asError(error)
    this.#logger.error('simulated exchange failed', { doing, error: message, stack })
  }
}

/**
 * The port itself, or any free one for 0, found by listening on it for a moment: uWebSockets.js would
 * share a port that another of its kind listens on, and could not listen again on one it was given.
 */
async function freePort(host: string, port: number): Promise<number> {
  const probe = createServer()
  try {
    probe.listen({ host, port, exclusive: true })
    await once(probe, 'listening')
    return (probe.address() as AddressInfo).port
  } catch (error) {
    throw portTaken(host, port, error)
  } finally {
    if (probe.listening) {
      probe.close()
      await once(probe, 'close')
    }
  }
}

function portTaken(host: string, port: number, cause?: unknown): SluiceError {
  return new SluiceError(
    'SLUICE_HTTP_LISTEN',
    `listening on ${host}:${port}: the port is taken or the address is not ours`,
    { host, port },
    cause
  )
}

function toCall(res: HttpResponse, req: HttpRequest): HttpCall {
  return {
    path: req.getUrl(),
    // Undefined, whatever its type says, when the URL has no question mark.
    query: (req.getQuery() as string | undefined) ?? '',
    address: Buffer.from(res.getRemoteAddressAsText()).toString(),
    timeUnit: req.getHeader('x-mbx-time-unit')
  }
}

function send(res: HttpResponse, reply: HttpReply): void {
  res.writeStatus(`${reply.status} ${STATUS_TEXT[reply.status] ?? 'Error'}`)
  for (const [name, value] of Object.entries(reply.headers)) res.writeHeader(name, value)
  res.end(reply.body)
}
