/** What the TypeScript kernel writes into the record ring: heads and values of the three kinds of entries. */
import type { FrameInput, ParsedRecord } from '../model/frame-parser.ts'
import {
  DeadLetterReason,
  type DeadLetterReasonName,
  ENTRY_DEAD_LETTER,
  ENTRY_STREAM_DEFINITION,
  RecordSource,
  type RecordSourceName,
  RecordType,
  SCHEMA_VERSION
} from '../model/record.ts'
import {
  DEAD_LETTER_BYTES_MAX,
  RECORD_FLAG_SUSPECT,
  RECORD_FLAG_TRUNCATED
} from '../ring/layout.ts'

const YEAR_2017_US = 1_483_228_800_000_000n
const DAY_US = 86_400_000_000

export interface TwinFrame extends FrameInput {
  readonly originalBytes: number
  readonly receivedTimeUs: number
  readonly flags: number
  readonly exchange: number
  readonly exchangeName: string
  readonly source: RecordSourceName
  isIgnored: boolean
}

export interface TwinEntry {
  readonly value: Uint8Array
  readonly streamIndex: number
  readonly type: number
  readonly source: number
  readonly flags: number
  readonly firstId: bigint
  readonly lastId: bigint
  readonly eventTimeUs: bigint
  readonly receivedTimeUs: bigint
  readonly keyOffset: number
  readonly keyBytes: number
  readonly detail: number
  /** For counters and activity rows; null for entries that are no records. */
  readonly effect: TwinEffect | null
}

export interface TwinEffect {
  readonly isSuspect: boolean
  readonly mark: number
  /** Received − event, µs; null where it means nothing. */
  readonly lagUs: number | null
}

function entry(frame: TwinFrame, type: number, value: Uint8Array): TwinEntry {
  return {
    value,
    streamIndex: 0,
    type,
    source: RecordSource[frame.source],
    flags: 0,
    firstId: -1n,
    lastId: -1n,
    eventTimeUs: 0n,
    receivedTimeUs: BigInt(frame.receivedTimeUs),
    keyOffset: 0,
    keyBytes: 0,
    detail: 0,
    effect: null
  }
}

export function recordEntry(frame: TwinFrame, record: ParsedRecord, index: number): TwinEntry {
  const { eventTimeUs } = record
  const head = `{"v":${SCHEMA_VERSION},"type":"${record.type}","exchange":"${frame.exchangeName}","symbol":"`
  const times = `"eventTime":${eventTimeUs},"receivedTime":${frame.receivedTimeUs}`
  const text = `${head}${record.symbol}",${times},"source":"${frame.source}",${record.body}}`
  const isOff = eventTimeUs !== null && isFarOff(eventTimeUs, frame.receivedTimeUs)
  const isSuspect = record.isSuspect || isOff
  const hasLag = eventTimeUs !== null && frame.source === 'live'
  return {
    ...entry(frame, RecordType[record.type], Buffer.from(text)),
    streamIndex: index,
    flags: isSuspect ? RECORD_FLAG_SUSPECT : 0,
    firstId: record.firstId,
    lastId: record.lastId,
    eventTimeUs: eventTimeUs ?? 0n,
    keyOffset: head.length,
    keyBytes: Buffer.byteLength(record.symbol),
    effect: {
      isSuspect,
      mark: Number(record.progress),
      lagUs: hasLag ? frame.receivedTimeUs - Number(eventTimeUs) : null
    }
  }
}

function isFarOff(eventTimeUs: bigint, receivedTimeUs: number): boolean {
  return eventTimeUs < YEAR_2017_US || Number(eventTimeUs) - receivedTimeUs > DAY_US
}

export function definitionEntry(
  frame: TwinFrame,
  record: ParsedRecord,
  index: number
): TwinEntry & { readonly text: string } {
  const { stream, type, symbol, interval, window } = record
  const text = JSON.stringify({
    stream,
    exchange: frame.exchangeName,
    type,
    symbol,
    interval,
    window
  })
  return {
    ...entry(frame, ENTRY_STREAM_DEFINITION, Buffer.from(text)),
    streamIndex: index,
    text
  }
}

export function deadLetterEntry(
  frame: TwinFrame,
  reason: DeadLetterReasonName,
  valueBytesMax: number
): TwinEntry {
  const kept = Math.min(frame.payload.length, DEAD_LETTER_BYTES_MAX, valueBytesMax)
  return {
    ...entry(frame, ENTRY_DEAD_LETTER, frame.payload.subarray(0, kept)),
    streamIndex: frame.exchange,
    flags: kept < frame.originalBytes ? RECORD_FLAG_TRUNCATED : 0,
    firstId: BigInt(frame.originalBytes),
    detail: DeadLetterReason[reason]
  }
}
