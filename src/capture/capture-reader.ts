/**
 * Reads capture files in whichever of the known formats they are written, told apart by their first
 * line:
 * - nanos: `<receive time, ns> <frame>`, or `<ns> <stream> <frame>` for a frame in raw form; what
 *   hftbacktest and `sluice record` write;
 * - cryptofeed: the connection's URL first, then `<receive time, s>: <frame>`; its REST files have
 *   `<URL> -> <s>: <reply>`;
 * - ndjson: one JSON object a line: a frame, `{"path","query","body"}` for a REST reply, or a
 *   documentation sample `{"stream","payload"}`.
 */

import { type CaptureLine, captureError, captureLines } from './capture-lines.ts'
import type { Captured, CapturedFrame, CapturedReply } from './captured.ts'

export type CaptureFormat = 'nanos' | 'cryptofeed' | 'ndjson'

/** All a line's reader needs beside the line. */
interface Context {
  readonly path: string
  readonly line: number
}

type Head = Pick<CapturedFrame, 'line' | 'receivedNs'>

const LEFT_BRACE = 0x7b
const LEFT_BRACKET = 0x5b
const COMBINED = Buffer.from('{"stream":')
const SNAPSHOT = Buffer.from('{"lastUpdateId":')
/** A line's head (times, names, URL) lies within this; all else is the payload. */
const HEAD_BYTES_MAX = 16 * 1024

