import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/core/errors.ts'
import { createPrng } from '../../../src/core/prng.ts'
import { parseFaultPlan } from '../../../src/simulator/fault-plan.ts'
import type { Frame } from '../../../src/simulator/frame.ts'
import { FrameFaults, malform } from '../../../src/simulator/frame-faults.ts'
import { SlidingWindow, SPOT_LIMITS, WeightAccounts } from '../../../src/simulator/limits.ts'

test('a sliding window counts every attempt, those it refuses too', () => {
  const window = new SlidingWindow(5, 1000)
  const taken = [0, 100, 200, 300, 400, 999, 1000, 1999, 2001].map((ms) => window.take(ms))
  assert.deepEqual(taken, [true, true, true, true, true, false, false, true, true])
})

test('weight counts by calendar minute, then 429, then 418 with growing bans', () => {
  const accounts = new WeightAccounts({ ...SPOT_LIMITS, refusalsBeforeBan: 2 })
  const start = 60_000 * 1000
  assert.deepEqual(accounts.charge('a', 6000, start + 1000).status, 200)
  const refused = accounts.charge('a', 1, start + 50_000)
  assert.equal(refused.status, 429)
  assert.equal(refused.retryAfterSeconds, 10)
  assert.equal(accounts.charge('b', 1, start + 50_000).status, 200)
  assert.equal(accounts.charge('a', 1, start + 50_000).status, 429)
  const banned = accounts.charge('a', 1, start + 50_000)
  assert.equal(banned.status, 418)
  assert.equal(banned.retryAfterSeconds, 120)
  assert.equal(accounts.charge('a', 1, start + 65_000).status, 418)
  assert.equal(accounts.charge('a', 6000, start + 180_000).status, 200)
  for (let round = 0; round < 3; round++) accounts.charge('a', 1, start + 180_000)
  assert.equal(accounts.charge('a', 1, start + 180_000).retryAfterSeconds, 240)
})

const frame = (id: number, stream = 's@trade'): Frame => ({
  stream,
  data: `{"stream":"${stream}","data":{"t":${id},"p":"1.0"}}`,
  firstId: id,
  lastId: id
})

function pass(faults: FrameFaults, count: number): Frame[] {
  const connection = { held: null }
  const out: Frame[] = []
  for (let id = 0; id < count; id++) faults.apply(frame(id), connection, (each) => out.push(each))
  return out
}

test('frame faults do what they say, and their counts are exact', () => {
  for (const action of ['drop', 'duplicate', 'reorder', 'malform'] as const) {
    const faults = new FrameFaults(createPrng(3))
    faults.add({ action, count: 1, streams: '*@trade' })
    const out = pass(faults, 4)
    const ids = out.map((each) => each.firstId)
    const expected = {
      drop: [1, 2, 3],
      duplicate: [0, 0, 1, 2, 3],
      reorder: [1, 0, 2, 3],
      malform: [0, 1, 2, 3]
    }
    assert.deepEqual(ids, expected[action], action)
    assert.equal(out.filter((each) => each.malformed).length, action === 'malform' ? 1 : 0)
    const { counts } = faults
    assert.equal(counts.dropped + counts.duplicated + counts.reordered + counts.malformed, 1)
  }
  const faults = new FrameFaults(createPrng(3))
  faults.add({ action: 'drop', streams: 'other@*' })
  assert.equal(pass(faults, 10).length, 10)
  const unmute = faults.mute('s@*')
  assert.equal(pass(faults, 10).length, 0)
  unmute()
  assert.equal(pass(faults, 10).length, 10)
})

test('a malformed frame is one no strict reader accepts', (t) => {
  const seed = Number(process.env['SEED'] ?? 99)
  t.diagnostic(`SEED=${seed}`)
  const prng = createPrng(seed)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const bytes = Buffer.from(frame(123, '这是测试币456@trade').data as string)
  for (let round = 0; round < 5000; round++) {
    const broken = malform(bytes, prng)
    assert.throws(() => JSON.parse(decoder.decode(broken)), Buffer.from(broken).toString())
  }
})

test('a fault plan is checked key by key', () => {
  const plan = parseFaultPlan(
    '[{"atMs":5,"everyMs":10,"times":3,"fault":{"kind":"disconnect","how":"reset","connections":"random"}},' +
      '{"fault":{"kind":"acks","delayMs":null}}]'
  )
  assert.equal(plan.steps.length, 2)
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['{', /not JSON/],
    ['7', /expected a list of steps/],
    ['[{"fault":{"kind":"explode"}}]', /step 1: unknown kind "explode"/],
    [
      '[{"fault":{"kind":"clear"}},{"fault":{"kind":"disconnect","how":"hard"}}]',
      /step 2, disconnect: bad value for how/
    ],
    ['[{"at":1,"fault":{"kind":"clear"}}]', /unknown key at/],
    ['[{"fault":{"kind":"frames","action":"drop","chance":1}}]', /unknown key chance/],
    ['[{"fault":{"kind":"frames","action":"drop","probability":2}}]', /bad value for probability/],
    ['[{"fault":{"kind":"__proto__"}}]', /unknown kind/],
    ['[null]', /bad value for fault/]
  ]
  for (const [text, message] of wrong) {
    assert.throws(
      () => parseFaultPlan(text),
      (error) =>
        error instanceof SluiceError &&
        error.code === 'SLUICE_CONFIG_INVALID' &&
        message.test(error.message),
      text
    )
  }
})
