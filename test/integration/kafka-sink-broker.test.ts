import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { KAFKA_END_TO_END, KAFKA_RECORDS_DELIVERED } from '../../src/ring/counters.ts'
import { HISTOGRAM_COUNT } from '../../src/ring/layout.ts'
import { type OwnBroker, ownBroker, sharedBroker } from '../support/kafka-node.ts'
import { KafkaSinkRig } from '../support/kafka-sink-rig.ts'
import { recordValue } from '../support/record-ring.ts'
import { TopicReader } from '../support/topic-reader.ts'
import { delay, waitFor } from '../support/wait.ts'

const OWN_PORT = Number(process.env['SLUICE_TEST_SINK_KAFKA_PORT'] ?? 19492)
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'BNBBTC']

describe('kafka sink on a real broker', { timeout: 180_000 }, () => {
  let rig: KafkaSinkRig
  let broker: OwnBroker | null = null

  afterEach(async () => {
    await rig.close()
    await broker?.wipe()
    broker = null
  })

  const exchange = (name: string): string => `sink-${name}-${process.pid}`
  const defineAll = (of: string): void => {
    for (const [index, symbol] of SYMBOLS.entries())
      rig.ring.define(index, { symbol, exchange: of })
  }
  const write = (id: number): boolean => {
    const streamIndex = id % SYMBOLS.length
    return rig.ring.record({ streamIndex, symbol: SYMBOLS[streamIndex] ?? '', id })
  }
  const topicsOf = (of: string): string[] => SYMBOLS.map((symbol) => `market.trade.${of}.${symbol}`)

  /** Reads everything back: every id once, in order per symbol, byte for byte. */
  async function assertDelivered(brokers: string, of: string, count: number): Promise<void> {
    const reader = await TopicReader.open(brokers, new RegExp(`^market\\.trade\\.${of}\\.`))
    await reader.readUntil(() => reader.messages.length >= count, 60_000)
    await reader.readQuiet(300)
    await reader.close()
    assert.equal(reader.messages.length, count, rig.describe())
    const next = SYMBOLS.map((_, index) => index)
    for (const { value, key } of reader.messages) {
      const index = SYMBOLS.indexOf(key ?? '')
      const id = next[index] ?? -1
      assert.equal(value.toString(), recordValue({ streamIndex: index, symbol: key ?? '', id }))
      next[index] = id + SYMBOLS.length
    }
    assert.equal(rig.count(KAFKA_RECORDS_DELIVERED), count)
  }

  it('delivers every record once, in order, to topics created before the first', async () => {
    const brokers = await sharedBroker()
    const of = exchange('steady')
    rig = new KafkaSinkRig({ brokers, exchange: of, settings: { topicPartitions: 2 } })
    const ready = await rig.sink.ensureTopics(topicsOf(of))
    assert.deepEqual([...ready.values()], [2, 2, 2])
    assert.deepEqual([...ready.keys()].sort(), topicsOf(of).sort())
    rig.attach()
    defineAll(of)
    for (let id = 0; id < 30_000; ) {
      if (write(id)) id += 1
      else await rig.empty()
    }
    await rig.empty()
    await rig.settle()
    await assertDelivered(brokers, of, 30_000)
    assert.deepEqual(rig.needed, [])
    assert.equal(rig.sink.status().state, 'running')
    assert.equal(rig.counters[KAFKA_END_TO_END + HISTOGRAM_COUNT], 30_000)
  })

  it('keeps existing topics as they are', async () => {
    const brokers = await sharedBroker()
    const of = exchange('existing')
    rig = new KafkaSinkRig({ brokers, exchange: of, settings: { topicPartitions: 3 } })
    await rig.sink.ensureTopics(topicsOf(of))
    await rig.close()
    rig = new KafkaSinkRig({ brokers, exchange: of, settings: { topicPartitions: 5 } })
    assert.deepEqual([...(await rig.sink.ensureTopics(topicsOf(of))).values()], [3, 3, 3])
  })

  it('creates a topic at run time while its first records wait', async () => {
    const brokers = await sharedBroker()
    const of = exchange('late')
    rig = new KafkaSinkRig({ brokers, exchange: of })
    rig.attach()
    defineAll(of)
    for (let id = 0; id < 3000; id++) assert.ok(write(id))
    await rig.empty()
    await rig.settle()
    assert.deepEqual(rig.needed, topicsOf(of))
    for (let id = 3000; id < 6000; id++) assert.ok(write(id))
    await rig.empty()
    await rig.settle()
    await assertDelivered(brokers, of, 6000)
  })

  it('says why Kafka refuses to create a topic', async () => {
    const brokers = await sharedBroker()
    const of = exchange('refused')
    rig = new KafkaSinkRig({ brokers, exchange: of, settings: { retentionMs: -7 } })
    await rig.sink.ensureTopics(topicsOf(of))
    const { state, detail } = rig.sink.status()
    assert.equal(state, 'degraded')
    assert.match(detail ?? '', /retention\.ms/)
  })

  it('waits for a broker that is down at the start', async () => {
    broker = await ownBroker(OWN_PORT)
    await broker.kill()
    const of = exchange('down')
    rig = new KafkaSinkRig({ brokers: broker.brokers, exchange: of })
    const topics = rig.sink.ensureTopics(topicsOf(of))
    rig.attach()
    defineAll(of)
    for (let id = 0; id < 3000; id++) assert.ok(write(id))
    await rig.empty()
    await waitFor(() => rig.sink.status().state !== 'running', {
      timeoutMs: 20_000,
      what: 'status does not tell that the broker is down'
    })
    await broker.start()
    await topics
    await rig.settle(30_000)
    await assertDelivered(broker.brokers, of, 3000)
  })

  it('survives a broker killed and started again under load', async () => {
    broker = await ownBroker(OWN_PORT)
    const of = exchange('killed')
    rig = new KafkaSinkRig({ brokers: broker.brokers, exchange: of })
    await rig.sink.ensureTopics(topicsOf(of))
    await rig.startWorker()
    defineAll(of)
    let id = 0
    let isFeeding = true
    const feeding = (async () => {
      while (isFeeding) {
        for (let burst = 0; burst < 100 && write(id); burst++) id += 1
        await delay(2)
      }
    })()
    for (let round = 0; round < 2; round++) {
      await delay(1500)
      await broker.kill()
      await delay(1000)
      await broker.start()
    }
    await broker.pause()
    await delay(2000)
    await broker.resume()
    await delay(500)
    isFeeding = false
    await feeding
    await waitFor(() => rig.ring.ring.isEmpty(), { timeoutMs: 30_000, what: () => rig.describe() })
    await rig.settle(60_000)
    await assertDelivered(broker.brokers, of, id)
  })
})
