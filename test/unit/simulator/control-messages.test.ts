import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answerControl,
  type ControlStyle,
  type ControlTarget
} from '../../../src/simulator/control-messages.ts'

function target(max = 3): ControlTarget {
  const names = new Set<string>()
  return {
    combined: false,
    get streamNames() {
      return [...names]
    },
    subscribe: (more) => {
      if (new Set([...names, ...more]).size > max) return false
      for (const name of more) names.add(name)
      return true
    },
    unsubscribe: (less) => {
      for (const name of less) names.delete(name)
    }
  }
}

function say(to: ControlTarget, message: unknown, style: ControlStyle = 'observed'): string {
  const text = typeof message === 'string' ? message : JSON.stringify(message)
  const reply = answerControl(text, to, style)
  return reply.kind === 'text' ? reply.text : `close ${reply.code} ${reply.reason}`
}

test('subscriptions and properties, answered as documented', () => {
  const to = target()
  const params = ['btcusdt@trade', 'BTCUSDT@nonsense']
  assert.equal(say(to, { method: 'SUBSCRIBE', params, id: 1 }), '{"result":null,"id":1}')
  assert.equal(
    say(to, { method: 'LIST_SUBSCRIPTIONS', id: 'abc' }),
    `{"result":${JSON.stringify(params)},"id":"abc"}`
  )
  assert.equal(
    say(to, { method: 'UNSUBSCRIBE', params: [params[1]], id: null }),
    '{"result":null,"id":null}'
  )
  assert.equal(
    say(to, { method: 'LIST_SUBSCRIPTIONS', id: 2 }),
    '{"result":["btcusdt@trade"],"id":2}'
  )
  assert.equal(
    say(to, { method: 'SET_PROPERTY', params: ['combined', true], id: 5 }),
    '{"result":null,"id":5}'
  )
  assert.equal(
    say(to, { method: 'GET_PROPERTY', params: ['combined'], id: 2 }),
    '{"result":true,"id":2}'
  )
})

test('errors in both shapes', () => {
  const bad = { method: 'FOO', id: 20 }
  assert.match(
    say(target(), bad),
    /^\{"error":\{"code":2,"msg":"Invalid request: unknown variant `FOO`, .*\},"id":20\}$/
  )
  assert.match(say(target(), bad, 'documented'), /^\{"code":2,"msg":".*","id":20\}$/)
  assert.equal(say(target(), 'garbage'), 'close 1008 Invalid request')
  assert.match(say(target(), 'garbage', 'documented'), /^\{"code":3,"msg":"Invalid JSON/)
  assert.equal(
    say(target(), { method: 'SUBSCRIBE', params: ['a@b', 'c@d', 'e@f', 'g@h'], id: 19 }),
    '{"error":{"code":4,"msg":"Too many subscriptions"},"id":19}'
  )
  const cases: readonly (readonly [unknown, string])[] = [
    [{ method: 'SUBSCRIBE', id: 1 }, 'invalid stream'],
    [{ method: 'SUBSCRIBE', params: [1], id: 1 }, 'invalid stream'],
    [{ method: 'SUBSCRIBE', params: ['a@b'], id: -1 }, 'request ID must be'],
    [{ method: 'SUBSCRIBE', params: ['a@b'], id: 'x'.repeat(37) }, 'request ID must be'],
    [{ params: [], id: 1 }, 'missing field `method`'],
    [{ method: 'GET_PROPERTY', params: ['combined', 1], id: 1 }, 'too many parameters'],
    [{ method: 'GET_PROPERTY', params: [7], id: 1 }, 'property name must be a string'],
    [{ method: 'GET_PROPERTY', params: ['other'], id: 1 }, '"code":0,"msg":"Unknown property"'],
    [{ method: 'SET_PROPERTY', params: ['combined', 1], id: 1 }, 'expected Boolean']
  ]
  for (const [message, expected] of cases) {
    assert.ok(say(target(), message).includes(expected), JSON.stringify(message))
  }
})
