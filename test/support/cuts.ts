/**
 * What may be missing after a connection was cut: of each stream, only the end of what that connection
 * carried. Everything else must be there once, in order, byte for byte.
 */
import assert from 'node:assert/strict'
import { type ExpectedRecord, normalise } from '../oracle/normalise.ts'
import { assertSameRecord, type Bounds, keyOfValue, streamKey } from './compare.ts'
import type { ConsumedMessage } from './topic-reader.ts'

export interface CutFrame {
  readonly bytes: Uint8Array
  readonly connection: number
}

interface Sent {
  readonly record: ExpectedRecord
  readonly connection: number
}

/** Asserts it and returns how many records were lost at the cuts. */
export function assertOnlyCutTailsMissing(
  frames: Iterable<CutFrame>,
  consumed: readonly ConsumedMessage[],
  options: { readonly cut: ReadonlySet<number>; readonly received: Bounds }
): number {
  const sent = new Map<string, Sent[]>()
  for (const { bytes, connection } of frames) {
    const verdict = normalise(bytes, {
      receivedTimeUs: 0n,
      exchange: 'binance',
      source: 'live',
      stream: null
    })
    if (verdict.kind !== 'records') continue
    for (const record of verdict.records) {
      const key = streamKey(record)
      const list = sent.get(key)
      if (list === undefined) sent.set(key, [{ record, connection }])
      else list.push({ record, connection })
    }
  }
  const position = new Map<string, number>()
  let lost = 0
  for (const message of consumed) {
    const key = keyOfValue(message.value)
    const list = sent.get(key) ?? []
    let at = position.get(key) ?? 0
    const skipped = skipCutTail(list, at, message)
    lost += skipped
    at += skipped
    const where = `${message.topic}@${message.offset}`
    const expected = list[at]
    assert.ok(expected, `${where}: nothing more of ${key} was sent: ${message.value}`)
    const previous = list[at - skipped]
    if (skipped > 0 && previous !== undefined) {
      assert.ok(options.cut.has(previous.connection), `${where}: ${skipped} lost without a cut`)
      assert.notEqual(
        previous.connection,
        expected.connection,
        `${where}: a hole inside a connection`
      )
    }
    assertSameRecord(expected.record, message, where, options)
    position.set(key, at + 1)
  }
  for (const [key, list] of sent) {
    const rest = list.slice(position.get(key) ?? 0)
    for (const { connection } of rest) {
      assert.ok(options.cut.has(connection), `${key}: the last ${rest.length} never came`)
    }
    lost += rest.length
  }
  return lost
}

/** How many records before the one consumed belong to the same, earlier connection. */
function skipCutTail(list: readonly Sent[], at: number, message: ConsumedMessage): number {
  if (matches(list[at], message)) return 0
  const connection = list[at]?.connection
  let next = at
  while (next < list.length && list[next]?.connection === connection) next++
  return matches(list[next], message) ? next - at : 0
}

function matches(sent: Sent | undefined, message: ConsumedMessage): boolean {
  if (sent === undefined) return false
  const text = message.value.toString('utf8').replace(/"receivedTime":\d+/, '"receivedTime":0')
  return text === sent.record.value
}
