import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamActivity, StreamSpec } from '../../../src/adapters/adapter.ts'
import { streamProbe } from '../../../src/adapters/binance/probes.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { createPrng } from '../../../src/core/prng.ts'
import { DEFAULT_TUNING } from '../../../src/pipeline/runner-config.ts'
import { createRunnerCounters } from '../../../src/pipeline/runner-counters.ts'
import { StaleWatch } from '../../../src/pipeline/stale-watch.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** A market of its own: what the exchange has, and what of it arrives. */
class Market {
  readonly clock = new FakeClock()
  readonly counters = createRunnerCounters()
  readonly convicted: string[] = []
  readonly rows = new Map<string, StreamActivity>()
  readonly slots = new Map<string, object>()
  readonly newest = new Map<string, number>()
  readonly newestAtUs = new Map<string, number>()
  questions = 0
  weight = 0
  audible = true
  restWorks = true
  readonly watch: StaleWatch

  constructor() {
    const { clock, counters } = this
    this.watch = new StaleWatch({
      clock,
      counters,
      tuning: DEFAULT_TUNING,
      logger: silentLogger,
      probeOf: streamProbe,
      ask: async ({ path, weight }) => {
        this.questions += 1
        this.weight += weight
        if (!this.restWorks) throw new Error('unreachable')
        const symbol = /symbol=(\w+)/.exec(path)?.[1] ?? ''
        const id = this.newest.get(symbol) ?? 0
        const T = Math.floor((this.newestAtUs.get(symbol) ?? 0) / 1000)
        return Buffer.from(JSON.stringify([{ a: id, l: id, T }]))
      },
      activity: (name) => this.rows.get(name),
      isAudible: () => this.audible,
      groupOf: ({ symbol }) => this.slots.get(symbol) ?? null,
      convicted: ({ name }, suspicion) => this.convicted.push(`${name} ${suspicion}`)
    })
  }

  add(symbol: string, slot: object = {}): StreamSpec {
    const spec = { name: `${symbol.toLowerCase()}@trade`, channel: 'trade', symbol }
    this.slots.set(symbol, slot)
    this.watch.add(spec)
    return spec
  }

  /** A trade happens at the exchange. */
  happen(symbol: string): number {
    const id = (this.newest.get(symbol) ?? 0) + 1
    this.newest.set(symbol, id)
    this.newestAtUs.set(symbol, this.clock.wallUs())
    return id
  }

  /** It happens and arrives, or its predecessor does again, or nothing. */
  trade(symbol: string, how: 'arrives' | 'lost' | 'repeats' = 'arrives'): void {
    const id = this.happen(symbol)
    if (how !== 'lost') this.arrive(symbol, id, how === 'arrives')
  }

  arrive(symbol: string, id: number, isNews: boolean): void {
    const name = `${symbol.toLowerCase()}@trade`
    const before = this.rows.get(name)
    const nowUs = this.clock.wallUs()
    const isNew = isNews || before === undefined
    this.rows.set(name, {
      records: (before?.records ?? 0) + 1,
      receivedTimeUs: nowUs,
      advancedTimeUs: isNew ? nowUs : before.advancedTimeUs,
      lastId: isNew ? id : before.lastId
    })
  }

  async run(ms: number, everyMs: number, step: () => void): Promise<void> {
    for (let passed = 0; passed < ms; passed += everyMs) {
      step()
      await this.clock.run(everyMs, everyMs)
      if (Math.floor(this.clock.nowMs / 1000) !== Math.floor((this.clock.nowMs - everyMs) / 1000)) {
        this.watch.tick()
      }
    }
  }
}

const nothing = (): void => undefined

test('a busy stream that falls silent is convicted within 10 s, and only it', async () => {
  const market = new Market()
  const slot = {}
  market.add('BUSY', slot)
  market.add('OTHER', slot)
  await market.run(60_000, 100, () => {
    market.trade('BUSY')
    market.trade('OTHER')
  })
  assert.deepEqual(market.convicted, [])
  await market.run(10_000, 100, () => {
    market.trade('BUSY', 'lost')
    market.trade('OTHER')
  })
  assert.deepEqual(market.convicted, ['busy@trade silent'])
  assert.equal(market.counters.probes.stale, 1)
})

