/** Whoever keeps the records' sinks ready is asked before streams are subscribed, once for each. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRig } from '../support/runner-rig.ts'
import { waitFor } from '../support/wait.ts'

const subscription = (symbols: readonly string[]) => [
  { adapter: 'binance', channels: ['trade'], symbols }
]

test('streams are prepared before they are subscribed, new ones only', async (t) => {
  const prepared: string[][] = []
  let dialsWhenPrepared = -1
  const rig = await createRig({
    symbols: ['BTCUSDT', 'ETHUSDT'],
    prepare: async (streams) => {
      if (dialsWhenPrepared < 0) dialsWhenPrepared = rig.runner.counters.dials
      prepared.push(streams.map(({ name }) => name))
    }
  })
  t.after(() => rig.end())
  await rig.runner.subscribe(subscription(['BTCUSDT']))
  assert.deepEqual(prepared, [], 'nothing is prepared for what only stands in a list')
  await rig.runner.start()
  await rig.runner.subscribe(subscription(['ETHUSDT']))
  assert.deepEqual(prepared, [['btcusdt@trade'], ['ethusdt@trade']])
  assert.equal(dialsWhenPrepared, 0)
})

test('no connection is opened while streams are being prepared', async (t) => {
  let finish: () => void = () => undefined
  const rig = await createRig({
    symbols: ['BTCUSDT'],
    prepare: () => new Promise((resolve) => (finish = resolve))
  })
  t.after(() => rig.end())
  await rig.runner.subscribe(subscription(['BTCUSDT']))
  const started = rig.runner.start()
  await waitFor(() => rig.runner.status().reason === 'its topics are being made', {
    timeoutMs: 8000,
    what: () => JSON.stringify(rig.runner.status())
  })
  assert.equal(rig.runner.counters.dials, 0)
  finish()
  await started
  await waitFor(() => rig.runner.status().connectionsByState.live === 1, {
    timeoutMs: 8000,
    what: () => JSON.stringify(rig.runner.status())
  })
})
