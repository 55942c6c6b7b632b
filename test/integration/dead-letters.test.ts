/**
 * A line that breaks, doubles and reorders frames: what cannot be read goes to the dead-letter topic whole,
 * with its reason; everything else is delivered as it came.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertSameRecords } from '../support/compare.ts'
import { sharedBroker } from '../support/kafka-node.ts'
import { assertAtRest, startScenario } from '../support/scenario.ts'
import { TopicReader } from '../support/topic-reader.ts'

const TOPIC = 'market.deadletter.binance'

test('broken, doubled and reordered frames', { timeout: 120_000 }, async (t) => {
  const brokers = await sharedBroker()
  const letters = await TopicReader.open(brokers, new RegExp(`^${TOPIC}$`))
  t.after(() => letters.close())
  const run = await startScenario(t, { brokers, channels: ['trade', 'bookTicker', 'depth@100ms'] })
  run.exchange.faults.frames({ action: 'malform', probability: 0.03 })
  run.exchange.faults.frames({ action: 'duplicate', probability: 0.03 })
  run.exchange.faults.frames({ action: 'reorder', probability: 0.03 })
  await run.play(8000)
  const { malformed, duplicated, reordered } = run.exchange.faults.counts
  assert.ok(malformed > 20 && duplicated > 20 && reordered > 20, 'the faults did not fire')
  const expected = run.expectation()
  assert.equal(expected.deadFrames.length, malformed, 'every malformed frame is dead to the oracle')
  await run.readAll(expected.records)
  assertSameRecords(expected, run.reader.messages, run.compareOptions())
  // Other runs share the topic: ours are those with our bytes.
  const wanted = new Map<string, { reason: string; count: number }>()
  for (const { bytes, reason } of expected.deadFrames) {
    const key = Buffer.from(bytes).toString('latin1')
    wanted.set(key, { reason, count: (wanted.get(key)?.count ?? 0) + 1 })
  }
  const sinceMs = Number(run.startedUs / 1000n)
  const found = () =>
    letters.messages.filter(
      ({ value, timestampMs }) => timestampMs >= sinceMs && wanted.has(value.toString('latin1'))
    )
  await letters.readUntil(() => found().length >= expected.deadFrames.length, 15_000)
  assert.equal(found().length, expected.deadFrames.length, 'dead letters')
  for (const { value, headers } of found()) {
    const { reason } = wanted.get(value.toString('latin1')) ?? { reason: '' }
    assert.equal(headers['reason'], reason, `${JSON.stringify(headers)}: ${value}`)
    assert.equal(headers['type'], 'deadLetter', JSON.stringify(headers))
    assert.equal(headers['originalSize'], String(value.length), JSON.stringify(headers))
  }
  await assertAtRest(run, expected)
  t.diagnostic(
    `${expected.frames} frames, ${malformed} dead, ${duplicated} doubled, ${reordered} reordered`
  )
})
