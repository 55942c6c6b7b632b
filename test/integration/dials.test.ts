/**
 * 5,000 dials to a healthy exchange: at least 99.9 % succeed, and the budget of connection attempts is
 * never overdrawn: the simulated exchange refuses the 301st attempt in five minutes, as the real one does.
 * Budget, windows and pings run on a clock 300 times as fast; sockets and their deadlines are real.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { TokenBucket } from '../../src/core/token-bucket.ts'
import {
  type SimulatedExchange,
  startSimulatedExchange
} from '../../src/simulator/simulated-exchange.ts'
import { WsClient, type WsEnd } from '../../src/transport/ws-client.ts'
import { publish, quantile } from '../support/results.ts'
import { createScaledClock } from '../support/scaled-clock.ts'
import { delay } from '../support/wait.ts'

const DIALS = Number(process.env['SLUICE_TEST_DIALS'] ?? 5000)
const FACTOR = 300
/** Attempts the budget allows in five minutes after a rest: burst + refill = 250 of the exchange's 300. */
const BURST = 50
const PER_5_MINUTES = 200

interface Dial {
  readonly opened: boolean
  readonly ms: number
  readonly end: WsEnd | null
}

function dial(exchange: SimulatedExchange, stream: string): Promise<Dial> {
  const start = performance.now()
  return new Promise((resolve) => {
    let opened = false
    const client: WsClient = new WsClient({
      url: `${exchange.wsUrl}/stream?streams=${stream}`,
      deflate: false,
      payloadBytesMax: 1 << 20,
      connectMs: 5000,
      handshakeMs: 5000,
      messagesPerSecondMax: 5,
      controlPerSecondMax: 3,
      clock: systemClock,
      listener: {
        opened: () => {
          opened = true
          resolve({ opened: true, ms: performance.now() - start, end: null })
          client.close()
        },
        frame: () => undefined,
        pinged: () => undefined,
        closed: (end) => {
          if (!opened) resolve({ opened: false, ms: performance.now() - start, end })
        }
      }
    })
  })
}

test(`${DIALS} dials within the budget: at least 99.9 % succeed`, {
  timeout: 300_000
}, async (t) => {
  const clock = createScaledClock(FACTOR)
  const exchange = await startSimulatedExchange({
    clock,
    pace: 'manual',
    symbols: 2,
    rate: 10,
    historySeconds: 1
  })
  t.after(() => exchange.close())
  const bucket = new TokenBucket({
    capacity: BURST,
    refillPerSecond: PER_5_MINUTES / 300,
    clock
  })
  const stream = `${(exchange.symbols[0] ?? '').toLowerCase()}@trade`
  const dials: Promise<Dial>[] = []
  const startMs = clock.monotonicMs()
  while (dials.length < DIALS) {
    if (bucket.tryTake(1)) dials.push(dial(exchange, stream))
    else await delay(Math.max(1, bucket.waitMs(1) / FACTOR))
  }
  const done = await Promise.all(dials)
  const minutes = (clock.monotonicMs() - startMs) / 60_000
  const failed = done.filter(({ opened }) => !opened)
  const times = done.map(({ ms }) => ms)
  publish(t, 'dials', [
    {
      dials: DIALS,
      succeeded: DIALS - failed.length,
      share: (1 - failed.length / DIALS).toFixed(5),
      modelMinutes: Math.round(minutes),
      dialsPer5Minutes: Math.round((DIALS / minutes) * 5),
      p50Ms: quantile(times, 0.5).toFixed(1),
      p99Ms: quantile(times, 0.99).toFixed(1),
      maxMs: Math.max(...times).toFixed(1)
    }
  ])
  assert.equal(exchange.stats().connectionsRefused, 0, 'the budget was overdrawn')
  assert.ok(
    failed.length <= DIALS / 1000,
    `${failed.length} failed: ${failed[0]?.end?.error?.message ?? failed[0]?.end?.reason}`
  )
})

test('the exchange of that test does refuse who overdraws', { timeout: 60_000 }, async (t) => {
  const exchange = await startSimulatedExchange({
    pace: 'manual',
    symbols: 2,
    rate: 10,
    historySeconds: 1
  })
  t.after(() => exchange.close())
  const stream = `${(exchange.symbols[0] ?? '').toLowerCase()}@trade`
  const outcomes: boolean[] = []
  for (let attempt = 0; attempt < 310; attempt++)
    outcomes.push((await dial(exchange, stream)).opened)
  assert.equal(outcomes.slice(0, 300).every(Boolean), true)
  assert.equal(outcomes.slice(301).some(Boolean), false)
  assert.ok(exchange.stats().connectionsRefused >= 9)
})
