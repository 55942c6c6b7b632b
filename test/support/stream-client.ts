/** A client of the simulated exchange's streams that keeps what it receives. */
import { once } from 'node:events'
import { WebSocket } from 'ws'

export interface StreamClientOptions {
  /** Leaves the server's pings unanswered. */
  readonly deaf?: boolean
  readonly localAddress?: string
}

export class StreamClient {
  readonly socket: WebSocket
  readonly received: Buffer[] = []
  pings = 0
  /** Close code and reason, once closed. */
  ended: { code: number; reason: string } | null = null
  private readonly wakers = new Set<() => void>()

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      this.received.push(data as Buffer)
      this.wake()
    })
    socket.on('ping', () => {
      this.pings += 1
      this.wake()
    })
    socket.on('error', () => undefined)
    socket.on('close', (code, reason) => {
      this.ended = { code, reason: reason.toString() }
      this.wake()
    })
  }

  static async open(url: string, options: StreamClientOptions = {}): Promise<StreamClient> {
    const client = new StreamClient(
      new WebSocket(url, {
        perMessageDeflate: false,
        // Broken frames are part of what tests receive.
        skipUTF8Validation: true,
        autoPong: options.deaf !== true,
        ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress })
      })
    )
    await once(client.socket, 'open')
    return client
  }

  /** HTTP status of the refused upgrade, or the connect error's code. */
  static refusal(url: string): Promise<number | string> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { perMessageDeflate: false })
      socket.on('unexpected-response', (request, response) => {
        resolve(response.statusCode ?? 0)
        response.destroy()
        request.destroy()
      })
      socket.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message))
      socket.on('open', () => {
        socket.terminate()
        reject(new Error('the upgrade was not refused'))
      })
    })
  }

  get texts(): string[] {
    return this.received.map((data) => data.toString())
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** Resolves when `condition` holds, looked at after everything that happens here. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const waker = (): void => {
          this.wakers.delete(waker)
          resolve()
        }
        this.wakers.add(waker)
      })
    }
  }

  /** Everything the exchange sent before this call has arrived when it resolves. */
  async sync(): Promise<void> {
    this.socket.ping()
    await once(this.socket, 'pong')
  }

  async closed(): Promise<{ code: number; reason: string }> {
    await this.until(() => this.ended !== null)
    return this.ended as unknown as { code: number; reason: string }
  }

  close(): void {
    this.socket.terminate()
  }

  private wake(): void {
    for (const waker of [...this.wakers]) waker()
  }
}
