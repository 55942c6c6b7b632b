import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRestError } from '../../../src/adapters/binance/rest.ts'
import { judge, type Verdict } from '../../../src/transport/http-answer.ts'

const NOW_MS = 1_800_000_000_000

function verdictOf(status: number, body: string, headers: Record<string, string> = {}): Verdict {
  return judge(
    { status, headers, body: Buffer.from(body) },
    { path: '/api/v3/time', parseError: parseRestError, nowMs: NOW_MS }
  )
}

function errorOf(verdict: Verdict) {
  assert.notEqual(verdict.kind, 'ok')
  return (verdict as Exclude<Verdict, { kind: 'ok' }>).error
}

test('retry classes', () => {
  const cases: readonly (readonly [number, string, Verdict['kind']])[] = [
    [200, '{"serverTime":1}', 'ok'],
    [200, ' \n[]', 'ok'],
    [200, '<html>login</html>', 'retry'],
    [500, '', 'retry'],
    [502, '<html>', 'retry'],
    [400, '{"code":-1000,"msg":"unknown"}', 'retry'],
    [400, '{"code":-1001,"msg":"disconnected"}', 'retry'],
    [408, '{"code":-1007,"msg":"timeout"}', 'retry'],
    [400, '{"code":-1008,"msg":"overloaded"}', 'retry'],
    [400, '{"code":-1121,"msg":"Invalid symbol."}', 'refused'],
    [404, 'nothing here', 'refused'],
    [403, '<html>', 'refused'],
    [451, '{"code":0,"msg":"Service unavailable from a restricted location"}', 'refused']
  ]
  for (const [status, body, kind] of cases) {
    assert.equal(verdictOf(status, body).kind, kind, `${status} ${body}`)
  }
})

test('the message says what the exchange said', () => {
  assert.match(
    errorOf(verdictOf(400, '{"code":-1121,"msg":"Invalid symbol."}')).message,
    /Invalid symbol/
  )
  assert.match(
    errorOf(verdictOf(451, '{"code":0,"msg":"restricted location"}')).message,
    /451 for legal reasons \(restricted location\)/
  )
  const firewall = errorOf(verdictOf(403, '<html>', { 'content-type': 'text/html' }))
  assert.match(firewall.message, /403 by the exchange's firewall \(an HTML page, not JSON\)/)
  assert.equal(firewall.code, 'SLUICE_TRANSPORT_REFUSED')
})

test('Retry-After in seconds, absent, absurd, and the ban in the text', () => {
  const until = NOW_MS + 90_000
  const banned = `{"code":-1003,"msg":"Way too much; IP banned until ${until}. Use WebSocket."}`
  const cases: readonly (readonly [number, string, Record<string, string>, number])[] = [
    [429, '{}', { 'retry-after': '7' }, 7000],
    [429, '{}', {}, 60_000],
    [429, '{}', { 'retry-after': 'soon' }, 60_000],
    [429, '{}', { 'retry-after': '0' }, 60_000],
    [418, banned, {}, 90_000],
    [418, banned, { 'retry-after': '120' }, 120_000],
    [418, '<html>', {}, 120_000],
    [418, '{}', { 'retry-after': '999999999' }, 3 * 24 * 3600 * 1000]
  ]
  for (const [status, body, headers, waitMs] of cases) {
    const verdict = verdictOf(status, body, headers)
    assert.equal(verdict.kind, 'wait')
    if (verdict.kind !== 'wait') continue
    assert.equal(verdict.waitMs, waitMs, `${status} ${JSON.stringify(headers)}`)
    const code = status === 429 ? 'SLUICE_TRANSPORT_RATE_LIMITED' : 'SLUICE_TRANSPORT_BANNED'
    assert.equal(verdict.error.code, code)
    assert.equal(verdict.error.context['retryAfterMs'], waitMs)
  }
})
