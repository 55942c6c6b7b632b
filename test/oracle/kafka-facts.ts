/** Where in Kafka a record must stand: topic, key, partition, timestamp, headers (DESIGN 3.3). */
import type { ExpectedRecord } from './normalise.ts'

export interface Placement {
  readonly topic: string
  readonly key: string
  readonly partition: number
}

/** What Kafka allows in a topic's name stays; every other byte becomes `x` and two hex digits. */
export function topicSafe(text: string): string {
  let safe = ''
  for (const byte of Buffer.from(text)) {
    const letter = String.fromCharCode(byte)
    safe += /[a-zA-Z0-9._-]/.test(letter) ? letter : `x${byte.toString(16).padStart(2, '0')}`
  }
  return safe
}

export function placementOf(
  record: Pick<ExpectedRecord, 'type' | 'exchange' | 'symbol' | 'interval'>,
  template: string,
  partitions: number
): Placement {
  const values: Readonly<Record<string, string>> = {
    type: record.type,
    exchange: record.exchange,
    symbol: record.symbol,
    interval: record.interval ?? ''
  }
  const topic = template.replace(/\{(\w+)\}/g, (_, name: string) => topicSafe(values[name] ?? ''))
  const key = record.symbol
  return { topic, key, partition: (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions }
}

const AHEAD_US = 300_000_000n
const BEHIND_US = 3_600_000_000n

/** ms: the event's time, or the receive time where there is none or it is far off. */
export function timestampOf(eventTimeUs: bigint | null, receivedTimeUs: bigint): bigint {
  const isUsable =
    eventTimeUs !== null &&
    eventTimeUs <= receivedTimeUs + AHEAD_US &&
    eventTimeUs >= receivedTimeUs - BEHIND_US
  return (isUsable ? eventTimeUs : receivedTimeUs) / 1000n
}

/** MurmurHash2 with the seed of the Java client's default partitioner, signed 32 bits. */
export function murmur2(bytes: Uint8Array): number {
  const m = 0x5bd1e995
  let hash = 0x9747b28c ^ bytes.length
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const whole = bytes.length & ~3
  for (let offset = 0; offset < whole; offset += 4) {
    let k = Math.imul(view.getInt32(offset, true), m)
    k = Math.imul(k ^ (k >>> 24), m)
    hash = Math.imul(hash, m) ^ k
  }
  for (let offset = bytes.length - 1; offset >= whole; offset--) {
    hash ^= (bytes[offset] ?? 0) << ((offset - whole) * 8)
  }
  if (whole < bytes.length) hash = Math.imul(hash, m)
  hash = Math.imul(hash ^ (hash >>> 13), m)
  return hash ^ (hash >>> 15)
}
