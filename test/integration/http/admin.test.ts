import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { SluiceError } from '../../../src/core/errors.ts'
import { type Ask, ask, type Fixture, startServer } from './fixture.ts'

const API = '/api/v1'
let open: Fixture
let guarded: Fixture
const TOKEN = 'canary-token-9b1c'

before(async () => {
  open = await startServer()
  guarded = await startServer({ adminToken: TOKEN })
})
after(() => {
  open.server.close()
  guarded.server.close()
})
beforeEach(() => {
  open.control.fault = null
  open.control.ready = true
})

describe('probes and metrics', () => {
  it('answer with 200, or 503 and why not', async () => {
    assert.equal((await ask(open.port, '/livez')).status, 200)
    assert.equal((await ask(open.port, '/readyz')).status, 200)
    assert.equal((await ask(open.port, '/healthz')).status, 200)
    open.control.ready = false
    assert.equal((await ask(open.port, '/livez')).status, 200)
    const ready = await ask(open.port, '/readyz')
    assert.equal(ready.status, 503)
    assert.match(ready.text, /no broker answers/)
    assert.equal((await ask(open.port, '/healthz')).status, 503)
  })

  it('take any Host and Origin', async () => {
    const headers = { host: 'evil.example', origin: 'https://evil.example' }
    for (const path of ['/livez', '/readyz', '/healthz', '/metrics']) {
      assert.equal((await ask(open.port, path, { headers })).status, 200, path)
    }
  })

  it('serve the exposition format', async () => {
    const metrics = await ask(open.port, '/metrics')
    assert.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    assert.equal(metrics.text, '# HELP x y\nx 1\n')
    const head = await ask(open.port, '/metrics', { method: 'HEAD' })
    assert.equal(head.status, 200)
    assert.equal(head.text, '')
    assert.equal(head.headers['content-length'], '15')
  })
})

describe('the API', () => {
  it('reads', async () => {
    for (const path of ['status', 'metrics', 'adapters', 'subscriptions', 'config', 'log-level']) {
      const answer = await ask(open.port, `${API}/${path}`)
      assert.equal(answer.status, 200, path)
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.equal(answer.headers['cache-control'], 'no-store')
    }
    assert.match((await ask(open.port, '/')).text, /log-level/)
  })

  it('starts, stops and restarts adapters', async () => {
    for (const action of ['start', 'stop', 'restart']) {
      const answer = await ask(open.port, `${API}/adapters/binance/${action}`, { method: 'POST' })
      assert.equal(answer.status, 200)
      assert.equal(open.control.calls.at(-1), `${action} binance`)
    }
    const unknown = await ask(open.port, `${API}/adapters/nobody/start`, { method: 'POST' })
    assert.equal(unknown.status, 404)
    assert.equal(unknown.json.error?.code, 'SLUICE_EXCHANGE_UNKNOWN')
    const odd = await ask(open.port, `${API}/adapters/..%2f..%2fx/start`, { method: 'POST' })
    assert.equal(odd.status, 404)
    const broken = await ask(open.port, `${API}/adapters/%ff/start`, { method: 'POST' })
    assert.equal(broken.status, 400)
  })

  it('adds and removes subscriptions in every accepted form', async () => {
    const path = `${API}/subscriptions`
    const one = { channels: ['trade'], symbols: ['AAA', 'AAA'] }
    const full = '[{"adapter":"binance","channels":["trade"],"symbols":["AAA"]}]'
    for (const body of [one, [one], { subscriptions: [one] }]) {
      assert.equal((await ask(open.port, path, { method: 'POST', body })).status, 200)
      assert.equal(open.control.calls.at(-1), `subscribe ${full}`)
    }
    assert.equal((await ask(open.port, path, { method: 'DELETE', body: one })).status, 200)
    assert.equal(open.control.calls.at(-1), `unsubscribe ${full}`)
    const query = `${path}?channels=trade&symbols=AAA`
    assert.equal((await ask(open.port, query, { method: 'DELETE' })).status, 200)
    assert.equal(open.control.calls.at(-1), `unsubscribe ${full}`)
    const unknown = await ask(open.port, path, {
      method: 'POST',
      body: { channels: ['trade'], symbols: ['NO1', 'AAA', 'NO2'] }
    })
    assert.equal(unknown.status, 400)
    assert.match(unknown.json.error?.message ?? '', /NO1, NO2/)
  })

  it('changes the log level and drains', async () => {
    const put = { method: 'PUT', body: { level: 'debug' } }
    assert.equal((await ask(open.port, `${API}/log-level`, put)).text, '{"level":"debug"}\n')
    assert.equal(open.control.level, 'debug')
    assert.equal((await ask(open.port, `${API}/drain`, { method: 'POST' })).status, 202)
    assert.equal(open.control.drained, 1)
  })
})

