import assert from 'node:assert/strict'
import { test } from 'node:test'
import { candleOpenUs, INTERVALS, nextOpenUs } from '../../../src/simulator/intervals.ts'

const at = (iso: string): number => Date.parse(iso) * 1000
const open = (interval: (typeof INTERVALS)[number], iso: string, offsetUs = 0): string =>
  new Date(candleOpenUs(interval, at(iso), offsetUs) / 1000).toISOString()

test('weeks open on Monday, months on the first, both in their time zone', () => {
  const time = '2026-03-01T17:30:00.000Z'
  assert.equal(open('1w', time), '2026-02-23T00:00:00.000Z')
  assert.equal(open('1M', time), '2026-03-01T00:00:00.000Z')
  assert.equal(open('1d', time), '2026-03-01T00:00:00.000Z')
  const shanghai = 8 * 3_600_000_000
  assert.equal(open('1d', time, shanghai), '2026-03-01T16:00:00.000Z')
  assert.equal(open('1w', time, shanghai), '2026-03-01T16:00:00.000Z')
  assert.equal(open('1M', time, shanghai), '2026-02-28T16:00:00.000Z')
})

test('every candle follows the one before without a hole', () => {
  for (const interval of INTERVALS) {
    let openUs = candleOpenUs(interval, at('2024-02-27T23:59:58.500Z'))
    for (let round = 0; round < 40; round++) {
      const next = nextOpenUs(interval, openUs)
      assert.equal(candleOpenUs(interval, next - 1), openUs, interval)
      assert.equal(candleOpenUs(interval, next), next, interval)
      openUs = next
    }
  }
})
