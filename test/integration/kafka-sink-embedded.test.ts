import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { DeadLetterReason } from '../../src/model/record.ts'
import {
  KAFKA_DEAD_LETTERS_DELIVERED,
  KAFKA_DELIVERY,
  KAFKA_END_TO_END,
  KAFKA_QUEUE_FULL,
  KAFKA_RECORDS_DELIVERED,
  KAFKA_RECORDS_REJECTED
} from '../../src/ring/counters.ts'
import { HISTOGRAM_COUNT } from '../../src/ring/layout.ts'
import { EmbeddedCluster } from '../../src/sinks/kafka/embedded-cluster.ts'
import { partitionOf } from '../../src/sinks/kafka/partitioner.ts'
import { KafkaSinkRig, type RigOptions } from '../support/kafka-sink-rig.ts'
import { nowUs, recordValue } from '../support/record-ring.ts'
import { TopicReader } from '../support/topic-reader.ts'
import { waitFor } from '../support/wait.ts'

const TRADES = 'market.trade.binance.BTCUSDT'
const DEAD = 'market.deadletter.binance'
const MINUTE_US = 60_000_000

describe('kafka sink on the embedded cluster', { timeout: 60_000 }, () => {
  let cluster: EmbeddedCluster
  let rig: KafkaSinkRig

  async function start(options: Partial<RigOptions> = {}, partitions = 1): Promise<void> {
    cluster = new EmbeddedCluster()
    rig = new KafkaSinkRig({
      brokers: cluster,
      ...options,
      settings: { topicPartitions: partitions, ...options.settings }
    })
    await rig.sink.ensureTopics([TRADES, DEAD])
    rig.attach()
  }

  afterEach(async () => rig.close())

  async function read(count: number): Promise<TopicReader> {
    const reader = await TopicReader.open(cluster.bootstrap, /^market\./)
    const all = await reader.readUntil(() => reader.messages.length >= count, 10_000)
    assert.ok(all, `read ${reader.messages.length} of ${count}; ${rig.describe()}`)
    await reader.readQuiet(200)
    await reader.close()
    return reader
  }

  it('gives librdkafka’s statistics once there are any', async () => {
    await start({ settings: { librdkafka: { 'statistics.interval.ms': '20' } } })
    const statistics = await waitFor(() => Promise.resolve(rig.sink.statistics()), {
      timeoutMs: 10_000,
      what: 'no statistics came',
      everyMs: 10
    })
    assert.equal((statistics as { type?: unknown }).type, 'producer')
    await rig.close()
    assert.equal(rig.sink.statistics(), null)
  })

  it('delivers records with key, time, partition and bytes', async () => {
    await start({}, 12)
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    const event = nowUs() - 1_234_567
    for (let id = 0; id < 1000; id++) {
      rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id, eventTimeUs: event + id * 1000 })
    }
    await rig.empty()
    await rig.settle()
    const { messages } = await read(1000)
    assert.equal(messages.length, 1000)
    const partition = partitionOf(new TextEncoder().encode('BTCUSDT'), 12)
    messages.forEach((message, id) => {
      assert.equal(message.value.toString(), recordValue({ streamIndex: 0, symbol: 'BTCUSDT', id }))
      assert.equal(message.key, 'BTCUSDT')
      assert.equal(message.partition, partition)
      assert.equal(message.timestampMs, Math.floor((event + id * 1000) / 1000))
      assert.deepEqual(message.headers, {})
    })
    assert.equal(rig.counters[KAFKA_END_TO_END + HISTOGRAM_COUNT], 1000)
    assert.equal(rig.counters[KAFKA_DELIVERY + HISTOGRAM_COUNT], 1000)
  })

  it('stamps with the receive time where the event time is missing or far off', async () => {
    await start()
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    const receivedTimeUs = nowUs()
    const cases: readonly (readonly [number | null, boolean])[] = [
      [null, false],
      [receivedTimeUs + 5 * MINUTE_US, true],
      [receivedTimeUs + 5 * MINUTE_US + 1, false],
      [receivedTimeUs - 60 * MINUTE_US, true],
      [receivedTimeUs - 60 * MINUTE_US - 1, false],
      [-5, false]
    ]
    cases.forEach(([eventTimeUs], id) => {
      rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id, eventTimeUs, receivedTimeUs })
    })
    await rig.empty()
    await rig.settle()
    const { messages } = await read(cases.length)
    cases.forEach(([eventTimeUs, isUsed], id) => {
      const expected = isUsed ? eventTimeUs : receivedTimeUs
      assert.equal(messages[id]?.timestampMs, Math.floor((expected ?? 0) / 1000), `case ${id}`)
    })
  })

  it('puts headers on what is not live, and on dead letters their reason', async () => {
    await start()
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id: 1 })
    rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id: 2, source: 'backfill', type: 'kline' })
    rig.ring.deadLetter(Buffer.from('{"torn'), DeadLetterReason.invalid_json, 9999)
    await rig.empty()
    await rig.settle()
    const reader = await read(3)
    const [live, backfilled] = reader.ofTopic(TRADES)
    assert.deepEqual(live?.headers, {})
    assert.deepEqual(backfilled?.headers, { source: 'backfill', schema: '1', type: 'kline' })
    const [dead] = reader.ofTopic(DEAD)
    assert.equal(dead?.value.toString(), '{"torn')
    assert.equal(dead?.key, null)
    assert.deepEqual(dead?.headers, {
      source: 'live',
      schema: '1',
      type: 'deadLetter',
      reason: 'invalid_json',
      originalSize: '9999',
      truncated: 'true'
    })
    assert.equal(rig.count(KAFKA_DEAD_LETTERS_DELIVERED), 1)
  })

  for (const mode of ['all', 'none'] as const) {
    it(`obeys header mode ${mode}`, async () => {
      await start({ settings: { headers: mode } })
      rig.ring.define(0, { symbol: 'BTCUSDT' })
      rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id: 1 })
      rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id: 2, source: 'heal' })
      await rig.empty()
      await rig.settle()
      const sources = (await read(2)).messages.map((message) => message.headers['source'])
      assert.deepEqual(sources, mode === 'all' ? ['live', 'heal'] : [undefined, undefined])
    })
  }

  it('stops reading the ring while the queue is full, and loses and reorders nothing', async () => {
    await start({ settings: { queueMessages: 1000 } })
    cluster.setBrokerUp(1, false)
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    for (let id = 0; id < 3000; id++) rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id })
    const loop = rig.attach()
    for (let turn = 0; turn < 50; turn++) loop.turn()
    const stalled = rig.sink.snapshot()
    assert.ok(rig.count(KAFKA_QUEUE_FULL) > 0)
    assert.ok(stalled.inFlight >= 1000 && stalled.inFlight < 1100, `${stalled.inFlight}`)
    // Half a batch: handed over, and still in the ring until the rest of it is.
    assert.ok(stalled.handedInRing > 0)
    rig.assertAccounts()
    // A successor of the worker continues the half batch.
    rig.attach()
    cluster.setBrokerUp(1, true)
    await rig.empty()
    await rig.settle()
    const ids = (await read(3000)).messages.map(
      (message) => JSON.parse(message.value.toString()).id
    )
    assert.deepEqual(
      ids,
      Array.from({ length: 3000 }, (_, id) => id)
    )
  })

  it('retries what the broker answers for the time being, in order, without doubles', async () => {
    await start()
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    // NOT_LEADER, REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS, …_AFTER_APPEND, KAFKA_STORAGE_ERROR
    for (let id = 0; id < 2000; id++) {
      if (id % 1000 === 0) cluster.pushErrors(0, [6, 7, 19, 56])
      rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id })
      if (id % 100 === 0) await rig.empty()
    }
    await rig.empty()
    await rig.settle()
    const ids = (await read(2000)).messages.map(
      (message) => JSON.parse(message.value.toString()).id
    )
    assert.deepEqual(
      ids,
      Array.from({ length: 2000 }, (_, id) => id)
    )
  })

  it('dead-letters a record that is too large for any message, and only that one', async () => {
    await start({ ringBytes: 1 << 23, settings: { messageBytesMax: 100_000 } })
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    for (let id = 0; id < 10; id++) {
      rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id, padBytes: id === 5 ? 150_000 : 10 })
    }
    await rig.empty()
    await rig.settle()
    const reader = await read(10)
    const ids = reader.ofTopic(TRADES).map((message) => JSON.parse(message.value.toString()).id)
    assert.deepEqual(ids, [0, 1, 2, 3, 4, 6, 7, 8, 9])
    const [dead] = reader.ofTopic(DEAD)
    assert.equal(dead?.headers['reason'], 'kafka_msg_size_too_large')
    assert.ok(Number(dead?.headers['originalSize']) > 150_000)
    assert.equal(dead?.headers['truncated'], 'true')
    assert.equal(dead?.key, 'BTCUSDT')
    assert.equal(rig.count(KAFKA_RECORDS_REJECTED), 1)
  })

  it('tries the records of a refused batch one by one before it rejects any', async () => {
    await start()
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    // MSG_SIZE_TOO_LARGE for the batch; alone, each of its records is fine.
    cluster.pushErrors(0, [10])
    for (let id = 0; id < 200; id++) rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id })
    await rig.empty()
    for (let id = 200; id < 400; id++) rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id })
    await rig.empty()
    await rig.settle()
    const ids = (await read(400)).messages.map((message) => JSON.parse(message.value.toString()).id)
    assert.deepEqual(
      ids,
      Array.from({ length: 400 }, (_, id) => id)
    )
    assert.equal(rig.count(KAFKA_RECORDS_REJECTED), 0)
  })

  it('dead-letters what a topic does not authorize', async () => {
    await start()
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    cluster.pushErrors(0, [29])
    for (let id = 0; id < 20; id++) rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id })
    await rig.empty()
    await rig.settle()
    const reader = await read(20)
    const refused = rig.count(KAFKA_RECORDS_REJECTED)
    assert.ok(refused > 0)
    assert.equal(reader.ofTopic(DEAD).length, refused)
    assert.equal(reader.ofTopic(TRADES).length, rig.count(KAFKA_RECORDS_DELIVERED))
    for (const { headers } of reader.ofTopic(DEAD)) {
      assert.equal(headers['reason'], 'kafka_topic_authorization_failed')
    }
  })

  it('replaces the client after a fatal error and loses nothing', async () => {
    await start()
    cluster.setRoundTripMs(1, 20)
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    const addon = (await import('../../src/sinks/kafka/producer-addon.ts')).loadProducerAddon()
    for (let id = 0; id < 3000; id++) {
      rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id })
      if (id % 100 === 0) rig.attach().turn()
      // OUT_OF_ORDER_SEQUENCE_NUMBER
      if (id === 1000 || id === 2000) {
        const { clients } = rig.sink.snapshot()
        addon.injectFatal(rig.sink.handle, 45)
        await waitFor(() => rig.sink.snapshot().clients > clients, {
          timeoutMs: 10_000,
          what: 'no new client'
        })
      }
    }
    await rig.empty()
    await rig.settle()
    const { messages } = await read(3000)
    const ids = messages.map((message) => JSON.parse(message.value.toString()).id as number)
    const duplicates = ids.length - new Set(ids).size
    assert.equal(new Set(ids).size, 3000)
    assert.ok(duplicates <= rig.sink.snapshot().possibleDuplicates, `${duplicates}`)
    // First occurrences are in order.
    assert.deepEqual(
      [...new Set(ids)],
      Array.from({ length: 3000 }, (_, id) => id)
    )
    assert.equal(rig.sink.snapshot().clients, 3)
  })

  it('takes a stream’s new meaning from a restarted parser', async () => {
    await start()
    cluster.createTopic('market.trade.binance.ETHUSDT', 1)
    rig.ring.define(0, { symbol: 'BTCUSDT' })
    rig.ring.record({ streamIndex: 0, symbol: 'BTCUSDT', id: 1 })
    rig.ring.define(0, { symbol: 'ETHUSDT' })
    rig.ring.record({ streamIndex: 0, symbol: 'ETHUSDT', id: 2 })
    await rig.empty()
    await rig.settle()
    const reader = await read(2)
    assert.equal(reader.ofTopic(TRADES)[0]?.key, 'BTCUSDT')
    assert.equal(reader.ofTopic('market.trade.binance.ETHUSDT')[0]?.key, 'ETHUSDT')
    assert.deepEqual(rig.needed, ['market.trade.binance.ETHUSDT'])
  })
})