test('a stream that repeats its last message for ever is convicted', async () => {
  const market = new Market()
  market.add('BUSY')
  await market.run(60_000, 100, () => market.trade('BUSY'))
  await market.run(10_000, 100, () => market.trade('BUSY', 'repeats'))
  assert.deepEqual(market.convicted, ['busy@trade repeating'])
})

test('a stream that never spoke is convicted once the exchange shows trades since', async () => {
  const market = new Market()
  market.add('MUTE')
  await market.run(60_000, 500, () => market.trade('MUTE', 'lost'))
  assert.equal(market.convicted[0], 'mute@trade mute')
})

test('a busy stream whose market goes quiet is asked about ever more rarely, never convicted', async () => {
  const market = new Market()
  market.add('BUSY')
  await market.run(60_000, 100, () => market.trade('BUSY'))
  await market.run(3 * 3600_000, 1000, nothing)
  assert.deepEqual(market.convicted, [])
  assert.ok(market.questions >= 10 && market.questions < 60, `${market.questions} questions`)
  assert.equal(market.counters.probes.fresh, market.questions)
})

for (const seed of [1, 2, 3]) {
  test(`24 h of quiet and bursty symbols, messages up to 1 s late: none is convicted (seed ${seed})`, async () => {
    const market = new Market()
    const prng = createPrng(seed)
    const symbols = Array.from({ length: 20 }, (_, n) => `S${n}`)
    const meanMs = symbols.map((_, n) => 1000 * 2 ** (n * 0.7))
    for (const symbol of symbols) market.add(symbol)
    let boost = symbols.map(() => 1)
    await market.run(24 * 3600_000, 1000, () => {
      if (prng.int(600) === 0) boost = symbols.map(() => (prng.int(3) === 0 ? 30 : 0.05))
      for (const [n, symbol] of symbols.entries()) {
        const chance = (1000 / (meanMs[n] as number)) * (boost[n] as number)
        if (prng.next() >= Math.min(0.9, chance)) continue
        // REST may show the trade before the stream brings it.
        const id = market.happen(symbol)
        market.clock.setTimer(() => market.arrive(symbol, id, true), prng.int(1000))
      }
    })
    assert.deepEqual(market.convicted, [])
    assert.ok(market.questions > 0, 'the watch did ask')
  })
}

test('questions stay within their weight budget however many streams are silent', async () => {
  const market = new Market()
  for (let n = 0; n < 500; n++) market.add(`S${n}`)
  await market.run(600_000, 1000, nothing)
  const perMinute = market.weight / 10
  assert.ok(perMinute <= DEFAULT_TUNING.probeWeightPerMinute * 1.1, `${perMinute} a minute`)
  assert.ok(market.questions > 500)
})

test('silence that may be ours is nobody’s fault: paused sockets, parsers behind, REST down', async () => {
  const market = new Market()
  market.add('BUSY')
  await market.run(60_000, 100, () => market.trade('BUSY'))
  market.audible = false
  await market.run(60_000, 500, () => market.trade('BUSY', 'lost'))
  assert.equal(market.questions, 0)
  market.audible = true
  market.restWorks = false
  await market.run(60_000, 500, () => market.trade('BUSY', 'lost'))
  assert.ok(market.counters.probes.failed > 0)
  assert.deepEqual(market.convicted, [])
  market.restWorks = true
  await market.run(120_000, 500, () => market.trade('BUSY', 'lost'))
  assert.equal(market.convicted[0], 'busy@trade silent')
})

test('a message that REST shows first and the stream brings within the grace time acquits it', async () => {
  const market = new Market()
  market.add('BUSY')
  await market.run(60_000, 100, () => market.trade('BUSY'))
  await market.run(4500, 100, nothing)
  const id = market.happen('BUSY')
  await market.run(1000, 100, nothing)
  assert.equal(market.questions, 1)
  market.arrive('BUSY', id, true)
  await market.run(60_000, 100, nothing)
  assert.deepEqual(market.convicted, [])
  assert.equal(market.counters.probes.recovered, 1)
})

test('an audience that ends while the question is out convicts nobody', async () => {
  const market = new Market()
  market.add('BUSY')
  await market.run(60_000, 100, () => market.trade('BUSY'))
  await market.run(6000, 100, () => market.trade('BUSY', 'lost'))
  assert.equal(market.questions, 1)
  market.slots.set('BUSY', {})
  await market.run(3000, 100, () => market.trade('BUSY', 'lost'))
  assert.deepEqual(market.convicted, [])
})
