import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { test } from 'node:test'
import { createLookup } from '../../../src/transport/dns-lookup.ts'

test('every dial asks anew; when the resolver fails the last answer is used', () => {
  let answer: LookupAddress[] | Error = [
    { address: '192.0.2.1', family: 4 },
    { address: '192.0.2.2', family: 4 }
  ]
  let asked = 0
  const lookup = createLookup((_host, _options, callback) => {
    asked += 1
    if (answer instanceof Error) callback(answer, [])
    else callback(null, answer)
  })
  const ask = (all: boolean): unknown[] => {
    let result: unknown[] = []
    lookup('feed.example', { all }, (...values: unknown[]) => {
      result = values
    })
    return result
  }
  assert.deepEqual(ask(true), [null, answer])
  assert.deepEqual(ask(false), [null, '192.0.2.1', 4])
  answer = [{ address: '192.0.2.9', family: 4 }]
  assert.deepEqual(ask(false), [null, '192.0.2.9', 4])
  answer = new Error('SERVFAIL')
  assert.deepEqual(ask(false), [null, '192.0.2.9', 4])
  assert.equal(asked, 4)
})

test('a host that was never resolved fails with the resolver’s error', () => {
  const failure = new Error('ENOTFOUND')
  const lookup = createLookup((_host, _options, callback) => callback(failure, []))
  lookup('nowhere.example', { all: true }, (error) => assert.equal(error, failure))
})
