/** Steady load: every frame sent is consumed back once, in order per stream, byte for byte. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertNoDeadFrames, assertSameRecords } from '../support/compare.ts'
import { assertAtRest, CHANNELS, startScenario } from '../support/scenario.ts'

const MODEL_SECONDS = Number(process.env['SLUICE_TEST_STEADY_SECONDS'] ?? 30)

test('steady load over every channel', { timeout: 180_000 }, async (t) => {
  const run = await startScenario(t, { rate: 600 })
  await run.play(MODEL_SECONDS * 1000)
  const expected = run.expectation()
  assertNoDeadFrames(expected)
  await run.readAll(expected.records)
  assertSameRecords(expected, run.reader.messages, run.compareOptions())
  const types = new Set([...expected.byTopic.keys()].map((topic) => topic.split('.')[1]))
  assert.equal(types.size, new Set(CHANNELS.map((name) => name.replace(/_.*/, ''))).size)
  await assertAtRest(run, expected)
  assert.deepEqual(await run.service.stop(), { code: 0, signal: null }, run.service.logTail())
  t.diagnostic(
    `${expected.frames} frames, ${expected.records} records, ${expected.byTopic.size} topics`
  )
})

test('one topic per type, twelve partitions by murmur2 of the symbol', {
  timeout: 120_000
}, async (t) => {
  const run = await startScenario(t, {
    topic: '{type}',
    symbols: 30,
    channels: ['trade', 'bookTicker', 'depth@100ms'],
    env: { SLUICE_KAFKA_HEADERS: 'none' }
  })
  await run.play(5000)
  const expected = run.expectation()
  await run.readAll(expected.records)
  assert.deepEqual([...run.reader.topics().values()], [12, 12, 12])
  assertSameRecords(expected, run.reader.messages, run.compareOptions())
  await assertAtRest(run, expected)
})

test('raw microseconds from the exchange are kept as they are', { timeout: 120_000 }, async (t) => {
  const run = await startScenario(t, { channels: ['trade', 'kline_1m'], symbols: 2 })
  await run.play(3000)
  const expected = run.expectation()
  await run.readAll(expected.records)
  assertSameRecords(expected, run.reader.messages, run.compareOptions())
  // The adapter asks for µs: some time of some record must have a part below a millisecond.
  const times = run.reader.messages.map((each) => /"eventTime":(\d+)/.exec(String(each.value))?.[1])
  assert.ok(
    times.some((time) => time !== undefined && !time.endsWith('000')),
    'all times are in ms'
  )
})
