import assert from 'node:assert/strict'
import { it } from 'node:test'
import { HttpError } from '../../../src/http/http-error.ts'
import { compile, LogLevelSchema, SubscriptionsSchema } from '../../../src/http/schemas.ts'

function refusal(check: (body: unknown) => unknown, body: unknown): string {
  try {
    check(body)
  } catch (error) {
    assert.ok(error instanceof HttpError)
    assert.deepEqual([error.status, error.code], [400, 'bad_body'])
    return error.message
  }
  return '(accepted)'
}

it('a level nobody knows is answered with those there are', () => {
  const check = compile(LogLevelSchema)
  const levels = '/level must be one of trace, debug, info, warn, error'
  for (const level of ['loud', '', 5, null]) assert.equal(refusal(check, { level }), levels)
  assert.match(refusal(check, {}), /level/)
  assert.match(refusal(check, { level: 'info', more: 1 }), /\(more\)/)
  assert.match(refusal(check, []), /must be object/)
  assert.equal(refusal(check, { level: 'warn' }), '(accepted)')
})

it('subscriptions: the message is about the form that was meant', () => {
  const check = compile(SubscriptionsSchema)
  assert.equal(refusal(check, []), 'the body is an empty list')
  assert.equal(refusal(check, { subscriptions: [] }), '/subscriptions is an empty list')
  assert.equal(refusal(check, { channels: [] }), '/channels is an empty list')
  assert.match(refusal(check, { channels: [1] }), /^\/channels\/0 must be string/)
  assert.match(refusal(check, [{ channels: ['trade'], symbol: 'A' }]), /^\/0 .*\(symbol\)$/)
  assert.match(refusal(check, {}), /channels/)
  assert.match(refusal(check, 'trade'), /^the body must be /)
  assert.equal(refusal(check, [{ channels: ['trade'] }]), '(accepted)')
})
