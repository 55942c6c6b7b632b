/**
 * The exchange's side of the sockets, as thin as can be: HTTP replies an adapter asks for before it
 * subscribes, the WebSocket handshake, SUBSCRIBE with its acknowledgement, pings. No compression.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { message } from './feed-frames.ts'

const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const OPCODE_TEXT = 1
const OPCODE_CLOSE = 8
const OPCODE_PING = 9

export interface FeedConnection {
  readonly socket: Duplex
  readonly streams: Set<string>
  closed: boolean
}

export interface FeedServerOptions {
  readonly symbols: readonly string[]
  readonly onStart: () => void
  readonly status: () => object
}

export class FeedServer {
  readonly connections: FeedConnection[] = []
  private readonly options: FeedServerOptions
  private readonly server: Server

  constructor(options: FeedServerOptions) {
    this.options = options
    this.server = createServer((request, response) => this.reply(request, response))
    this.server.on('upgrade', (request, socket) => this.accept(request, socket))
  }

  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, '127.0.0.1', () => {
        const address = this.server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  private reply(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').split('?')[0]
    const json = (body: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    if (path === '/feed/start' && request.method === 'POST') {
      this.options.onStart()
      json({})
    } else if (path === '/feed/status') json(this.options.status())
    else if (path === '/api/v3/exchangeInfo') json(this.exchangeInfo())
    else if (path === '/api/v3/time') json({ serverTime: Date.now() })
    else if (path === '/api/v3/ping') json({})
    else if (path === '/api/v3/depth') json({ lastUpdateId: 1, bids: [], asks: [] })
    else json({ code: -1121, msg: 'unknown path' }, 404)
  }

  private exchangeInfo(): object {
    return {
      timezone: 'UTC',
      serverTime: Date.now(),
      rateLimits: [],
      exchangeFilters: [],
      symbols: this.options.symbols.map((symbol) => ({
        symbol,
        status: 'TRADING',
        baseAsset: symbol.slice(0, -4),
        quoteAsset: 'USDT',
        isSpotTradingAllowed: true,
        permissions: ['SPOT'],
        permissionSets: [['SPOT']],
        filters: []
      }))
    }
  }

  private accept(request: IncomingMessage, socket: Duplex): void {
    const key = `${request.headers['sec-websocket-key'] ?? ''}${HANDSHAKE_GUID}`
    const accept = createHash('sha1').update(key).digest('base64')
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
    )
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams.get('streams') ?? ''
    const streams = new Set(query.split('/').filter((stream) => stream !== ''))
    const connection: FeedConnection = { socket, streams, closed: false }
    this.connections.push(connection)
    const end = () => {
      connection.closed = true
      const index = this.connections.indexOf(connection)
      if (index >= 0) this.connections.splice(index, 1)
    }
    socket.on('close', end)
    socket.on('error', end)
    let pending: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      pending = this.consume(connection, Buffer.concat([pending, chunk]))
    })
  }

  /** Handles the complete client messages in `data`; returns what is left. */
  private consume(connection: FeedConnection, data: Buffer): Buffer {
    let rest = data
    for (;;) {
      if (rest.length < 6) return rest
      const short = (rest[1] ?? 0) & 0x7f
      const start = short === 126 ? 8 : 6
      const bytes = short === 126 ? rest.readUInt16BE(2) : short
      if (rest.length < start + bytes) return rest
      const mask = rest.subarray(start - 4, start)
      const payload = Buffer.from(rest.subarray(start, start + bytes))
      payload.forEach((byte, index) => {
        payload[index] = byte ^ (mask[index & 3] ?? 0)
      })
      this.handle(connection, (rest[0] ?? 0) & 0x0f, payload)
      rest = rest.subarray(start + bytes)
    }
  }

  private handle(connection: FeedConnection, opcode: number, payload: Buffer): void {
    const { socket, streams } = connection
    if (opcode === OPCODE_CLOSE) socket.end(Buffer.from([0x88, 0]))
    else if (opcode === OPCODE_PING) {
      socket.write(Buffer.concat([Buffer.from([0x8a, payload.length]), payload]))
    } else if (opcode === OPCODE_TEXT) {
      const request: { method: string; params?: string[]; id: unknown } = JSON.parse(`${payload}`)
      for (const stream of request.params ?? []) {
        if (request.method === 'SUBSCRIBE') streams.add(stream)
        if (request.method === 'UNSUBSCRIBE') streams.delete(stream)
      }
      socket.write(message(JSON.stringify({ result: null, id: request.id })))
    }
  }
}
