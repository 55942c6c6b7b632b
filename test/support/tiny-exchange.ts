/**
 * A small exchange on one loopback port: exchangeInfo and the probe endpoints over HTTP, combined streams
 * over WebSocket, and every misbehaviour a test asks for. It sends only what the test sends.
 */
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

export interface TinyConnection {
  readonly socket: WebSocket
  readonly raw: Socket
  readonly url: string
  readonly streams: Set<string>
  /** Connections that were open when this one was accepted. */
  readonly openBefore: number
  readonly messages: { readonly text: string; readonly atMs: number }[]
  readonly pongs: { readonly text: string; readonly atMs: number }[]
}

export interface TinyBehaviour {
  /** What to do with a control message; default is to obey and acknowledge. */
  control?: (text: string, connection: TinyConnection) => 'obey' | 'ignore' | 'swallow'
  /** Status with which upgrades are refused. */
  refuseStatus: number | null
  retryAfter: string | null
  /** Answers by path prefix; default: exchangeInfo of `symbols`. */
  rest: Map<
    string,
    (url: string) => {
      readonly status: number
      readonly body: string | Buffer
      readonly headers?: Record<string, string>
    }
  >
}

export class TinyExchange {
  readonly connections: TinyConnection[] = []
  readonly requests: string[] = []
  dials = 0
  /** Upgrades get no answer at all. */
  silentUpgrades = false
  /** Requests get no answer at all. */
  silentRequests = false
  readonly behaviour: TinyBehaviour = { refuseStatus: null, retryAfter: null, rest: new Map() }
  /** What exchangeInfo lists. */
  symbols: readonly string[]
  private server = http.createServer()
  private readonly webSockets = new WebSocketServer({ noServer: true })
  private readonly sockets = new Set<Socket>()
  private port = 0

  constructor(symbols: readonly string[] = ['BTCUSDT', 'ETHUSDT']) {
    this.symbols = symbols
  }

  async open(): Promise<this> {
    this.server = http.createServer((request, response) => this.answer(request, response))
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('error', () => undefined)
    })
    this.server.on('upgrade', (request, socket, head) => {
      this.dials += 1
      if (this.silentUpgrades) return
      const { refuseStatus, retryAfter } = this.behaviour
      if (refuseStatus !== null) {
        const header = retryAfter === null ? '' : `Retry-After: ${retryAfter}\r\n`
        socket.end(`HTTP/1.1 ${refuseStatus} No\r\n${header}Content-Length: 0\r\n\r\n`)
        return
      }
      this.webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.accept(webSocket, socket as Socket, request.url ?? '')
      })
    })
    await new Promise<void>((resolve) => {
      this.server.listen(this.port, '127.0.0.1', resolve)
    })
    this.port = (this.server.address() as AddressInfo).port
    return this
  }

  /** Nothing listens any more; `open` again takes the same port. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve())
    })
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  get restUrl(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Connections that are open now. */
  live(): readonly TinyConnection[] {
    return this.connections.filter((connection) => connection.socket.readyState === 1)
  }

  /** To every connection subscribed to the stream. Returns how many that were. */
  publish(stream: string, data: string): number {
    const carriers = this.live().filter((connection) => connection.streams.has(stream))
    for (const { socket } of carriers) socket.send(`{"stream":"${stream}","data":${data}}`)
    return carriers.length
  }

  private accept(socket: WebSocket, raw: Socket, url: string): void {
    const names = new URL(url, 'ws://localhost').searchParams.get('streams')
    const streams = new Set(names === null ? [] : names.split('/'))
    const openBefore = this.live().length
    const connection: TinyConnection = {
      socket,
      raw,
      url,
      streams,
      openBefore,
      messages: [],
      pongs: []
    }
    this.connections.push(connection)
    socket.on('error', () => undefined)
    socket.on('pong', (data) =>
      connection.pongs.push({ text: data.toString(), atMs: performance.now() })
    )
    socket.on('message', (data) => this.control(connection, String(data)))
  }

  private control(connection: TinyConnection, text: string): void {
    connection.messages.push({ text, atMs: performance.now() })
    const verdict = this.behaviour.control?.(text, connection) ?? 'obey'
    if (verdict === 'swallow') return
    const { method, params, id } = JSON.parse(text) as {
      readonly method: string
      readonly params?: readonly string[]
      readonly id: number
    }
    if (method === 'LIST_SUBSCRIPTIONS') {
      connection.socket.send(JSON.stringify({ result: [...connection.streams], id }))
      return
    }
    for (const name of params ?? []) {
      if (method === 'SUBSCRIBE') connection.streams.add(name)
      else connection.streams.delete(name)
    }
    if (verdict === 'obey') connection.socket.send(JSON.stringify({ result: null, id }))
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = request.url ?? ''
    this.requests.push(url)
    if (this.silentRequests) return
    for (const [prefix, reply] of this.behaviour.rest) {
      if (!url.startsWith(prefix)) continue
      const { status, body, headers } = reply(url)
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
      return
    }
    const symbols = this.symbols.map((symbol) => ({ symbol, status: 'TRADING' }))
    response
      .writeHead(200, { 'content-type': 'application/json', 'x-mbx-used-weight-1m': '20' })
      .end(JSON.stringify({ symbols }))
  }
}
