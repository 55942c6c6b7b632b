import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/core/errors.ts'
import { classifyConnect, classifyEnd } from '../../../src/pipeline/link-end.ts'
import { ReplacePacer } from '../../../src/pipeline/replace-pacer.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const DAY_MS = 24 * 3600 * 1000
const end = {
  code: 1006,
  reason: '',
  error: null,
  httpStatus: null,
  retryAfterMs: null,
  wasOpen: true
}

test('how connections end', () => {
  assert.equal(classifyEnd(end, 1000, DAY_MS), 'reset')
  assert.equal(classifyEnd({ ...end, code: 1000 }, 1000, DAY_MS), 'closed')
  assert.equal(classifyEnd({ ...end, code: 1008 }, DAY_MS * 0.97, DAY_MS), 'closed')
  assert.equal(classifyEnd({ ...end, code: 1000 }, DAY_MS * 0.999, DAY_MS), 'max_age')
  assert.equal(classifyEnd(end, DAY_MS + 1, DAY_MS), 'max_age')
})

test('how dials fail', () => {
  const failed = (cause: object, code = 'SLUICE_TRANSPORT_CONNECT' as const) =>
    classifyConnect({ ...end, wasOpen: false, error: new SluiceError(code, 'x', {}, cause) })
  assert.equal(failed({ code: 'ECONNREFUSED' }), 'refused')
  assert.equal(failed({ code: 'CERT_HAS_EXPIRED' }), 'failed')
  const timeout = new SluiceError('SLUICE_TRANSPORT_TIMEOUT', 'x')
  assert.equal(classifyConnect({ ...end, error: timeout }), 'timeout')
  assert.equal(classifyConnect({ ...end, httpStatus: 418 }), 'rejected')
  assert.equal(classifyConnect({ ...end, httpStatus: 502 }), 'failed')
})

test('replacements that do not help come ever more rarely', () => {
  const clock = new FakeClock()
  const pacer = new ReplacePacer(60_000, clock)
  const begunAt: number[] = []
  for (let minute = 0; minute < 120; minute++) {
    if (pacer.tryBegin()) begunAt.push(minute)
    clock.advance(60_000)
  }
  assert.deepEqual(begunAt, [0, 1, 3, 7, 15, 30, 45, 60, 75, 90, 105])
})
