import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createAdapter } from '../../../src/adapters/binance/adapter.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { createPrng } from '../../../src/core/prng.ts'
import { ConnectionSlot } from '../../../src/pipeline/connection-slot.ts'
import { DEFAULT_TUNING } from '../../../src/pipeline/runner-config.ts'
import { createRunnerCounters } from '../../../src/pipeline/runner-counters.ts'
import type { StreamLink } from '../../../src/pipeline/stream-link.ts'
import { DialGate } from '../../../src/transport/dial-gate.ts'
import { MemorySink } from '../../support/memory-sink.ts'
import { TinyExchange } from '../../support/tiny-exchange.ts'
import { waitFor } from '../../support/wait.ts'

let exchange: TinyExchange
afterEach(() => exchange.close())

const NAME = 'btcusdt@trade'

async function createSlot() {
  exchange = await new TinyExchange().open()
  const sink = new MemorySink()
  const counters = createRunnerCounters()
  const events: string[] = []
  const slot = new ConnectionSlot(1, 0, {
    adapter: createAdapter('binance'),
    config: {
      wsUrl: exchange.wsUrl,
      restUrl: exchange.restUrl,
      deflate: false,
      streamsPerConnection: 200,
      connectsPer5Minutes: 300,
      controlMessagesPerSecond: 3,
      subscribeBytesMax: 4000,
      timeouts: {
        connectMs: 4000,
        handshakeMs: 4000,
        idleMs: 45_000,
        requestMs: 5000,
        acknowledgeMs: 5000
      },
      reconnect: { baseMs: 250, maxMs: 4000 }
    },
    tuning: DEFAULT_TUNING,
    counters,
    clock: systemClock,
    prng: createPrng(1),
    logger: silentLogger,
    gate: new DialGate({ connectsPer5Minutes: 300, clock: systemClock }),
    sink,
    exchangeIndex: 0,
    events: {
      live: () => events.push('live'),
      closed: () => events.push('closed'),
      drained: () => events.push('drained')
    }
  })
  slot.add([{ name: NAME, channel: 'trade', symbol: 'BTCUSDT' }])
  await waitFor(() => slot.state === 'live', { timeoutMs: 4000, what: 'live' })
  return { slot, sink, counters, events }
}

const frame = (id: number): Buffer => Buffer.from(`{"stream":"${NAME}","data":{"t":${id}}}`)

/** Both sockets carry the stream, and the second is not known to be ready. */
async function replaceHalfway(slot: ConnectionSlot): Promise<readonly [StreamLink, StreamLink]> {
  const first = slot.current as StreamLink
  const links: StreamLink[] = []
  const ready = slot.linkReady.bind(slot)
  slot.linkReady = (link) => void links.push(link)
  assert.ok(slot.replace('stale'))
  await waitFor(() => links.length === 1, { timeoutMs: 4000, what: 'second socket' })
  slot.linkReady = ready
  return [first, links[0] as StreamLink]
}

test('stopped during a replacement, frames the second socket had read are not offered again', async () => {
  const { slot, sink, counters, events } = await createSlot()
  const [first, second] = await replaceHalfway(slot)
  slot.linkFrame(first, frame(1), false)
  slot.linkFrame(second, frame(1), false)
  slot.stop()
  slot.linkFrame(second, frame(1), false)
  slot.linkFrame(second, frame(2), false)
  slot.linkFrame(first, frame(2), false)
  assert.deepEqual(sink.texts(), [String(frame(1)), String(frame(2))])
  assert.equal(counters.framesDuplicate, 3)
  await waitFor(() => events.includes('drained'), { timeoutMs: 4000, what: 'drained' })
  slot.linkFrame(first, frame(3), false)
  assert.equal(sink.frames.length, 2)
  assert.deepEqual(events, ['live', 'closed', 'drained'])
})

test('a replacement that drags on ends by itself: every frame once, in order', async () => {
  const { slot, sink, events } = await createSlot()
  const [first, second] = await replaceHalfway(slot)
  let id = 0
  slot.linkFrame(first, frame(++id), false)
  slot.linkFrame(second, frame(1), false)
  while (slot.current === first && id < 100_000) slot.linkFrame(first, frame(++id), false)
  assert.equal(slot.current, second)
  // The new one is behind and catches up.
  for (let late = 2; late <= id + 10; late++) slot.linkFrame(second, frame(late), false)
  assert.deepEqual(
    sink.texts(),
    Array.from({ length: id + 10 }, (_, n) => String(frame(n + 1)))
  )
  slot.stop()
  await waitFor(() => events.includes('drained'), { timeoutMs: 4000, what: 'drained' })
})
