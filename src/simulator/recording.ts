/** A capture file as the simulated exchange serves it: its streams, its depth replies, its frames. */
import { readCapture } from '../capture/capture-reader.ts'
import type { Captured, CapturedFrame } from '../capture/captured.ts'
import { SluiceError } from '../core/errors.ts'

export interface RecordedFrame {
  /** Null for a raw frame that nothing names: it goes to every connection. */
  readonly stream: string | null
  readonly combined: boolean
  readonly receivedNs: bigint | null
  readonly line: number
  readonly data: Uint8Array
}

interface DepthReply {
  readonly line: number
  readonly data: Uint8Array
}

const STREAM_KEY = '{"stream":"'

export class Recording {
  readonly path: string
  readonly frames: number
  readonly streams: ReadonlySet<string>
  /** Symbols of the streams and of the depth replies, in upper case. */
  readonly symbols: readonly string[]
  readonly #depths: ReadonlyMap<string, readonly DepthReply[]>

  private constructor(path: string, scan: Scan) {
    this.path = path
    this.frames = scan.frames
    this.streams = scan.streams
    const symbols = new Set<string>()
    for (const stream of scan.streams) {
      if (!stream.startsWith('!')) symbols.add(symbolOf(stream))
    }
    this.#depths = named(scan, symbols)
    for (const symbol of this.#depths.keys()) symbols.add(symbol)
    this.symbols = [...symbols]
  }

  /** Reads the file through once, holding only its depth replies. @throws SLUICE_CAPTURE_FORMAT */
  static async open(path: string): Promise<Recording> {
    const scan: Scan = { frames: 0, streams: new Set(), depths: [] }
    for await (const captured of readCapture(path)) {
      if (captured.kind === 'frame') {
        scan.frames += 1
        const { stream } = recordedFrame(captured)
        if (stream !== null) scan.streams.add(stream)
      } else if (isDepth(captured)) {
        scan.depths.push({ url: captured.url, line: captured.line, data: captured.data })
      }
    }
    if (scan.frames === 0) {
      throw new SluiceError('SLUICE_CAPTURE_FORMAT', `reading capture ${path}: it holds no frames`)
    }
    return new Recording(path, scan)
  }

  /** The frames in their order. */
  async *read(): AsyncGenerator<RecordedFrame> {
    for await (const captured of readCapture(this.path)) {
      if (captured.kind === 'frame') yield recordedFrame(captured)
    }
  }

  /** The newest depth reply recorded up to `line`, else the symbol's first; null when it has none. */
  depth(symbol: string, line: number): Uint8Array | null {
    const replies = this.#depths.get(symbol)
    if (replies === undefined) return null
    const past = replies.filter((reply) => reply.line <= line)
    return (past.at(-1) ?? replies[0])?.data ?? null
  }
}

interface Scan {
  frames: number
  readonly streams: Set<string>
  readonly depths: { url: string | null; line: number; data: Uint8Array }[]
}

function named(scan: Scan, symbols: ReadonlySet<string>): Map<string, DepthReply[]> {
  const depths = new Map<string, DepthReply[]>()
  const only = symbols.size === 1 ? ([...symbols][0] as string) : null
  for (const { url, line, data } of scan.depths) {
    // A file of one symbol need not say whose book it is.
    const symbol = /[?&]symbol=([^&]+)/.exec(url ?? '')?.[1] ?? only
    if (symbol === null) continue
    const replies = depths.get(symbol) ?? []
    replies.push({ line, data })
    depths.set(symbol, replies)
  }
  return depths
}

function isDepth(captured: Captured): boolean {
  if (captured.kind !== 'reply') return false
  return captured.url === null || /\/depth(\?|$)/.test(captured.url)
}

function symbolOf(stream: string): string {
  return (stream.split('@')[0] as string).toUpperCase()
}

function recordedFrame(frame: CapturedFrame): RecordedFrame {
  const { combined, receivedNs, line, data } = frame
  const stream = combined ? combinedStream(data) : frame.stream
  return { stream, combined, receivedNs, line, data }
}

function combinedStream(data: Uint8Array): string | null {
  const end = data.indexOf(0x22, STREAM_KEY.length)
  if (end < 0) return null
  return Buffer.from(data.subarray(STREAM_KEY.length, end)).toString()
}

/** The frame in the form a connection wants; verbatim when it was recorded in that form. */
export function inForm(frame: RecordedFrame, combined: boolean): Uint8Array {
  if (frame.combined === combined || frame.stream === null) return frame.data
  const prefix = Buffer.from(`${STREAM_KEY}${frame.stream}","data":`)
  if (combined) return Buffer.concat([prefix, frame.data, Buffer.from('}')])
  return frame.data.subarray(prefix.length, frame.data.length - 1)
}
