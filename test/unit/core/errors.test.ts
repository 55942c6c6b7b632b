import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asError,
  assertNever,
  ERROR_CODES,
  invariant,
  SluiceError
} from '../../../src/core/errors.ts'

test('an error crosses a thread with its code, message, facts and stack', () => {
  const error = new SluiceError('SLUICE_THREAD_LOST', 'a thread ended', { shard: 2, last: null })
  const copy = SluiceError.fromWire(structuredClone(error.toWire()))
  assert.ok(copy instanceof SluiceError)
  assert.equal(copy.code, 'SLUICE_THREAD_LOST')
  assert.equal(copy.message, 'a thread ended')
  assert.deepEqual(copy.context, { shard: 2, last: null })
  assert.equal(copy.stack, error.stack)
  assert.equal(copy.disposition, 'retry')
})

test('the cause is kept', () => {
  const cause = new Error('ECONNREFUSED')
  assert.equal(new SluiceError('SLUICE_TRANSPORT_CONNECT', 'connecting', {}, cause).cause, cause)
})

test('every code has the prefix and a known disposition', () => {
  for (const [code, disposition] of Object.entries(ERROR_CODES)) {
    assert.match(code, /^SLUICE_[A-Z_]+$/)
    assert.ok(['drop', 'retry', 'heal', 'reconnect', 'fatal'].includes(disposition), code)
  }
})

test('a broken invariant and an impossible value are fatal', () => {
  invariant(true, 'fine')
  assert.throws(() => invariant(false, 'cursor moved back'), {
    code: 'SLUICE_INVARIANT',
    message: 'cursor moved back',
    disposition: 'fatal'
  })
  assert.throws(() => assertNever('x' as never, 'type'), { message: 'type: unexpected x' })
})

test('anything thrown becomes an Error', () => {
  const error = new Error('as it is')
  assert.equal(asError(error), error)
  assert.equal(asError('text').message, 'text')
  assert.equal(asError(undefined).message, 'undefined')
})
