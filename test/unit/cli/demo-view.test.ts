import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ratesBetween, renderAccounting, renderBlock } from '../../../src/cli/demo-view.ts'
import type { ServiceStatus } from '../../../src/model/status.ts'

const STATUS: ServiceStatus = {
  version: '0',
  state: 'running',
  uptimeSeconds: 2,
  ready: true,
  reasons: [],
  frames: { received: 1e9, parsed: 1e9, ignored: 0, deadLettered: 0, shed: 0, inRing: 0 },
  records: {
    emitted: 1e9,
    delivered: 1e9,
    deadLettered: 0,
    deduplicated: 0,
    shed: 0,
    spooled: 0,
    inFlight: 0,
    byType: { trade: 1e9, aggTrade: 1e9, kline: 1e9, ticker: 1e9, bookTicker: 1e9, depth: 1e9 }
  },
  latency: {
    endToEnd: { p50Ms: 1, p99Ms: 2, count: 1 },
    delivery: { p50Ms: 1, p99Ms: 2, count: 1 }
  },
  rings: [{ shard: 0, frameFill: 0.5, recordFill: 2 }],
  workers: [],
  adapters: [],
  sinks: []
}

test('no line of the block is as wide as the terminal', () => {
  for (const columns of [40, 80, 200]) {
    for (const line of renderBlock(STATUS, ratesBetween(STATUS, STATUS), columns)) {
      assert.ok([...line].length < columns, line)
    }
  }
})

test('rates are taken between two readings', () => {
  const later = { ...STATUS, uptimeSeconds: 4, frames: { ...STATUS.frames, received: 1e9 + 500 } }
  assert.equal(ratesBetween(STATUS, later).framesPerSecond, 250)
})

test('accounts that do not balance are said so', () => {
  assert.equal(renderAccounting(STATUS).balanced, true)
  const lost = { ...STATUS, frames: { ...STATUS.frames, parsed: 1e9 - 1 } }
  const { balanced, text } = renderAccounting(lost)
  assert.equal(balanced, false)
  assert.match(text, /DO NOT BALANCE/)
})
