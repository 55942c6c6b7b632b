/** Graceful shutdown: SIGTERM under load delivers everything received; a second signal is immediate. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertOnlyCutTailsMissing } from '../support/cuts.ts'
import { ownBroker } from '../support/kafka-node.ts'
import { sentFrames, startScenario } from '../support/scenario.ts'
import { delay } from '../support/wait.ts'

test('SIGTERM under load: exit 0 within the deadline, all that was received is delivered', {
  timeout: 180_000
}, async (t) => {
  const run = await startScenario(t, {
    rate: 3000,
    channels: ['trade', 'aggTrade', 'bookTicker', 'depth@100ms'],
    env: { SLUICE_DRAIN_SECONDS: '15' }
  })
  await run.play(2000)
  const all = new Set(run.exchange.connections().map(({ id }) => id))
  const load = { on: true }
  const playing = (async () => {
    while (load.on) await run.play(50, { stepMs: 50, pauseMs: 10 })
  })()
  await delay(1000)
  const start = performance.now()
  const exit = await run.service.stop(20_000)
  const tookMs = performance.now() - start
  load.on = false
  await playing
  assert.deepEqual(exit, { code: 0, signal: null }, run.service.logTail())
  assert.ok(tookMs < 15_000, `draining took ${tookMs} ms`)
  await run.readAll(run.expectation().records, 3000)
  // What was on the way to a closing socket was not received; everything before it must be there.
  const lost = assertOnlyCutTailsMissing(sentFrames(run.exchange), run.reader.messages, {
    cut: all,
    received: run.compareOptions().received
  })
  const report = /"framesLeft":(\d+),"recordsLeft":(\d+)/.exec(run.service.logTail(20_000))
  assert.deepEqual(report?.slice(1), ['0', '0'], 'the service says what was left')
  t.diagnostic(
    `${run.reader.messages.length} delivered, ${lost} still on the wire, drained in ${Math.round(tookMs)} ms`
  )
})

test('a second signal ends it at once, with a broker that takes nothing', {
  timeout: 120_000
}, async (t) => {
  const broker = await ownBroker()
  t.after(() => broker.wipe())
  const run = await startScenario(t, {
    brokers: broker.brokers,
    channels: ['trade'],
    env: { SLUICE_DRAIN_SECONDS: '60' }
  })
  await run.play(1000)
  await broker.pause()
  await run.play(1000)
  run.service.child.kill('SIGTERM')
  await delay(2000)
  assert.ok(run.service.isRunning, 'it must still be draining')
  run.service.child.kill('SIGTERM')
  const exit = await run.service.waitExit(3000)
  assert.notEqual(exit.code, 0, 'records were left behind: that is not success')
  await broker.resume()
})

test('the drain deadline ends a drain that cannot finish and says what was left', {
  timeout: 120_000
}, async (t) => {
  const broker = await ownBroker()
  t.after(() => broker.wipe())
  const run = await startScenario(t, {
    brokers: broker.brokers,
    channels: ['trade'],
    env: { SLUICE_DRAIN_SECONDS: '3' }
  })
  await run.play(1000)
  await broker.pause()
  await run.play(1000)
  const start = performance.now()
  await run.service.stop(15_000)
  const tookMs = performance.now() - start
  assert.ok(tookMs > 2500 && tookMs < 8000, `ended after ${tookMs} ms`)
  assert.match(run.service.logTail(), /left|undelivered|inFlight/i)
  await broker.resume()
})