export function detectFormat(firstLine: Uint8Array): CaptureFormat | null {
  const head = Buffer.from(firstLine.subarray(0, 64)).toString('latin1')
  if (/^\d{15,20} \S/.test(head)) return 'nanos'
  if (/^(wss?|https?):\/\//.test(head) || /^\d{9,12}(\.\d+)?: /.test(head)) return 'cryptofeed'
  if (/^[{[]/.test(head)) return 'ndjson'
  return null
}

/**
 * Everything in the file, in its order, one line in memory at a time.
 * @throws SLUICE_CAPTURE_FORMAT naming the line
 */
export async function* readCapture(path: string): AsyncGenerator<Captured> {
  let format: CaptureFormat | null = null
  for await (const line of captureLines(path)) {
    format ??= detectFormat(line.bytes)
    if (format === null) throw captureError(path, line.number, 'no known capture format')
    const captured = readLine(format, line, path)
    if (captured !== null) yield captured
  }
}

/** Null for lines that hold neither a frame nor a reply. */
export function readLine(format: CaptureFormat, line: CaptureLine, path: string): Captured | null {
  const context = { path, line: line.number }
  if (format === 'nanos') return nanosLine(line.bytes, context)
  if (format === 'cryptofeed') return cryptofeedLine(line.bytes, context)
  return ndjsonLine(line.bytes, context)
}

function nanosLine(bytes: Buffer, context: Context): Captured {
  const space = bytes.indexOf(0x20)
  const time = bytes.subarray(0, Math.max(0, Math.min(space, 32))).toString('latin1')
  if (!/^\d{15,20}$/.test(time)) {
    throw captureError(context.path, context.line, 'expected a receive time in ns and a frame')
  }
  const head = { line: context.line, receivedNs: BigInt(time) }
  const data = bytes.subarray(space + 1)
  if (data[0] === LEFT_BRACE || data[0] === LEFT_BRACKET) return unnamed(data, head, context)
  const second = data.indexOf(0x20)
  if (second < 1 || second > HEAD_BYTES_MAX) {
    throw captureError(context.path, context.line, 'expected a frame after the receive time')
  }
  const frame = checked(data.subarray(second + 1), context)
  const stream = data.subarray(0, second).toString()
  return { kind: 'frame', ...head, stream, combined: false, data: frame }
}

function cryptofeedLine(bytes: Buffer, context: Context): Captured | null {
  const text = bytes.subarray(0, HEAD_BYTES_MAX).toString('latin1')
  const frame = /^(\d{9,12}(?:\.\d+)?): /.exec(text)
  if (frame !== null) {
    const head = { line: context.line, receivedNs: secondsToNs(frame[1] as string) }
    return unnamed(bytes.subarray(frame[0].length), head, context)
  }
  const reply = /^(\S+) -> (\d{9,12}(?:\.\d+)?): /.exec(text)
  if (reply !== null) {
    return {
      kind: 'reply',
      line: context.line,
      receivedNs: secondsToNs(reply[2] as string),
      url: reply[1] as string,
      data: checked(bytes.subarray(reply[0].length), context)
    }
  }
  // The URL of the connection, and the recorder's own configuration.
  const connected = /^(wss?|https?):\/\/\S+( <-> \d+(\.\d+)?)?$/
  if (connected.test(bytes.toString()) || text.startsWith('configuration: ')) {
    return null
  }
  throw captureError(context.path, context.line, 'expected a receive time in s and a frame')
}

function ndjsonLine(bytes: Buffer, context: Context): Captured | null {
  const head = { line: context.line, receivedNs: null }
  const value = parse(bytes, context)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const row = value as Record<string, unknown>
    if (typeof row['path'] === 'string' && 'body' in row) return restRow(row, bytes, head, context)
    if (typeof row['kind'] === 'string' && 'payload' in row) return sampleRow(row, bytes, head)
  }
  return unnamed(bytes, head, context)
}

function restRow(
  row: Record<string, unknown>,
  bytes: Buffer,
  head: Head,
  context: Context
): CapturedReply {
  const query = typeof row['query'] === 'string' ? row['query'] : ''
  const url = `${row['path'] as string}${query === '' ? '' : `?${query}`}`
  return { kind: 'reply', ...head, url, data: checked(lastValue(bytes, 'body'), context) }
}

/** Only samples of stream messages are frames; errors, requests and replies are not. */
function sampleRow(row: Record<string, unknown>, bytes: Buffer, head: Head): CapturedFrame | null {
  const payload = row['payload']
  const kind = row['kind']
  if ((kind !== 'stream' && kind !== 'event') || typeof payload !== 'object') return null
  const data = lastValue(bytes, 'payload')
  const combined = data.subarray(0, COMBINED.length).equals(COMBINED)
  const symbol = (payload as Record<string, unknown> | null)?.['s']
  const name = typeof row['stream'] === 'string' ? row['stream'] : ''
  const stream =
    typeof symbol === 'string' && /^<symbol>@[A-Za-z]+$/.test(name)
      ? name.replace('<symbol>', symbol.toLowerCase())
      : null
  return { kind: 'frame', ...head, stream: combined ? null : stream, combined, data }
}

/** The exact bytes of the object's last member, whose key stands once at the top level. */
function lastValue(bytes: Buffer, key: string): Buffer {
  const marker = Buffer.from(`"${key}":`)
  const start = bytes.indexOf(marker) + marker.length
  return bytes.subarray(bytes[start] === 0x20 ? start + 1 : start, bytes.lastIndexOf(0x7d))
}

/** A payload without a name: a combined frame, a raw one, or a depth snapshot from REST. */
function unnamed(data: Buffer, head: Head, context: Context): Captured {
  checked(data, context)
  // A raw partial-depth frame looks the same, but no recorder leaves that without its stream's name.
  if (data.subarray(0, SNAPSHOT.length).equals(SNAPSHOT)) {
    return { kind: 'reply', ...head, url: null, data }
  }
  const combined = data.subarray(0, COMBINED.length).equals(COMBINED)
  return { kind: 'frame', ...head, stream: null, combined, data }
}

function checked(data: Buffer, context: Context): Buffer {
  parse(data, context)
  return data
}

function parse(data: Buffer, context: Context): unknown {
  try {
    return JSON.parse(data.toString()) as unknown
  } catch (error) {
    throw captureError(context.path, context.line, 'not a JSON document', error)
  }
}

function secondsToNs(seconds: string): bigint {
  const [whole = '0', fraction = ''] = seconds.split('.')
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
}