/** method, path, options → status and code. */
const REFUSED: readonly (readonly [string, string, Ask, number, string])[] = [
  ['GET', '/nothing', {}, 404, 'not_found'],
  ['GET', '/api/v1', {}, 404, 'not_found'],
  ['GET', '/openapi.json', {}, 404, 'not_found'],
  ['GET', '/api/v1/tail', {}, 404, 'not_found'],
  ['GET', '/..%2f..%2fetc/passwd', {}, 404, 'not_found'],
  ['POST', '/api/v1/status', {}, 405, 'method_not_allowed'],
  ['DELETE', '/metrics', {}, 405, 'method_not_allowed'],
  ['PATCH', '/api/v1/log-level', {}, 405, 'method_not_allowed'],
  ['OPTIONS', '/api/v1/status', {}, 405, 'method_not_allowed'],
  ['GET', '/api/v1/drain', {}, 405, 'method_not_allowed'],
  ['PUT', '/api/v1/log-level', {}, 400, 'bad_body'],
  ['PUT', '/api/v1/log-level', { body: { level: 'loud' } }, 400, 'bad_body'],
  ['PUT', '/api/v1/log-level', { body: { level: 'info', more: 1 } }, 400, 'bad_body'],
  ['PUT', '/api/v1/log-level', { body: [] }, 400, 'bad_body'],
  ['PUT', '/api/v1/log-level', { body: '{"level":"info"}' }, 415, 'json_required'],
  [
    'PUT',
    '/api/v1/log-level',
    { body: '{"level"', headers: { 'content-type': 'application/json' } },
    400,
    'bad_json'
  ],
  [
    'PUT',
    '/api/v1/log-level',
    { body: '{"__proto__":{"x":1}}', headers: { 'content-type': 'application/json' } },
    400,
    'bad_json'
  ],
  ['POST', '/api/v1/subscriptions', { body: {} }, 400, 'bad_body'],
  ['POST', '/api/v1/subscriptions', { body: [] }, 400, 'bad_body'],
  ['POST', '/api/v1/subscriptions', { body: { channels: [], symbols: [] } }, 400, 'bad_body'],
  ['POST', '/api/v1/subscriptions', { body: { channels: ['a\nb'] } }, 400, 'bad_body'],
  ['POST', '/api/v1/subscriptions', { body: { channels: [1] } }, 400, 'bad_body'],
  ['POST', '/api/v1/drain', { body: { now: true } }, 400, 'bad_body'],
  ['POST', '/api/v1/drain', { body: 'x'.repeat(65_537) }, 413, 'body_too_large'],
  ['GET', '/api/v1/status', { headers: { host: 'evil.example' } }, 403, 'host_refused'],
  ['GET', '/', { headers: { host: 'a b' } }, 403, 'host_refused'],
  ['GET', '/api/v1/config', { headers: { origin: 'https://evil.example' } }, 403, 'origin_refused'],
  ['POST', '/api/v1/drain', { headers: { origin: 'null' } }, 403, 'origin_refused'],
  ['POST', '/api/v1/drain', { headers: { 'sec-fetch-site': 'cross-site' } }, 403, 'origin_refused'],
  ['POST', '/api/v1/drain', { headers: { 'x-forwarded-for': '8.8.8.8' } }, 403, 'token_required'],
  ['GET', '/ingest/binance', {}, 426, 'upgrade_required']
]

