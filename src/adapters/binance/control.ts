/**
 * Control messages of a spot stream connection and the frames that are not plain data.
 *
 * Requests: {"method","params","id"}. Success: {"result":null,"id"} or {"result":[…],"id"}. Errors are
 * documented flat, {"code","msg"[,"id"]}, and were seen wrapped, {"error":{"code","msg"},"id"}: both are
 * read. A success says only that the syntax was right.
 */
import { SluiceError } from '../../core/errors.ts'
import type { ControlFrame, ControlMethod, ControlRequest } from '../adapter.ts'

/** Every data frame of a combined connection begins so. */
const DATA_PREFIX = new TextEncoder().encode('{"stream":"')
const SHUTDOWN = new TextEncoder().encode('!serverShutdown"')
/** A listing of 1,024 long stream names stays below this; larger frames are no control frames. */
const CONTROL_BYTES_MAX = 256 * 1024

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const DATA: ControlFrame = { kind: 'data' }

export function isData(frame: Uint8Array): boolean {
  const prefixBytes = DATA_PREFIX.length
  if (frame.length <= prefixBytes) return false
  for (let index = 0; index < prefixBytes; index++) {
    if (frame[index] !== DATA_PREFIX[index]) return false
  }
  // '!': an all-market stream or the shutdown notice.
  return frame[prefixBytes] !== 0x21 || !startsWith(frame, SHUTDOWN, prefixBytes)
}

function startsWith(frame: Uint8Array, text: Uint8Array, offset: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (frame[offset + index] !== text[index]) return false
  }
  return true
}

export function parseControl(frame: Uint8Array): ControlFrame {
  if (frame.length > CONTROL_BYTES_MAX) return DATA
  let message: unknown
  try {
    message = JSON.parse(decoder.decode(frame))
  } catch {
    return DATA
  }
  if (!isObject(message)) return DATA
  if (isShutdown(message)) return { kind: 'shutdown' }
  const id = typeof message['id'] === 'number' ? message['id'] : null
  const error = isObject(message['error']) ? message['error'] : message
  if (typeof error['code'] === 'number' && typeof error['msg'] === 'string') {
    return { kind: 'error', id, code: error['code'], message: error['msg'] }
  }
  if (!('result' in message) || !('id' in message)) return DATA
  const result = message['result']
  if (!Array.isArray(result)) return { kind: 'ack', id }
  return { kind: 'list', id, streams: result.filter((name) => typeof name === 'string') }
}

/** Raw {"e":"serverShutdown","E"} or wrapped as the data of the stream `!serverShutdown`. */
function isShutdown(message: Readonly<Record<string, unknown>>): boolean {
  if (message['e'] === 'serverShutdown') return true
  if (message['stream'] !== '!serverShutdown') return false
  const data = message['data']
  return isObject(data) && data['e'] === 'serverShutdown'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function controlRequests(
  method: ControlMethod,
  streams: readonly string[],
  options: { readonly bytesMax: number; readonly nextId: () => number }
): readonly ControlRequest[] {
  const verb = method === 'subscribe' ? 'SUBSCRIBE' : 'UNSUBSCRIBE'
  // The id's digits are not known before a chunk is closed: room for the longest one.
  const frameBytes = `{"method":"${verb}","params":[],"id":}`.length + 16
  const requests: ControlRequest[] = []
  let chunk: string[] = []
  let chunkBytes = frameBytes
  const close = (): void => {
    if (chunk.length === 0) return
    const id = options.nextId()
    const text = `{"method":"${verb}","params":[${chunk.map((name) => JSON.stringify(name)).join(',')}],"id":${id}}`
    requests.push({ id, text, streams: chunk })
    chunk = []
    chunkBytes = frameBytes
  }
  for (const stream of streams) {
    const bytes = encoder.encode(JSON.stringify(stream)).length + 1
    if (frameBytes + bytes > options.bytesMax) {
      throw new SluiceError('SLUICE_EXCHANGE_CONTROL', 'a stream name exceeds a control message', {
        stream,
        bytesMax: options.bytesMax
      })
    }
    if (chunkBytes + bytes > options.bytesMax) close()
    chunk.push(stream)
    chunkBytes += bytes
  }
  close()
  return requests
}

export function listRequest(id: number): ControlRequest {
  return { id, text: `{"method":"LIST_SUBSCRIPTIONS","id":${id}}`, streams: [] }
}
