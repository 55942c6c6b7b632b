import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  controlRequests,
  isData,
  listRequest,
  parseControl
} from '../../../../src/adapters/binance/control.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

test('data is recognised by its beginning, the shutdown notice is not data', () => {
  for (const text of [
    '{"stream":"btcusdt@trade","data":{}}',
    '{"stream":"!miniTicker@arr","data":[]}',
    '{"stream":"!serverShutdownX","data":[]}',
    '{"stream":"x'
  ]) {
    assert.equal(isData(bytes(text)), true, text)
  }
  for (const text of [
    '',
    '{"stream":"',
    '{"stream":"!serverShutdown","data":{}}',
    '{"result":null,"id":1}',
    '{ "stream":"btcusdt@trade","data":{}}',
    '{"data":{},"stream":"btcusdt@trade"}',
    'x'
  ]) {
    assert.equal(isData(bytes(text)), false, text)
  }
})

test('answers of every shape', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['{"result":null,"id":1}', { kind: 'ack', id: 1 }],
    ['{"id":1,"result":null}', { kind: 'ack', id: 1 }],
    ['{"result":true,"id":2}', { kind: 'ack', id: 2 }],
    ['{"result":["a@trade","b"],"id":3}', { kind: 'list', id: 3, streams: ['a@trade', 'b'] }],
    ['{"result":[],"id":3}', { kind: 'list', id: 3, streams: [] }],
    ['{"result":null,"id":null}', { kind: 'ack', id: null }],
    [
      '{"code":2,"msg":"Invalid request: x","id":4}',
      { kind: 'error', id: 4, code: 2, message: 'Invalid request: x' }
    ],
    [
      '{"code":3,"msg":"Invalid JSON: x"}',
      { kind: 'error', id: null, code: 3, message: 'Invalid JSON: x' }
    ],
    [
      '{"error":{"code":4,"msg":"Too many subscriptions"},"id":5}',
      { kind: 'error', id: 5, code: 4, message: 'Too many subscriptions' }
    ],
    ['{"e":"serverShutdown","E":1}', { kind: 'shutdown' }],
    ['{"data":{"E":1,"e":"serverShutdown"},"stream":"!serverShutdown"}', { kind: 'shutdown' }],
    ['{"stream":"!serverShutdown","data":{"e":"other"}}', { kind: 'data' }],
    ['{"data":{"e":"trade"},"stream":"a@trade"}', { kind: 'data' }],
    ['{"result":null}', { kind: 'data' }],
    ['{"resul', { kind: 'data' }],
    ['[]', { kind: 'data' }],
    ['null', { kind: 'data' }],
    ['7', { kind: 'data' }],
    ['', { kind: 'data' }]
  ]
  for (const [text, expected] of cases) assert.deepEqual(parseControl(bytes(text)), expected, text)
})

test('a frame too large for a control message is not parsed', () => {
  const huge = `{"result":["${'a'.repeat(300 * 1024)}"],"id":1}`
  assert.deepEqual(parseControl(bytes(huge)), { kind: 'data' })
})

for (const bytesMax of [128, 300, 4000]) {
  test(`requests stay within ${bytesMax} bytes and hold every stream once, in order`, () => {
    const streams = Array.from(
      { length: 700 },
      (_, n) => `${n % 7 === 0 ? '币安"人' : 'sym'}${n}@trade`
    )
    let id = 2 ** 40
    const requests = controlRequests('subscribe', streams, { bytesMax, nextId: () => ++id })
    const ids = new Set(requests.map((request) => request.id))
    assert.equal(ids.size, requests.length)
    assert.deepEqual(
      requests.flatMap((request) => request.streams),
      streams
    )
    for (const request of requests) {
      assert.ok(Buffer.byteLength(request.text) <= bytesMax)
      assert.deepEqual(JSON.parse(request.text), {
        method: 'SUBSCRIBE',
        params: request.streams,
        id: request.id
      })
    }
    // No more messages than needed: two neighbours never fit into one.
    for (let n = 1; n < requests.length; n++) {
      const both = Buffer.byteLength(`${requests[n - 1]?.text}${requests[n]?.text}`)
      assert.ok(both > bytesMax)
    }
  })
}

test('nothing to do is no message; a name that fits into none is an error', () => {
  const options = { bytesMax: 128, nextId: () => 1 }
  assert.deepEqual(controlRequests('unsubscribe', [], options), [])
  assert.throws(() => controlRequests('subscribe', ['x'.repeat(128)], options), {
    code: 'SLUICE_EXCHANGE_CONTROL'
  })
  assert.deepEqual(JSON.parse(listRequest(9).text), { method: 'LIST_SUBSCRIPTIONS', id: 9 })
})