describe('refused with the right status:', () => {
  for (const [method, path, options, status, code] of REFUSED) {
    const { body, headers } = options
    it(`${method} ${path} ${JSON.stringify({ body, headers }).slice(0, 80)}`, async () => {
      const answer = await ask(open.port, path, { method, ...options })
      assert.equal(answer.status, status, answer.text)
      assert.equal(answer.json.error?.code, code)
      assert.ok((answer.json.error?.message ?? '').length > 0)
      if (status === 405) assert.ok(answer.headers.allow !== undefined)
    })
  }

  it('nothing of a prototype has changed', () => {
    assert.equal(({} as { x?: number }).x, undefined)
  })
})

describe('origins and hosts', () => {
  it('pass for this machine, for address literals, and when listed', async () => {
    for (const host of [`localhost:${open.port}`, '127.0.0.1', '[::1]:80', '10.1.2.3:9']) {
      assert.equal((await ask(open.port, '/', { headers: { host } })).status, 200, host)
    }
    const own = { host: `localhost:${open.port}`, origin: `http://localhost:${open.port}` }
    assert.equal((await ask(open.port, '/', { headers: own })).status, 200)
    const listed = { origin: 'https://dashboard.example' }
    assert.equal((await ask(open.port, '/', { headers: listed })).status, 200)
  })
})

describe('with a token', () => {
  const drain = (authorization: string | null) =>
    ask(guarded.port, `${API}/drain`, {
      method: 'POST',
      headers: authorization === null ? {} : { authorization }
    })

  it('reading is free and changing needs it', async () => {
    assert.equal((await ask(guarded.port, `${API}/status`)).status, 200)
    const right = await drain(`Bearer ${TOKEN}`)
    assert.equal(right.status, 202)
    const missing = await drain(null)
    assert.equal(missing.status, 401)
    assert.equal(missing.headers['www-authenticate'], 'Bearer')
    for (const wrong of [`Bearer ${TOKEN}x`, 'Bearer x', `Basic ${TOKEN}`, 'Bearer', TOKEN]) {
      const answer = await drain(wrong)
      assert.equal(answer.status, 401, wrong)
      assert.ok(!answer.text.includes(TOKEN))
    }
    assert.equal(guarded.control.drained, 1)
  })

  it('guessing is slowed down, and the right token passes all the same', async () => {
    let last = 401
    for (let guess = 0; guess < 12 && last === 401; guess++)
      last = (await drain('Bearer no')).status
    assert.equal(last, 429)
    assert.equal((await drain(`Bearer ${TOKEN}`)).status, 202)
  })
})

describe('a handler that fails', () => {
  it('answers 500 without its message and logs it, sync or async', async () => {
    for (const path of ['/metrics', `${API}/status`, `${API}/metrics`]) {
      open.control.fault = () => {
        throw new Error('inner secret detail')
      }
      const answer = await ask(open.port, path)
      assert.equal(answer.status, 500, path)
      assert.ok(!answer.text.includes('inner secret detail'))
    }
    assert.ok(open.logged.some((line) => line.includes('inner secret detail')))
    open.control.fault = () => {
      throw new SluiceError('SLUICE_TRANSPORT_TIMEOUT', 'asking exchange: no answer')
    }
    const answer = await ask(open.port, `${API}/adapters/binance/start`, { method: 'POST' })
    assert.equal(answer.status, 504)
    assert.equal(answer.json.error?.code, 'SLUICE_TRANSPORT_TIMEOUT')
  })
})
