/** WebSocket messages ready for the wire: synthetic aggTrades patched in place, and recorded frames. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const FIRST_ID = 1_000_000_000
const ZERO = 48

/** Header of an unmasked, unfragmented text message. */
export function messageHeader(payloadBytes: number): Buffer {
  if (payloadBytes < 126) return Buffer.from([0x81, payloadBytes])
  if (payloadBytes < 65_536) {
    return Buffer.from([0x81, 126, payloadBytes >> 8, payloadBytes & 0xff])
  }
  const header = Buffer.alloc(10)
  header[0] = 0x81
  header[1] = 127
  header.writeBigUInt64BE(BigInt(payloadBytes), 2)
  return header
}

export function message(payload: string): Buffer {
  const bytes = Buffer.from(payload)
  return Buffer.concat([messageHeader(bytes.length), bytes])
}

/** Writes the low `width` decimal digits of `value` so that the last one stands at `end - 1`. */
function writeDigits(buffer: Buffer, end: number, width: number, value: number): void {
  let rest = value
  for (let index = end - 1; index >= end - width; index--) {
    const next = Math.floor(rest / 10)
    buffer[index] = ZERO + (rest - next * 10)
    rest = next
  }
}

/**
 * Batches of aggTrade messages, one per symbol and round. All symbols' names have one length, so every
 * message has the same layout and only digits change: ids, times, price and quantity.
 * With `stamped`, the quantity's eight decimals are the sending time, µs modulo 10^8.
 */
export class SyntheticBatches {
  readonly symbols: number
  readonly messageBytes: number
  private readonly stamped: boolean
  private readonly template: Buffer
  private readonly ends: Record<'E' | 'a' | 'f' | 'l' | 'T' | 'p' | 'q', number>

  constructor(symbols: readonly string[], stamped: boolean) {
    this.symbols = symbols.length
    this.stamped = stamped
    const messages = symbols.map((symbol) => message(SyntheticBatches.payload(symbol)))
    this.messageBytes = messages[0]?.length ?? 0
    if (messages.some((one) => one.length !== this.messageBytes)) {
      throw new Error('symbols must have names of one length')
    }
    this.template = Buffer.concat(messages)
    const text = (messages[0] ?? Buffer.alloc(0)).toString('latin1')
    const end = (key: string, skip: number) => text.indexOf(`"${key}":`) + key.length + 3 + skip
    this.ends = {
      E: end('E', 13),
      a: end('a', 10),
      f: end('f', 10),
      l: end('l', 10),
      T: end('T', 13),
      p: end('p', 12),
      q: end('q', 11)
    }
  }

  private static payload(symbol: string): string {
    const ids = `"f":${FIRST_ID},"l":${FIRST_ID}`
    const data =
      `{"e":"aggTrade","E":1700000000000,"s":"${symbol}","a":${FIRST_ID},"p":"61000.00000",` +
      `"q":"0.00000000",${ids},"T":1700000000000,"m":true,"M":true}`
    return `{"stream":"${symbol.toLowerCase()}@aggTrade","data":${data}}`
  }

  /** A buffer for `rounds` rounds, to be filled again and again. */
  allocate(rounds: number): Buffer {
    return Buffer.concat(Array.from({ length: rounds }, () => this.template))
  }

  /** Patches the first `rounds` rounds of `buffer`; returns the part to send. */
  fill(buffer: Buffer, firstRound: number, rounds: number): Buffer {
    const nowMs = Date.now()
    const stamp = Math.round((performance.timeOrigin + performance.now()) * 1000) % 100_000_000
    const { ends, symbols, messageBytes, stamped } = this
    let base = 0
    for (let round = firstRound; round < firstRound + rounds; round++) {
      const id = FIRST_ID + round
      for (let symbol = 0; symbol < symbols; symbol++) {
        const mixed = Math.imul(round * symbols + symbol, 2_654_435_761) >>> 0
        writeDigits(buffer, base + ends.E, 13, nowMs)
        writeDigits(buffer, base + ends.T, 13, nowMs)
        writeDigits(buffer, base + ends.a, 10, id)
        writeDigits(buffer, base + ends.f, 10, id)
        writeDigits(buffer, base + ends.l, 10, id)
        writeDigits(buffer, base + ends.p, 4, mixed)
        writeDigits(buffer, base + ends.q, 8, stamped ? stamp : mixed)
        base += messageBytes
      }
    }
    return buffer.subarray(0, base)
  }
}

/** A recorded frame with the stream it belongs to. */
export interface RecordedFrame {
  readonly stream: string
  readonly message: Buffer
}

/**
 * Frames of hftbacktest captures (`<ns> <text>` lines), repeated once per symbol name in `symbols`,
 * which replaces BTCUSDT everywhere in the frame. Lines that are no combined-stream frame are left out.
 */
export function loadRecorded(
  files: readonly string[],
  symbols: readonly string[]
): RecordedFrame[] {
  const frames: RecordedFrame[] = []
  for (const file of files) {
    for (const line of gunzipSync(readFileSync(file)).toString('utf8').split('\n')) {
      const text = line.slice(line.indexOf(' ') + 1)
      if (!text.startsWith('{"stream":"')) continue
      for (const symbol of symbols) {
        const renamed = text.replaceAll('BTCUSDT', symbol).replace('btcusdt', symbol.toLowerCase())
        frames.push({
          stream: renamed.slice(11, renamed.indexOf('"', 11)),
          message: message(renamed)
        })
      }
    }
  }
  return frames
}
