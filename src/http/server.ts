/**
 * The admin, metrics and ingest server on uWebSockets.js. Main thread only. It must be closed before the
 * thread ends: a listening app aborts the process otherwise.
 */
import type { Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { LogLimiter } from '../telemetry/log-limiter.ts'
import { Access } from './access.ts'
import { ConnectionLimit } from './connection-limit.ts'
import type { ServiceControl } from './control.ts'
import { IngestListener, type IngestListenerLimits } from './ingest-listener.ts'
import { registerRoutes } from './route.ts'
import { adapterRoutes } from './routes/adapters.ts'
import { faultRoutes } from './routes/faults.ts'
import { probeRoutes } from './routes/probes.ts'
import { serviceRoutes } from './routes/service.ts'
import { subscriptionRoutes } from './routes/subscriptions.ts'
import uws, { type TemplatedApp, type us_listen_socket } from './uws.ts'

export interface HttpServerOptions {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  readonly hosts: readonly string[]
  readonly origins: readonly string[]
  readonly bodyBytesMax: number
  readonly connectionsMax: number
  /** Empty = changing calls from loopback only. */
  readonly adminToken: string
  /** Empty = ingest from loopback only. */
  readonly ingestToken: string
  readonly ingest: IngestListenerLimits
  readonly control: ServiceControl
  readonly clock: Clock
  readonly logger: Logger
}

export interface HttpStats {
  readonly connections: number
  readonly connectionsRefused: number
  /** Requests answered, by status. */
  readonly replies: Readonly<Record<string, number>>
  readonly ingestConnections: number
  readonly ingestRefused: Readonly<Record<string, number>>
}

export class HttpServer {
  private readonly options: HttpServerOptions
  private readonly app: TemplatedApp
  private readonly limit: ConnectionLimit
  private readonly ingest: IngestListener
  private readonly replies: Record<string, number> = {}
  private closed = false

  constructor(options: HttpServerOptions) {
    const { control, adminToken, bodyBytesMax } = options
    // A client can make the same thing fail as often as it likes.
    const log = new LogLimiter(options.logger, options.clock)
    this.options = options
    this.app = uws.App()
    this.limit = new ConnectionLimit(options.connectionsMax)
    this.limit.attach(this.app)
    const access = new Access(options)
    this.ingest = new IngestListener({
      control,
      access,
      token: options.ingestToken,
      limits: options.ingest,
      log,
      onReleased: () => this.limit.released()
    })
    this.ingest.attach(this.app)
    const routes = [
      ...probeRoutes(control),
      ...serviceRoutes(control),
      ...adapterRoutes(control),
      ...subscriptionRoutes(control),
      ...(control.faults === null ? [] : faultRoutes(control.faults))
    ]
    const countReply = (status: number): void => {
      this.replies[status] = (this.replies[status] ?? 0) + 1
    }
    registerRoutes(this.app, routes, { access, adminToken, bodyBytesMax, log, countReply })
  }

  /** Resolves with the port. @throws SluiceError SLUICE_HTTP_LISTEN, e.g. when the port is taken */
  listen(): Promise<number> {
    const { host, port } = this.options
    return new Promise((resolve, reject) => {
      const onListen = (socket: us_listen_socket | false): void => {
        if (socket === false) {
          const message = `listening on ${host}:${port}: the port is taken, or the address is not of this machine`
          reject(new SluiceError('SLUICE_HTTP_LISTEN', message, { host, port }))
          return
        }
        resolve(uws.us_socket_local_port(socket))
      }
      const app = this.app as TemplatedApp & ListenExclusively
      app.listen(host, port, LISTEN_EXCLUSIVE_PORT, onListen)
    })
  }

  stats(): HttpStats {
    return {
      connections: this.limit.count,
      connectionsRefused: this.limit.refused,
      replies: { ...this.replies },
      ingestConnections: this.ingest.connections,
      ingestRefused: this.ingest.refused
    }
  }

  /** Ends the ingest clients (1001); probes and the API go on. */
  closeIngest(): void {
    this.ingest.close()
  }

  /** Closes the listening socket and every connection; ingest clients are told to go (1001). */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.ingest.close()
    this.app.close()
  }
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: otherwise a second process could bind the same port beside us. */
const LISTEN_EXCLUSIVE_PORT = 1

/** Accepted by uWebSockets.js, missing from its types. */
interface ListenExclusively {
  listen(
    host: string,
    port: number,
    options: number,
    callback: (socket: us_listen_socket | false) => void
  ): TemplatedApp
}
