/** Reads the recorded captures, by the formats of their README. Imports nothing of the project. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Beside the project unless SLUICE_RECORDINGS says otherwise. */
export const RECORDINGS_DIR =
  process.env['SLUICE_RECORDINGS'] ??
  new URL('../../../../shared/recordings', import.meta.url).pathname

export const SPOT_CAPTURES = [
  'spot_btcusdt_20240808.raw.gz',
  'spot_btcusdt_20240809.raw.gz'
] as const
export const CRYPTOFEED_CAPTURES = [
  'cryptofeed/BINANCE.ws.1.0.gz',
  'cryptofeed/BINANCE_TR.ws.1.0.gz'
] as const
export const GCT_CAPTURES = ['gct/spot_streams.ndjson', 'gct/spot-extra_streams.ndjson'] as const
export const ALL_CAPTURES = [...SPOT_CAPTURES, ...CRYPTOFEED_CAPTURES, ...GCT_CAPTURES] as const

export interface CaptureLine {
  /** 1-based. */
  readonly line: number
  /** Null where the file has none. */
  readonly receivedTimeUs: bigint | null
  readonly text: string
  /** A REST reply that stands between the frames; it never enters the frame path. */
  readonly isRest: boolean
}

/** False where the recordings are not on this machine: what needs them is skipped, by name. */
export function hasRecording(name: string): boolean {
  return existsSync(join(RECORDINGS_DIR, name))
}

export function readCapture(name: string): CaptureLine[] {
  const bytes = readFileSync(join(RECORDINGS_DIR, name))
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const lines: CaptureLine[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const parsed = line === '' ? null : parseLine(line)
    if (parsed !== null) lines.push({ line: index + 1, ...parsed })
  }
  return lines
}

export function framesOf(name: string): CaptureLine[] {
  return readCapture(name).filter((line) => !line.isRest)
}

function parseLine(line: string): Omit<CaptureLine, 'line'> | null {
  if (line.startsWith('{')) return { receivedTimeUs: null, text: line, isRest: false }
  // hftbacktest: <ns> <raw text>
  const hft = /^(\d{19}) (.*)$/s.exec(line)
  if (hft !== null) {
    const text = hft[2] ?? ''
    const isRest = text.startsWith('{"lastUpdateId":')
    return { receivedTimeUs: BigInt(hft[1] ?? 0) / 1000n, text, isRest }
  }
  // cryptofeed: <s>: <json>; its first line is the URL, its last the configuration.
  const feed = /^(\d{10})\.(\d+): (\{.*\})$/s.exec(line)
  if (feed === null) return null
  const us = BigInt(feed[1] ?? 0) * 1_000_000n + BigInt((feed[2] ?? '').padEnd(6, '0').slice(0, 6))
  return { receivedTimeUs: us, text: feed[3] ?? '', isRest: false }
}
