import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../../src/core/clock.ts'
import { createPrng } from '../../../src/core/prng.ts'
import { IngestHub, type IngestHubSession } from '../../../src/pipeline/ingest.ts'
import type { FrameMeta, FrameSink } from '../../../src/transport/frame-sink.ts'

const RING_BYTES = 4096
const HEADER_BYTES = 32

/** A ring that empties only when told to. */
class FakeSink implements FrameSink {
  readonly ringBytes = RING_BYTES
  readonly shards: number
  readonly taken: { shard: number; text: string; meta: FrameMeta }[] = []
  private readonly used: number[]

  constructor(shards = 1) {
    this.shards = shards
    this.used = new Array<number>(shards).fill(0)
  }

  tryAccept(shard: number, frame: Uint8Array, meta: FrameMeta): boolean {
    const bytes = frame.length + HEADER_BYTES
    if (this.freeBytes(shard) < bytes) return false
    this.used[shard] = (this.used[shard] ?? 0) + bytes
    this.taken.push({ shard, text: Buffer.from(frame).toString(), meta })
    return true
  }

  freeBytes(shard: number): number {
    return this.ringBytes - (this.used[shard] ?? 0)
  }

  empty(): void {
    this.used.fill(0)
  }
}

/** Timers fire when the test says so. */
class FakeClock implements Clock {
  now = 1_000_000
  private timers = new Map<number, () => void>()
  private next = 1
  wallUs = (): number => this.now++
  monotonicMs = (): number => this.now / 1000
  setTimer(callback: () => void): number {
    this.timers.set(this.next, callback)
    return this.next++
  }
  clearTimer(handle: unknown): void {
    this.timers.delete(handle as number)
  }
  tick(): void {
    const due = [...this.timers.values()]
    this.timers.clear()
    for (const callback of due) callback()
  }
  get pending(): number {
    return this.timers.size
  }
}

function setup(
  overrides: { shards?: number; creditFrames?: number; backlogBytesMax?: number } = {}
) {
  const sink = new FakeSink(overrides.shards ?? 1)
  const clock = new FakeClock()
  let connection = 100
  const hub = new IngestHub({
    sink,
    clock,
    exchanges: new Map([
      ['binance', 0],
      ['other', 3]
    ]),
    nextConnection: () => connection++,
    creditFrames: overrides.creditFrames ?? 8,
    frameBytesMax: 1024,
    backlogBytesMax: overrides.backlogBytesMax ?? 64 * 1024
  })
  const client = (streamName: string | null = null) => {
    const state = { credit: 0, session: null as unknown as IngestHubSession }
    state.session = hub.open({
      exchange: 'binance',
      streamName,
      grant: (frames) => {
        state.credit += frames
      }
    })
    return state
  }
  const send = (to: ReturnType<typeof client>, text: string): boolean => {
    to.credit -= 1
    return to.session.accept(Buffer.from(text), false)
  }
  return { sink, clock, hub, client, send }
}

