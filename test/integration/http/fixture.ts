/** A server over a made-up service, and raw ways to speak to it. */
import http from 'node:http'
import net from 'node:net'
import { systemClock } from '../../../src/core/clock.ts'
import { SluiceError } from '../../../src/core/errors.ts'
import {
  type LogFields,
  type Logger,
  type LogLevel,
  silentLogger
} from '../../../src/core/logger.ts'
import type { IngestRequest, IngestSession, ServiceControl } from '../../../src/http/control.ts'
import { HttpServer, type HttpServerOptions } from '../../../src/http/server.ts'
import type { AdapterSummary, ServiceStatus } from '../../../src/model/status.ts'
import type { DataSubscription } from '../../../src/model/subscription.ts'

export class FakeControl implements ServiceControl {
  ready = true
  level: LogLevel = 'info'
  drained = 0
  readonly calls: string[] = []
  list: DataSubscription[] = [{ adapter: 'binance', channels: ['trade'], symbols: ['BTCUSDT'] }]
  /** Thrown, or awaited, where a test puts it. */
  fault: (() => void | Promise<void>) | null = null
  ingest: ((request: IngestRequest) => IngestSession) | null = null
  accepting = true
  readonly faults = null

  livez = () => ({ ok: true, reasons: [] })
  readyz = () => ({ ok: this.ready, reasons: this.ready ? [] : ['kafka: no broker answers'] })
  health = () => ({ live: this.livez(), ready: this.readyz(), components: {} })
  status(): ServiceStatus {
    void this.fault?.()
    return { version: '1', state: 'running' } as ServiceStatus
  }
  async metricsText(): Promise<string> {
    await this.fault?.()
    return '# HELP x y\nx 1\n'
  }
  async metricsJson(): Promise<unknown> {
    await this.fault?.()
    return { x: 1 }
  }
  adapters = () => [this.summary('binance')]
  startAdapter = (name: string) => this.act('start', name)
  stopAdapter = (name: string) => this.act('stop', name)
  restartAdapter = (name: string) => this.act('restart', name)
  subscriptions = () => this.list
  async subscribe(list: readonly DataSubscription[]): Promise<void> {
    this.calls.push(`subscribe ${JSON.stringify(list)}`)
    const unknown = list.flatMap((item) => item.symbols.filter((symbol) => symbol.startsWith('NO')))
    if (unknown.length > 0) {
      const message = `subscribing: unknown symbols ${unknown.join(', ')}`
      throw new SluiceError('SLUICE_EXCHANGE_SUBSCRIPTION', message)
    }
    this.list = [...this.list, ...list]
  }
  async unsubscribe(list: readonly DataSubscription[]): Promise<void> {
    this.calls.push(`unsubscribe ${JSON.stringify(list)}`)
    this.list = []
  }
  config = () => ({ admin: { token: '***' } })
  logLevel = () => this.level
  setLogLevel(level: LogLevel): void {
    this.level = level
  }
  drain(): void {
    this.drained += 1
  }
  admitIngest(exchange: string) {
    if (exchange !== 'binance') return 'unknown-exchange' as const
    return this.accepting ? ('admitted' as const) : ('not-accepting' as const)
  }
  openIngest(request: IngestRequest): IngestSession {
    if (this.ingest === null) throw new Error('no ingest in this test')
    return this.ingest(request)
  }

  private summary(name: string): AdapterSummary {
    const connections = { open: 1, total: 1 }
    return { name, exchange: name, state: 'running', streams: 1, connections, lastError: null }
  }

  private async act(what: string, name: string): Promise<AdapterSummary> {
    await this.fault?.()
    this.calls.push(`${what} ${name}`)
    if (name !== 'binance') {
      throw new SluiceError('SLUICE_EXCHANGE_UNKNOWN', `no adapter is called ${name}`)
    }
    return this.summary(name)
  }
}

export interface Fixture {
  readonly control: FakeControl
  readonly server: HttpServer
  readonly port: number
  readonly logged: string[]
}

export async function startServer(overrides: Partial<HttpServerOptions> = {}): Promise<Fixture> {
  const control = new FakeControl()
  const logged: string[] = []
  const logger: Logger = {
    ...silentLogger,
    error: (message: string, fields?: LogFields) => {
      logged.push(`${message} ${JSON.stringify(fields)}`)
    }
  }
  const server = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    hosts: [],
    origins: ['https://dashboard.example'],
    bodyBytesMax: 65_536,
    connectionsMax: 1024,
    adminToken: '',
    ingestToken: '',
    ingest: { frameBytesMax: 4096, connectionsMax: 4 },
    control,
    clock: systemClock,
    logger,
    ...overrides
  })
  const port = await server.listen()
  return { control, server, port, logged }
}

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
  readonly json: { readonly error?: { readonly code: string; readonly message: string } }
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON with its content type; a text as it is. */
  readonly body?: unknown
}

export function ask(port: number, path: string, options: Ask = {}): Promise<Answer> {
  const { body } = options
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'object' ? { 'content-type': 'application/json' } : {}
  // Node sends the body of a DELETE without saying how long it is.
  const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) }
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: '127.0.0.1',
        port,
        path,
        agent: false,
        method: options.method ?? 'GET',
        headers: { ...type, ...length, ...options.headers }
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const received = Buffer.concat(chunks).toString()
          const isJson = response.headers['content-type'] === 'application/json'
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: received,
            json: isJson && received !== '' ? JSON.parse(received) : {}
          })
        })
      }
    )
    request.on('error', reject)
    request.end(text)
  })
}

/** Sends bytes and returns what came back until the server closed, or `enough` was seen. */
export function raw(port: number, bytes: string, enough: RegExp | null = null): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk) => {
      received += chunk.toString()
      if (enough?.test(received) === true) socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(received)
      else reject(error)
    })
    socket.on('close', () => resolve(received))
  })
}
