/** The comparison of the end-to-end tests must see every way of being wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placementOf, timestampOf } from '../../oracle/kafka-facts.ts'
import { assertSameRecords, expectationOf } from '../../support/compare.ts'
import { assertOnlyCutTailsMissing } from '../../support/cuts.ts'
import type { ConsumedMessage } from '../../support/topic-reader.ts'

const TEMPLATE = 't.{type}.{symbol}'
const RECEIVED = 1_789_964_484_500_000n
const BOUNDS = { fromUs: RECEIVED - 1n, toUs: RECEIVED + 1n }

const FRAMES = Array.from({ length: 12 }, (_, id) => ({
  bytes: Buffer.from(
    `{"stream":"btcusdt@trade","data":{"e":"trade","E":1789964484109,"s":"BTCUSDT","t":${id},` +
      '"p":"2","q":"3","T":1789964484108,"m":true,"M":true}}'
  ),
  stream: null,
  connection: id < 6 ? 1 : 2
}))
const EXPECTED = expectationOf(FRAMES, TEMPLATE)

function delivered(): ConsumedMessage[] {
  return [...EXPECTED.byTopic.values()].flat().map((record, offset) => ({
    ...placementOf(record, TEMPLATE, 1),
    offset,
    value: Buffer.from(record.value.replace('"receivedTime":0', `"receivedTime":${RECEIVED}`)),
    timestampMs: Number(timestampOf(record.eventTimeUs, RECEIVED)),
    headers: {}
  }))
}

const check = (messages: readonly ConsumedMessage[]): void =>
  assertSameRecords(EXPECTED, messages, {
    template: TEMPLATE,
    partitions: new Map([['t.trade.BTCUSDT', 1]]),
    received: BOUNDS
  })

const altered = (change: Partial<ConsumedMessage>): ConsumedMessage[] =>
  delivered().map((message, index) => (index === 5 ? { ...message, ...change } : message))

test('what was delivered rightly passes', () => check(delivered()))

const all = delivered()
const at = (index: number): ConsumedMessage => all[index] as ConsumedMessage
const wrongs: Readonly<Record<string, readonly ConsumedMessage[]>> = {
  'lost in the middle': all.toSpliced(5, 1),
  'lost at the end': all.slice(0, -1),
  doubled: all.toSpliced(5, 0, at(5)),
  swapped: all.with(5, at(6)).with(6, at(5)),
  'all lost': [],
  'one byte': altered({ value: Buffer.from(at(5).value.toString().replace('"2"', '"3"')) }),
  'a space more': altered({ value: Buffer.from(at(5).value.toString().replace(',', ', ')) }),
  key: altered({ key: 'ETHUSDT' }),
  'no key': altered({ key: null }),
  partition: altered({ partition: 1 }),
  topic: altered({ topic: 't.trade.ETHUSDT' }),
  timestamp: altered({ timestampMs: at(5).timestampMs + 1 }),
  header: altered({ headers: { source: 'live' } }),
  'receive time outside the run': altered({
    value: Buffer.from(
      at(5)
        .value.toString()
        .replace(String(RECEIVED), String(RECEIVED + 9n))
    )
  })
}
for (const [name, messages] of Object.entries(wrongs)) {
  test(`seen: ${name}`, () => assert.throws(() => check(messages), assert.AssertionError))
}

test('only the tail of a cut connection may be missing', () => {
  const lost = (messages: readonly ConsumedMessage[], cut: readonly number[]): number =>
    assertOnlyCutTailsMissing(FRAMES, messages, { cut: new Set(cut), received: BOUNDS })
  assert.equal(lost(all, []), 0)
  assert.equal(lost(all.toSpliced(4, 2), [1]), 2)
  assert.equal(lost(all.slice(0, 10), [2]), 2)
  assert.throws(() => lost(all.toSpliced(4, 2), [2]), 'connection 1 was not cut')
  assert.throws(() => lost(all.toSpliced(3, 1), [1]), 'a hole before the tail')
  assert.throws(() => lost(all.toSpliced(6, 1), [1]), 'the head of the next connection')
  assert.throws(() => lost(all.toSpliced(5, 0, at(5)), [1, 2]), 'doubled')
})
