/**
 * Holds what was consumed against what the oracle expects: bytes, order, key, partition, timestamp,
 * headers. The one thing the oracle cannot know is the receive time; it is taken from the record itself,
 * must lie within the run, and everything else must then be equal byte for byte.
 */
import assert from 'node:assert/strict'
import { placementOf, timestampOf } from '../oracle/kafka-facts.ts'
import { describe, type ExpectedRecord, normalise } from '../oracle/normalise.ts'
import type { ConsumedMessage } from './topic-reader.ts'

export interface SentFrame {
  readonly bytes: Uint8Array
  /** The stream's name when it went beside the frame. */
  readonly stream: string | null
}

export interface Expectation {
  /** By topic, in the order sent. */
  readonly byTopic: ReadonlyMap<string, readonly ExpectedRecord[]>
  readonly records: number
  readonly ignored: number
  readonly deadFrames: readonly { readonly bytes: Uint8Array; readonly reason: string }[]
  readonly frames: number
}

export function expectationOf(
  frames: Iterable<SentFrame>,
  template: string,
  exchange = 'binance'
): Expectation {
  const byTopic = new Map<string, ExpectedRecord[]>()
  const deadFrames: { bytes: Uint8Array; reason: string }[] = []
  let [records, ignored, count] = [0, 0, 0]
  for (const { bytes, stream } of frames) {
    count++
    const verdict = normalise(bytes, { receivedTimeUs: 0n, exchange, source: 'live', stream })
    if (verdict.kind === 'ignored') ignored++
    if (verdict.kind === 'dead') deadFrames.push({ bytes, reason: verdict.reason })
    if (verdict.kind !== 'records') continue
    for (const record of verdict.records) {
      const { topic } = placementOf(record, template, 1)
      const list = byTopic.get(topic)
      if (list === undefined) byTopic.set(topic, [record])
      else list.push(record)
      records++
    }
  }
  return { byTopic, records, ignored, deadFrames, frames: count }
}

export interface Bounds {
  readonly fromUs: bigint
  readonly toUs: bigint
}

export interface CompareOptions {
  readonly template: string
  /** Topic → partitions, as the broker has them. */
  readonly partitions: ReadonlyMap<string, number>
  readonly received: Bounds
}

const RECEIVED = /"receivedTime":(\d+)/

/** Asserts that exactly the expected records stand in their topics, each once, in order per partition. */
export function assertSameRecords(
  expected: Expectation,
  consumed: readonly ConsumedMessage[],
  options: CompareOptions
): void {
  const found = groupByTopic(consumed)
  assert.deepEqual([...found.keys()].sort(), [...expected.byTopic.keys()].sort(), 'topics')
  for (const [topic, records] of expected.byTopic) {
    const partitions = options.partitions.get(topic) ?? 1
    const perPartition = new Map<number, ExpectedRecord[]>()
    for (const record of records) {
      const { partition } = placementOf(record, options.template, partitions)
      const list = perPartition.get(partition)
      if (list === undefined) perPartition.set(partition, [record])
      else list.push(record)
    }
    const messages = found.get(topic) ?? []
    for (const [partition, inOrder] of perPartition) {
      comparePartition(
        inOrder,
        messages.filter((each) => each.partition === partition),
        options
      )
    }
    assert.equal(messages.length, records.length, `records in ${topic}`)
  }
}

/**
 * Streams that share a partition interleave as they were received, which the sender cannot know; each
 * stream's own order is what is promised.
 */
function comparePartition(
  expected: readonly ExpectedRecord[],
  messages: readonly ConsumedMessage[],
  options: CompareOptions
): void {
  const waiting = new Map<string, ExpectedRecord[]>()
  for (const record of expected) {
    const key = streamKey(record)
    const list = waiting.get(key)
    if (list === undefined) waiting.set(key, [record])
    else list.push(record)
  }
  const position = new Map<string, number>()
  for (const message of messages) {
    const key = keyOfValue(message.value)
    const at = position.get(key) ?? 0
    const record = waiting.get(key)?.[at]
    const where = `${message.topic}[${message.partition}]@${message.offset}`
    assert.ok(record, `${where}: nothing more of ${key} was sent: ${message.value}`)
    assertSameRecord(record, message, where, options)
    position.set(key, at + 1)
  }
  for (const [key, records] of waiting) {
    const at = position.get(key) ?? 0
    assert.equal(at, records.length, `${key}: lost from ${records[at]?.value}`)
  }
}

export function assertSameRecord(
  record: ExpectedRecord,
  message: ConsumedMessage,
  where: string,
  options: { readonly received: Bounds }
): void {
  const text = message.value.toString('utf8')
  const received = BigInt(RECEIVED.exec(text)?.[1] ?? -1)
  const { fromUs, toUs } = options.received
  assert.ok(received >= fromUs && received <= toUs, `${where}: received at ${received}: ${text}`)
  const value = record.value.replace('"receivedTime":0', `"receivedTime":${received}`)
  assert.equal(text, value, where)
  assert.ok(message.value.equals(Buffer.from(value)), `${where}: other bytes`)
  assert.equal(message.key, record.symbol, `${where}: key`)
  assert.equal(
    BigInt(message.timestampMs),
    timestampOf(record.eventTimeUs, received),
    `${where}: time`
  )
  assert.deepEqual(message.headers, {}, `${where}: a live record has no headers`)
}

/** One stream of one symbol, as far as its records tell. */
export function streamKey(record: ExpectedRecord): string {
  return [record.type, record.symbol, record.interval ?? '', record.window ?? ''].join(' ')
}

export function keyOfValue(value: Buffer): string {
  const record = JSON.parse(value.toString('utf8')) as Record<string, unknown>
  const interval = record['type'] === 'kline' ? record['interval'] : ''
  return [record['type'], record['symbol'], interval, record['window'] ?? ''].map(String).join(' ')
}

export function groupByTopic(messages: readonly ConsumedMessage[]): Map<string, ConsumedMessage[]> {
  const groups = new Map<string, ConsumedMessage[]>()
  for (const message of messages) {
    const list = groups.get(message.topic)
    if (list === undefined) groups.set(message.topic, [message])
    else list.push(message)
  }
  return groups
}

/** Every frame must be a record: what the test itself sends cannot be at fault. */
export function assertNoDeadFrames(expected: Expectation): void {
  const first = expected.deadFrames[0]
  if (first === undefined) return
  assert.fail(
    `the oracle rejects ${describe({ kind: 'dead', reason: first.reason })}: ${first.bytes}`
  )
}
