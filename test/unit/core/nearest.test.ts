import assert from 'node:assert/strict'
import { it } from 'node:test'
import { editDistance, nearest } from '../../../src/core/nearest.ts'

it('edit distance counts insertions, deletions, changes and swapped neighbours', () => {
  assert.equal(editDistance('', ''), 0)
  assert.equal(editDistance('abc', ''), 3)
  assert.equal(editDistance('abc', 'abc'), 0)
  assert.equal(editDistance('broker', 'brokers'), 1)
  assert.equal(editDistance('conifg', 'config'), 1)
  assert.equal(editDistance('kitten', 'sitting'), 3)
})

it('nearest ignores case, takes the first of equals, and may find nobody', () => {
  assert.equal(nearest('TRADES', ['ticker', 'trade']), 'trade')
  assert.equal(nearest('ax', ['ab', 'ac']), 'ab')
  assert.equal(nearest('x', []), null)
  assert.equal(nearest('y'.repeat(1_000_000), ['a', 'bb']), 'a')
})
