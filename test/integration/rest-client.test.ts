import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { parseRestError } from '../../src/adapters/binance/rest.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { SluiceError } from '../../src/core/errors.ts'
import { createPrng } from '../../src/core/prng.ts'
import { RestClient, type RestClientOptions } from '../../src/transport/rest-client.ts'
import { TinyExchange } from '../support/tiny-exchange.ts'

let exchange: TinyExchange
let client: RestClient
beforeEach(async () => {
  exchange = await new TinyExchange().open()
  client = createClient()
})
afterEach(async () => {
  await client.close()
  await exchange.close()
})

function createClient(options: Partial<RestClientOptions> = {}): RestClient {
  return new RestClient({
    baseUrl: exchange.restUrl,
    usedWeightHeader: 'x-mbx-used-weight-1m',
    weightPerMinute: 1000,
    connectMs: 1000,
    requestMs: 1000,
    parseError: parseRestError,
    clock: systemClock,
    prng: createPrng(1),
    ...options
  })
}

const answer = (status: number, body: string, headers: Record<string, string> = {}): void => {
  exchange.behaviour.rest.set('/', () => ({ status, body, headers }))
}
const code = (expected: string) => (error: SluiceError) => {
  assert.equal(error.code, expected, error.message)
  return true
}

test('an answer with its headers; the used weight it states counts', async () => {
  answer(200, '{"serverTime":1}', { 'x-mbx-used-weight-1m': '123' })
  const response = await client.get('/api/v3/time', { weight: 1 })
  assert.equal(response.body.toString(), '{"serverTime":1}')
  assert.equal(client.status().usedWeight, 123)
})

test('server errors are tried again, up to the attempts allowed; parameter errors never', async () => {
  let asked = 0
  exchange.behaviour.rest.set('/', () => {
    asked += 1
    return asked < 3 ? { status: 503, body: '' } : { status: 200, body: '{}' }
  })
  await client.get('/api/v3/time', { weight: 1, attempts: 3 })
  assert.equal(asked, 3)
  asked = 0
  await assert.rejects(
    client.get('/api/v3/time', { weight: 1, attempts: 2 }),
    code('SLUICE_TRANSPORT_HTTP')
  )
  assert.equal(asked, 2)
  exchange.requests.length = 0
  answer(400, '{"code":-1121,"msg":"Invalid symbol."}')
  await assert.rejects(client.get('/x', { weight: 1, attempts: 5 }), /Invalid symbol/)
  assert.equal(exchange.requests.length, 1)
})

test('after 429 nothing is asked until Retry-After is over', async () => {
  answer(429, '{"code":-1003,"msg":"Too much"}', { 'retry-after': '1' })
  const limited = code('SLUICE_TRANSPORT_RATE_LIMITED')
  await assert.rejects(client.get('/x', { weight: 1, attempts: 5 }), limited)
  answer(200, '{}')
  await assert.rejects(client.get('/x', { weight: 1 }), (error: SluiceError) => {
    const { retryAfterMs } = error.context
    assert.ok(typeof retryAfterMs === 'number' && retryAfterMs > 0 && retryAfterMs <= 1000)
    return limited(error)
  })
  assert.equal(exchange.requests.length, 1)
  await new Promise((resolve) => setTimeout(resolve, 1050))
  await client.get('/x', { weight: 1 })
  assert.equal(client.status().silentMs, 0)
})

test('418, 403 and 451 say what they are', async () => {
  answer(451, '{"code":0,"msg":"restricted location"}')
  await assert.rejects(client.get('/x', { weight: 1 }), code('SLUICE_TRANSPORT_REFUSED'))
  answer(403, '<html>', { 'content-type': 'text/html' })
  await assert.rejects(client.get('/x', { weight: 1 }), /firewall \(an HTML page/)
  answer(418, '{}', { 'retry-after': '120' })
  await assert.rejects(client.get('/x', { weight: 1 }), code('SLUICE_TRANSPORT_BANNED'))
})

test('large answers are bounded, compressed ones by what they inflate to', async () => {
  answer(200, `"${'x'.repeat(5000)}"`)
  await assert.rejects(client.get('/x', { weight: 1, bodyBytesMax: 4000 }), /exceeds 4000 bytes/)
  const bomb = gzipSync(`{"a":"${'x'.repeat(100_000)}"}`)
  exchange.behaviour.rest.set('/', () => {
    return { status: 200, body: bomb, headers: { 'content-encoding': 'gzip' } }
  })
  const { body } = await client.get('/x', { weight: 1, bodyBytesMax: 200_000 })
  assert.equal(body.length, 100_008)
  await assert.rejects(client.get('/x', { weight: 1, bodyBytesMax: 50_000 }))
})

test('silence, a closed port and an abort end a request', async () => {
  exchange.silentRequests = true
  await assert.rejects(client.get('/x', { weight: 1 }), code('SLUICE_TRANSPORT_TIMEOUT'))
  const abort = new AbortController()
  const pending = client.get('/x', { weight: 1, signal: abort.signal })
  setImmediate(() => abort.abort(new Error('stopped')))
  await assert.rejects(pending, /stopped/)
  await exchange.close()
  await assert.rejects(client.get('/x', { weight: 1 }), code('SLUICE_TRANSPORT_CONNECT'))
  await exchange.open()
})

test('a base path is not doubled; a base URL that is none is refused', async () => {
  await client.close()
  client = createClient({ baseUrl: `${exchange.restUrl}/api` })
  await client.get('/api/v3/time', { weight: 1 })
  assert.equal(exchange.requests[0], '/api/v3/time')
  for (const baseUrl of ['', 'ws://h', 'h']) {
    assert.throws(() => createClient({ baseUrl }), { code: 'SLUICE_CONFIG_INVALID' })
  }
})
