import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SluiceError } from '../../../../src/core/errors.ts'
import {
  connectionProperties,
  type KafkaSettings,
  producerProperties
} from '../../../../src/sinks/kafka/kafka-config.ts'

const SETTINGS: KafkaSettings = {
  brokers: 'a:9092,b:9092',
  compression: 'lz4',
  lingerMs: 5,
  batchBytes: 1_000_000,
  batchMessages: 10_000,
  queueKbytes: 65_536,
  queueMessages: 500_000,
  messageBytesMax: 1_000_000,
  clientId: 'sluice',
  librdkafka: {}
}
const withProperties = (librdkafka: Record<string, string>): KafkaSettings => ({
  ...SETTINGS,
  librdkafka
})

const REFUSED: Record<string, string> = {
  acks: '1',
  'request.required.acks': '0',
  'enable.idempotence': 'false',
  'message.timeout.ms': '30000',
  'delivery.timeout.ms': '1',
  'max.in.flight': '6',
  'max.in.flight.requests.per.connection': '1000000',
  retries: '3',
  'message.send.max.retries': '0',
  'allow.auto.create.topics': 'true',
  'topic.metadata.propagation.max.ms': '30000',
  partitioner: 'random',
  'queuing.strategy': 'lifo',
  'delivery.report.only.error': 'true',
  'transactional.id': 'x',
  'bootstrap.servers': 'c:9092',
  'metadata.broker.list': 'c:9092',
  'test.mock.num.brokers': '3',
  'plugin.library.paths': '/tmp/x.so',
  dr_msg_cb: 'x'
}

describe('kafka configuration', () => {
  it('is always idempotent, acks=all and without a delivery timeout', () => {
    const properties = producerProperties(SETTINGS)
    assert.equal(properties['enable.idempotence'], 'true')
    assert.equal(properties['acks'], 'all')
    assert.equal(properties['message.timeout.ms'], '0')
    assert.equal(properties['allow.auto.create.topics'], 'false')
    assert.equal(properties['compression.codec'], 'lz4')
    assert.equal(properties['reconnect.backoff.max.ms'], '500')
    assert.equal(properties['queue.buffering.max.kbytes'], '65536')
    assert.ok(Number(properties['topic.metadata.propagation.max.ms']) >= 60_000)
  })

  for (const [key, value] of Object.entries(REFUSED)) {
    it(`refuses ${key}=${value} with a sentence`, () => {
      assert.throws(
        () => producerProperties(withProperties({ [key]: value })),
        (error: unknown) => {
          assert.ok(error instanceof SluiceError)
          assert.equal(error.code, 'SLUICE_SINK_CONFIG')
          assert.match(error.message, new RegExp(`${key}: .{10,}`))
          return true
        }
      )
    })
  }

  it('names every contradiction at once, and no value', () => {
    assert.throws(
      () => producerProperties(withProperties({ acks: 'secret1', retries: 'secret2' })),
      (error: unknown) =>
        error instanceof SluiceError &&
        error.message.includes('acks') &&
        error.message.includes('retries') &&
        !error.message.includes('secret')
    )
  })

  it('accepts the same values said twice', () => {
    const said = { acks: '-1', 'enable.idempotence': 'TRUE', retries: '2147483647' }
    assert.doesNotThrow(() => producerProperties(withProperties(said)))
  })

  it('passes any other property through, and lets it win', () => {
    const properties = producerProperties(
      withProperties({ 'sasl.mechanism': 'SCRAM-SHA-256', 'linger.ms': '50', constructor: 'x' })
    )
    assert.equal(properties['sasl.mechanism'], 'SCRAM-SHA-256')
    assert.equal(properties['linger.ms'], '50')
  })

  it('gives the admin client what it needs to connect and nothing else', () => {
    const all = producerProperties(
      withProperties({
        'sasl.password': 'p',
        'security.protocol': 'SASL_SSL',
        'ssl.ca.location': '/c'
      })
    )
    const connection = connectionProperties(all)
    assert.deepEqual(Object.keys(connection).sort(), [
      'bootstrap.servers',
      'client.id',
      'reconnect.backoff.max.ms',
      'sasl.password',
      'security.protocol',
      'ssl.ca.location'
    ])
  })
})