describe('ingest hub', () => {
  it('admits known exchanges only, and nobody once it stops', () => {
    const { hub } = setup()
    assert.equal(hub.admit('binance'), 'admitted')
    assert.equal(hub.admit('__proto__'), 'unknown-exchange')
    hub.stopAccepting()
    assert.equal(hub.admit('binance'), 'not-accepting')
    assert.throws(
      () => hub.open({ exchange: 'x', streamName: null, grant: () => 0 }),
      /no exchange/
    )
  })

  it('gives credit, tops it up at half, and hands frames over with their facts', () => {
    const { sink, clock, client, send } = setup()
    const one = client('btcusdt@trade')
    assert.equal(one.credit, 8)
    for (let index = 0; index < 20; index++) {
      assert.ok(send(one, `f${index}`))
      if (one.credit <= 4) clock.tick()
    }
    assert.deepEqual(
      sink.taken.map((frame) => frame.text),
      Array.from({ length: 20 }, (_, index) => `f${index}`)
    )
    assert.ok(one.credit >= 4 && one.credit <= 8, String(one.credit))
    const meta = sink.taken[0]?.meta
    assert.equal(meta?.streamName, 'btcusdt@trade')
    assert.equal(meta?.exchange, 0)
    assert.equal(meta?.connection, 100)
    assert.equal(meta?.receivedTimeUs, 1_000_000)
  })

  it('refuses and counts a frame beyond the credit', () => {
    const { sink, hub, client } = setup()
    const one = client()
    hub.stopAccepting()
    for (let index = 0; index < 8; index++) assert.ok(one.session.accept(Buffer.from('x'), false))
    assert.equal(one.session.accept(Buffer.from('x'), false), false)
    assert.equal(hub.stats().overruns, 1)
    assert.equal(sink.taken.length, 8)
    assert.equal(hub.stats().received[0]?.frames, 8)
  })

  it('keeps frames within credit while the ring is full, then moves them in order', () => {
    const { sink, clock, hub, client, send } = setup()
    const one = client()
    const large = 'y'.repeat(1000)
    let sent = 0
    while (one.credit > 0) assert.ok(send(one, `${sent++}:${large}`))
    assert.ok(hub.stats().backlogFrames > 0, 'the ring of this test must have filled')
    assert.equal(hub.isIdle(), false)
    clock.tick()
    assert.equal(one.credit, 0, 'no credit while the ring is full')
    for (let round = 0; round < 10; round++) {
      sink.empty()
      clock.tick()
    }
    assert.equal(hub.isIdle(), true)
    assert.deepEqual(
      sink.taken.map((frame) => Number(frame.text.split(':')[0])),
      Array.from({ length: sent }, (_, index) => index)
    )
    assert.equal(one.credit, 8)
  })

  it('copies what it keeps: the caller’s memory is taken back', () => {
    const { sink, clock, client } = setup()
    const one = client()
    const frame = Buffer.alloc(1000, 'a')
    for (let index = 0; index < 8; index++) one.session.accept(frame, false)
    frame.fill('b')
    for (let round = 0; round < 4; round++) {
      sink.empty()
      clock.tick()
    }
    assert.equal(sink.taken.length, 8)
    for (const { text } of sink.taken) assert.ok(!text.includes('b'))
  })

  it('delivers what a client left behind', () => {
    const { sink, clock, hub, client } = setup()
    const one = client()
    for (let index = 0; index < 8; index++) one.session.accept(Buffer.alloc(1000, 'z'), false)
    one.session.close()
    one.session.close()
    assert.equal(one.session.accept(Buffer.from('late'), false), false)
    for (let round = 0; round < 4; round++) {
      sink.empty()
      clock.tick()
    }
    assert.equal(sink.taken.length, 8)
    assert.equal(hub.stats().sessions, 0)
    assert.equal(clock.pending, 0, 'no timer without anything to do')
  })

  it('shares the backing memory among clients', () => {
    const { hub, client } = setup({ creditFrames: 1000, backlogBytesMax: 16 * 1024 })
    assert.equal(client().credit, 16)
    assert.equal(client().credit, 0, 'all memory is promised to the first')
    assert.ok(hub.stats().creditOutstanding <= 16)
  })

  it('puts a symbol on one shard, whichever client and form it comes in', () => {
    const { sink, client, send } = setup({
      shards: 4,
      creditFrames: 100,
      backlogBytesMax: 1024 * 1024
    })
    const symbols = Array.from({ length: 40 }, (_, index) => `coin${index}usdt`)
    const shardsOf = new Map<string, Set<number>>()
    for (let round = 0; round < 2; round++) {
      const one = client()
      for (const symbol of symbols) {
        const before = sink.taken.length
        assert.ok(send(one, `{"stream":"${symbol}@trade","data":{}}`))
        const shards = shardsOf.get(symbol) ?? new Set()
        shardsOf.set(symbol, shards.add(sink.taken[before]?.shard ?? -1))
      }
      sink.empty()
    }
    assert.ok([...shardsOf.values()].every((shards) => shards.size === 1))
    assert.equal(new Set([...shardsOf.values()].flatMap((shards) => [...shards])).size, 4)
  })

  it('gives no credit between two frames of one read', () => {
    const { clock, client, send } = setup({ creditFrames: 8 })
    const one = client()
    for (let frame = 0; frame < 8; frame++) assert.ok(send(one, 'x'))
    assert.equal(send(one, 'x'), false, 'a client that does not wait overruns')
    clock.tick()
    assert.ok(one.credit > 0)
  })

  it('never promises more than its memory, whatever happens', () => {
    const seed = Number(process.pid) * 7919
    const prng = createPrng(seed)
    const { sink, clock, hub, client, send } = setup({ shards: 2, backlogBytesMax: 20 * 1024 })
    const clients = [client(), client(), client()]
    let sent = 0
    for (let step = 0; step < 20_000; step++) {
      const action = prng.int(10)
      const one = clients[prng.int(3)] as ReturnType<typeof client>
      if (action < 7 && one.credit > 0) {
        const text = `${clients.indexOf(one)}:${sent++}:${'p'.repeat(prng.int(1000))}`
        assert.ok(send(one, text), `SEED=${seed}: refused within credit`)
      } else if (action === 7) sink.empty()
      else if (action === 8) clock.tick()
      const { creditOutstanding, backlogFrames, backlogBytes } = hub.stats()
      assert.ok(creditOutstanding + backlogFrames <= 20, `SEED=${seed}: over-committed`)
      assert.ok(backlogBytes <= 20 * 1024, `SEED=${seed}`)
    }
    for (let round = 0; round < 50; round++) {
      sink.empty()
      clock.tick()
    }
    assert.equal(sink.taken.length, sent, `SEED=${seed}`)
    for (const index of [0, 1, 2]) {
      const own = sink.taken.filter((frame) => frame.text.startsWith(`${index}:`))
      const order = own.map((frame) => Number(frame.text.split(':')[1]))
      assert.deepEqual(
        order,
        [...order].sort((a, b) => a - b),
        `SEED=${seed}: order`
      )
    }
  })
})
