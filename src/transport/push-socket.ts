/**
 * One outbound WebSocket that pushes many frames and reads little: for replaying into an ingest
 * listener. Unpaced, unlike the exchange's client; the caller minds `bufferedBytes` and its credit.
 */
import { WebSocket } from 'ws'
import { SluiceError } from '../core/errors.ts'
import { createLookup } from './dns-lookup.ts'

export interface PushSocketOptions {
  readonly url: string
  /** Sent as a bearer token; none when empty. */
  readonly token: string
  readonly connectMs: number
  readonly onText: (text: string) => void
  /** Once, after it was open: the protocol's close code and reason. */
  readonly onClosed: (code: number, reason: string) => void
}

/** What the other side sends is control text; more than this is not meant for us. */
const TEXT_BYTES_MAX = 64 * 1024

export class PushSocket {
  readonly #socket: WebSocket

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** @throws SLUICE_TRANSPORT_CONNECT when it cannot be opened, naming the HTTP status if one came */
  static open(options: PushSocketOptions): Promise<PushSocket> {
    const { url, token } = options
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: TEXT_BYTES_MAX,
      handshakeTimeout: options.connectMs,
      lookup: createLookup(),
      headers: token === '' ? {} : { Authorization: `Bearer ${token}` }
    })
    // Before the upgrade is answered: the first credit may arrive in the same packet.
    socket.on('message', (data) => options.onText(data.toString()))
    return new Promise((resolve, reject) => {
      const fail = (what: string, cause?: unknown): void => {
        const address = url.replace(/\?.*/, '')
        const message = `opening ${address}: ${what}`
        reject(new SluiceError('SLUICE_TRANSPORT_CONNECT', message, { url: address }, cause))
      }
      socket.on('error', (cause) => fail(cause.message || cause.name, cause))
      socket.on('unexpected-response', (request, response) => {
        fail(`the server answered ${response.statusCode ?? 0} instead of upgrading`)
        response.destroy()
        request.destroy()
      })
      socket.on('open', () => {
        socket.on('close', (code, reason) => options.onClosed(code, reason.toString()))
        resolve(new PushSocket(socket))
      })
    })
  }

  /** Bytes not yet in the kernel's hands. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  /** Sends `data` as one text message; dropped when the socket is closed. */
  send(data: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data, { binary: false })
  }

  close(): void {
    this.#socket.close(1000)
  }

  /** At once; what was not sent is dropped. */
  terminate(): void {
    this.#socket.terminate()
  }
}
