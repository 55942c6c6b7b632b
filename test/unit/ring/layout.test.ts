/** The numbers that two languages share. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderLayoutHeader } from '../../../scripts/gen-layout.ts'
import * as counters from '../../../src/ring/counters.ts'
import {
  HISTOGRAM_WORDS,
  OFFSET_CONSUMER_CURSOR,
  OFFSET_CONSUMER_EPOCH,
  OFFSET_INTENT_FRAME_CURSOR,
  OFFSET_INTENT_RECORD_CURSOR,
  OFFSET_INTENT_SEQUENCE,
  OFFSET_INTENT_STATE,
  OFFSET_NEXT_SEQUENCE,
  OFFSET_PRODUCER_CURSOR,
  OFFSET_PRODUCER_EPOCH,
  OFFSET_STOP,
  RING_HEADER_BYTES,
  RING_SLACK_BYTES
} from '../../../src/ring/layout.ts'

const HEADER_FILE = new URL('../../../../native/src/layout.h', import.meta.url)

test('native/src/layout.h is what src/ring says', () => {
  assert.equal(readFileSync(HEADER_FILE, 'utf8'), renderLayoutHeader(), 'run npm run layout')
})

test('the two cursors lie at least 128 bytes apart, and apart from everything else', () => {
  const words = [
    OFFSET_PRODUCER_CURSOR,
    OFFSET_CONSUMER_CURSOR,
    OFFSET_CONSUMER_EPOCH,
    OFFSET_PRODUCER_EPOCH,
    OFFSET_STOP,
    OFFSET_NEXT_SEQUENCE,
    OFFSET_INTENT_STATE,
    OFFSET_INTENT_FRAME_CURSOR,
    OFFSET_INTENT_RECORD_CURSOR,
    OFFSET_INTENT_SEQUENCE
  ]
  assert.equal(new Set(words).size, words.length)
  for (const cursor of [OFFSET_PRODUCER_CURSOR, OFFSET_CONSUMER_CURSOR]) {
    for (const other of words) {
      if (other !== cursor) assert.ok(Math.abs(other - cursor) >= 128, `${cursor} and ${other}`)
    }
  }
  for (const word of words) assert.ok(word + 8 <= RING_HEADER_BYTES)
  for (const word of [OFFSET_NEXT_SEQUENCE, OFFSET_INTENT_SEQUENCE]) assert.equal(word % 8, 0)
  assert.ok(RING_SLACK_BYTES >= 64, 'simdjson reads 64 bytes past a payload')
})

for (const block of ['PARSER', 'KAFKA'] as const) {
  test(`no two counters of the ${block} block share a word`, () => {
    const widths: Record<string, number> = {
      PARSER_RECORDS_BY_TYPE: 32,
      PARSER_DEAD_LETTERS_BY_REASON: 32,
      PARSER_EXCHANGE_LAG: counters.EXCHANGES_MAX * HISTOGRAM_WORDS,
      KAFKA_END_TO_END: HISTOGRAM_WORDS,
      KAFKA_DELIVERY: HISTOGRAM_WORDS
    }
    const total = counters[`${block}_COUNTER_WORDS`]
    const owners = new Map<number, string>()
    for (const [name, start] of Object.entries(counters)) {
      if (typeof start !== 'number' || !name.startsWith(block) || name.endsWith('_WORDS')) continue
      for (let index = start; index < start + (widths[name] ?? 1); index++) {
        assert.equal(owners.get(index), undefined, `${name} and ${owners.get(index)}`)
        assert.ok(index < total, `${name} lies outside the block`)
        owners.set(index, name)
      }
    }
  })
}
