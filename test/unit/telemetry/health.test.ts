import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type ComponentHealth, Health } from '../../../src/telemetry/health.ts'

const FINE: ComponentHealth = { live: true, ready: true, reason: null }

it('is ready while every component is, and tells what should be known', () => {
  const health = new Health()
  health.add('kafka', () => ({ live: true, ready: true, reason: 'embedded broker keeps nothing' }))
  health.add('intake', () => FINE)
  assert.deepEqual(health.readyz(), { ok: true, reasons: ['kafka: embedded broker keeps nothing'] })
  assert.deepEqual(health.livez(), { ok: true, reasons: [] })
})

it('is not ready, yet live, when a component is not ready or its reading fails', () => {
  const health = new Health()
  health.add('kafka', () => ({ live: true, ready: false, reason: 'no broker answers' }))
  health.add('broken', () => {
    throw new Error('reading failed')
  })
  assert.equal(health.livez().ok, true)
  assert.deepEqual(health.readyz(), {
    ok: false,
    reasons: ['kafka: no broker answers', 'broken: reading failed']
  })
  assert.equal(health.summary().components['kafka']?.ok, false)
})

it('is not live when a component says so', () => {
  const health = new Health()
  health.add('workers', () => ({ live: false, ready: false, reason: 'gave up' }))
  assert.deepEqual(health.livez(), { ok: false, reasons: ['workers: gave up'] })
})
