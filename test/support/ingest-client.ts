/** A relay as DESIGN 3.4 describes it: one raw frame a message, within the credit the server gave. */
import WebSocket from 'ws'

export interface IngestOptions {
  readonly port: number
  readonly exchange?: string
  /** For frames in raw form. */
  readonly stream?: string
  readonly token?: string
}

export class IngestClient {
  readonly socket: WebSocket
  private credit = 0
  private readonly waiting: (() => void)[] = []
  private failure: Error | null = null

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { credit?: number }
      if (typeof message.credit === 'number') this.credit += message.credit
      this.wake()
    })
    socket.on('close', (code, reason) => {
      this.failure = new Error(`the ingest connection closed: ${code} ${reason}`)
      this.wake()
    })
    socket.on('error', () => undefined)
  }

  static async open(options: IngestOptions): Promise<IngestClient> {
    const query =
      options.stream === undefined ? '' : `?stream=${encodeURIComponent(options.stream)}`
    const url = `ws://127.0.0.1:${options.port}/ingest/${options.exchange ?? 'binance'}${query}`
    const headers = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
    const socket = new WebSocket(url, { headers, perMessageDeflate: false })
    const client = new IngestClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return client
  }

  /** Sends one frame as soon as there is credit. */
  async send(frame: string | Uint8Array): Promise<void> {
    while (this.credit <= 0) {
      if (this.failure !== null) throw this.failure
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
    this.credit--
    this.socket.send(frame, { binary: false })
  }

  async sendAll(frames: Iterable<string | Uint8Array>): Promise<number> {
    let count = 0
    for (const frame of frames) {
      await this.send(frame)
      count++
    }
    return count
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return
    const closed = new Promise<void>((resolve) => this.socket.once('close', () => resolve()))
    this.socket.close(1000)
    await closed
  }

  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume()
  }
}
