import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { createPrng } from '../../src/core/prng.ts'
import { EmbeddedCluster } from '../../src/sinks/kafka/embedded-cluster.ts'
import { topicName } from '../../src/sinks/kafka/topic-name.ts'
import { KafkaSinkRig, TEMPLATE } from '../support/kafka-sink-rig.ts'
import { TopicReader } from '../support/topic-reader.ts'
import { delay, waitFor } from '../support/wait.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', '币安人生USDT', 'BNBBTC']
const RECORDS_PER_RING = 20_000
const KILLS = 20

describe('kafka worker terminated at random moments', { timeout: 120_000 }, () => {
  let rig: KafkaSinkRig

  afterEach(async () => rig.close())

  it(`loses, doubles and reorders nothing (SEED=${SEED})`, async () => {
    const random = createPrng(SEED)
    const cluster = new EmbeddedCluster()
    // A small queue and a slow broker: many deaths fall into half-produced batches.
    rig = new KafkaSinkRig({
      brokers: cluster,
      rings: 2,
      ringBytes: 1 << 16,
      settings: { queueMessages: 3000, topicPartitions: 3 }
    })
    cluster.setRoundTripMs(1, 2)
    const names = SYMBOLS.map((symbol) =>
      topicName(TEMPLATE, { type: 'aggTrade', exchange: 'binance', symbol, interval: null })
    )
    await rig.sink.ensureTopics(names)
    const next = rig.rings.map((ring) => {
      for (const [index, symbol] of SYMBOLS.entries()) {
        ring.define(index, { symbol, type: 'aggTrade' })
      }
      return 0
    })
    await rig.startWorker()
    const feed = (): boolean => {
      rig.rings.forEach((ring, shard) => {
        let id = next[shard] ?? 0
        while (id < RECORDS_PER_RING) {
          const streamIndex = id % SYMBOLS.length
          const symbol = SYMBOLS[streamIndex] ?? ''
          if (!ring.record({ streamIndex, symbol, id: shard * RECORDS_PER_RING + id })) break
          id += 1
        }
        next[shard] = id
      })
      return next.every((id) => id === RECORDS_PER_RING)
    }
    for (let kill = 0; kill < KILLS; kill++) {
      feed()
      await delay(random.int(15))
      feed()
      await rig.killWorker()
      rig.assertAccounts()
      await rig.startWorker()
    }
    await waitFor(feed, { timeoutMs: 30_000, everyMs: 2, what: () => rig.describe() })
    await waitFor(() => rig.rings.every((ring) => ring.ring.isEmpty()), {
      timeoutMs: 20_000,
      what: () => rig.describe()
    })
    await rig.settle()
    const reader = await TopicReader.open(cluster.bootstrap, /^market\.aggTrade\./)
    const total = RECORDS_PER_RING * rig.rings.length
    const complete = await reader.readUntil(() => reader.messages.length >= total, 20_000)
    await reader.readQuiet(300)
    await reader.close()
    assert.ok(complete, `read ${reader.messages.length}; ${rig.describe()}`)
    assert.equal(reader.messages.length, total)
    assertOrder(reader)
  })
})

/** Per symbol and ring the ids ascend by the number of symbols, without a hole. */
function assertOrder(reader: TopicReader): void {
  const last = new Map<string, number>()
  for (const message of reader.messages) {
    const { id, symbol } = JSON.parse(message.value.toString()) as { id: number; symbol: string }
    assert.equal(message.key, symbol)
    const flow = `${symbol} ${Math.floor(id / RECORDS_PER_RING)}`
    const first = Math.floor(id / RECORDS_PER_RING) * RECORDS_PER_RING + SYMBOLS.indexOf(symbol)
    const previous = last.get(flow)
    assert.equal(id, previous === undefined ? first : previous + SYMBOLS.length, flow)
    last.set(flow, id)
  }
  assert.equal(last.size, SYMBOLS.length * 2)
}
