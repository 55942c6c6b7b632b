import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ConfigError } from '../../../src/config/config-error.ts'
import { noticesOf } from '../../../src/config/derive.ts'
import { kafkaMode, requireSink } from '../../../src/config/kafka-mode.ts'
import { type ConfigInputs, loadConfig } from '../../../src/config/load.ts'
import type { SluiceConfig } from '../../../src/config/types.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

function file(text: string): string {
  files += 1
  const name = join(folder, `${files}.yaml`)
  writeFileSync(name, text)
  return name
}

function load(inputs: ConfigInputs = {}): SluiceConfig {
  return loadConfig({ environment: {}, machine: { cores: 4, terminal: false }, ...inputs })
}

function problems(inputs: ConfigInputs): readonly string[] {
  try {
    load(inputs)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems
  }
  assert.fail('the configuration was accepted')
}

describe('defaults', () => {
  it('are those of the contract', () => {
    const config = load()
    assert.deepEqual(config.symbols, ['BTCUSDT', 'ETHUSDT'])
    assert.deepEqual(config.channels, ['trade', 'kline_1m', 'ticker'])
    assert.deepEqual(config.subscriptions, [
      {
        adapter: 'binance',
        channels: ['trade', 'kline_1m', 'ticker'],
        symbols: ['BTCUSDT', 'ETHUSDT']
      }
    ])
    assert.equal(config.adapters['binance']?.wsUrl, 'wss://stream.binance.com:9443')
    assert.equal(config.adapters['binance']?.restUrl, 'https://api.binance.com')
    assert.equal(config.kafka.brokers, '')
    assert.equal(config.kafka.topic, 'market.{type}.{exchange}.{symbol}')
    assert.equal(config.kafka.topicPartitions, 1)
    assert.equal(config.kafka.topicReplication, -1)
    assert.equal(config.kafka.retentionMs, -1)
    assert.equal(config.kafka.compression, 'lz4')
    assert.equal(config.kafka.queueKbytes, 65_536)
    assert.equal(config.workers.parsers, 2)
    assert.equal(config.workers.ringBytes, 16 * 1024 * 1024)
    assert.equal(config.workers.parser, 'native')
    assert.equal(config.spool.dir, './data/spool')
    assert.equal(config.http.host, '127.0.0.1')
    assert.equal(config.http.port, 8080)
    assert.equal(config.drainSeconds, 20)
    assert.deepEqual(config.log, { level: 'info', pretty: false })
  })

  it('depend on the machine and on other values', () => {
    assert.equal(load({ machine: { cores: 1, terminal: true } }).workers.parsers, 1)
    assert.equal(load({ machine: { cores: 2, terminal: true } }).workers.parsers, 1)
    assert.equal(load({ machine: { cores: 2, terminal: true } }).log.pretty, true)
    assert.equal(load({ sets: ['kafka.topic=market.{type}'] }).kafka.topicPartitions, 12)
    const three = ['kafka.topic=market.{type}', 'kafka.topicPartitions=3']
    assert.equal(load({ sets: three }).kafka.topicPartitions, 3)
  })

  it('keep all rings together below the cap unless the size is set', () => {
    assert.equal(load({ sets: ['workers.parsers=4'] }).workers.ringBytes, 16 * 1024 * 1024)
    assert.equal(load({ sets: ['workers.parsers=8'] }).workers.ringBytes, 8 * 1024 * 1024)
    const set = ['workers.parsers=8', 'workers.ringBytes=16MiB']
    assert.equal(load({ sets: set }).workers.ringBytes, 16 * 1024 * 1024)
  })

  it('are frozen to the last leaf', () => {
    const config = load()
    assert.throws(() => {
      ;(config.adapters['binance'] as { wsUrl: string }).wsUrl = 'ws://elsewhere'
    }, TypeError)
    assert.throws(() => (config.symbols as string[]).push('X'), TypeError)
  })
})

describe('precedence', () => {
  const low = file(
    'http: {port: 1001, host: 10.0.0.1}\nsymbols: [A, B]\nkafka: {librdkafka: {a.b: "1", c.d: "2"}}\n'
  )
  const high = file('http: {port: 1002}\nsymbols: [C]\nkafka: {librdkafka: {a.b: "3"}}\n')

  it('lets later files win, merges maps, replaces lists', () => {
    const config = load({ files: [low, high] })
    assert.equal(config.http.port, 1002)
    assert.equal(config.http.host, '10.0.0.1')
    assert.deepEqual(config.symbols, ['C'])
    assert.deepEqual({ ...config.kafka.librdkafka }, { 'a.b': '3', 'c.d': '2' })
  })

  it('is files, then environment, then flags', () => {
    const environment = { SLUICE_CONFIG: `${low},${high}`, SLUICE_HTTP_PORT: '1003' }
    assert.equal(load({ environment: { SLUICE_CONFIG: low } }).http.port, 1001)
    assert.equal(load({ environment }).http.port, 1003)
    assert.equal(load({ environment, sets: ['http.port=1004'] }).http.port, 1004)
    assert.equal(load({ environment, files: [low] }).http.port, 1003)
  })

  it('lets the variable of the path beat its alias, whatever their order', () => {
    const both = { SYMBOLS: 'X', SLUICE_SYMBOLS: 'Y,Z' }
    assert.deepEqual(load({ environment: both }).symbols, ['Y', 'Z'])
    assert.deepEqual(load({ environment: { SYMBOLS: 'X' } }).symbols, ['X'])
    const urls = {
      SLUICE_BINANCE_WS_URL: 'ws://127.0.0.1:1',
      SLUICE_ADAPTERS_BINANCE_WS_URL: 'ws://127.0.0.1:2'
    }
    assert.equal(load({ environment: urls }).adapters['binance']?.wsUrl, 'ws://127.0.0.1:2')
  })

  it('takes an empty variable for one that is not set', () => {
    assert.equal(
      load({ environment: { SLUICE_HTTP_PORT: '', SLUICE_SYMBOLS: '' } }).http.port,
      8080
    )
  })

  it('decides between subscriptions and the shorthand', () => {
    const listed = file(
      'subscriptions:\n  - {adapter: binance, channels: [trade], symbols: [AAA]}\n'
    )
    assert.deepEqual(load({ files: [listed] }).subscriptions, [
      { adapter: 'binance', channels: ['trade'], symbols: ['AAA'] }
    ])
    const replaced = load({ files: [listed], environment: { SLUICE_SYMBOLS: 'BBB' } })
    assert.deepEqual(replaced.subscriptions[0]?.symbols, ['BBB'])
    const beside = file('symbols: [A]\nsubscriptions: [{channels: [trade], symbols: [B]}]\n')
    assert.match(problems({ files: [beside] })[0] ?? '', /give one of them/)
  })
})

describe('environment', () => {
  it('reaches every fixed variable of the contract', () => {
    const config = load({
      environment: {
        SLUICE_CHANNELS: 'aggTrade, depth@100ms',
        SLUICE_BINANCE_REST_URL: 'http://127.0.0.1:9',
        SLUICE_BINANCE_API_KEY: 'k',
        SLUICE_BINANCE_SECRET_KEY: 's',
        SLUICE_KAFKA_BROKERS: 'a:9092, b:9093',
        SLUICE_KAFKA_TOPIC_PARTITIONS: '4',
        SLUICE_KAFKA_TOPIC_REPLICATION: '3',
        SLUICE_PARSER_WORKERS: '3',
        SLUICE_RING_BYTES: '1MiB',
        SLUICE_SPOOL_MODE: 'off',
        MARKETSTORE_URL: 'http://127.0.0.1:5993',
        SLUICE_FILES_DIR: '/tmp/x',
        SLUICE_ADMIN_TOKEN: 't1',
        SLUICE_INGEST_TOKEN: 't2',
        SLUICE_DRAIN_SECONDS: '5',
        SLUICE_LOG_LEVEL: 'debug',
        SLUICE_LOG_PRETTY: 'true',
        SLUICE_WORKERS_PARSER: 'twin',
        SLUICE_KAFKA_LIBRDKAFKA_SASL_USERNAME: 'u'
      }
    })
    assert.deepEqual(config.channels, ['aggTrade', 'depth@100ms'])
    assert.equal(config.kafka.brokers, 'a:9092,b:9093')
    assert.equal(kafkaMode(config), 'brokers')
    assert.equal(config.kafka.topicReplication, 3)
    assert.equal(config.workers.parsers, 3)
    assert.equal(config.workers.ringBytes, 1024 * 1024)
    assert.equal(config.marketstore.url, 'http://127.0.0.1:5993')
    assert.equal(config.admin.token, 't1')
    assert.equal(config.ingest.token, 't2')
    assert.equal(config.workers.parser, 'twin')
    assert.equal(config.log.pretty, true)
    assert.equal(config.kafka.librdkafka['sasl.username'], 'u')
  })

  it('reads secrets from files, without the newline at their end', () => {
    const secret = file('hush\n')
    const environment = {
      SLUICE_ADMIN_TOKEN_FILE: secret,
      SLUICE_BINANCE_API_KEY_FILE: secret,
      SLUICE_KAFKA_LIBRDKAFKA_SASL_PASSWORD_FILE: secret
    }
    const config = load({ environment })
    assert.equal(config.admin.token, 'hush')
    assert.equal(config.adapters['binance']?.apiKey, 'hush')
    assert.equal(config.kafka.librdkafka['sasl.password'], 'hush')
    const missing = { SLUICE_ADMIN_TOKEN_FILE: join(folder, 'no-such-file') }
    assert.match(
      problems({ environment: missing })[0] ?? '',
      /^SLUICE_ADMIN_TOKEN_FILE: cannot read.*ENOENT/
    )
  })

  it('names further adapters', () => {
    const named = {
      SLUICE_ADAPTERS_KRAKEN_MODULE: './kraken.js',
      SLUICE_ADAPTERS_KRAKEN_WS_URL: 'wss://x.example'
    }
    assert.equal(load({ environment: named }).adapters['kraken']?.wsUrl, 'wss://x.example')
    const declared = file(
      'adapters:\n  binance-usdm: {module: ./usdm.js, wsUrl: "wss://y.example"}\n'
    )
    const config = load({
      files: [declared],
      environment: { SLUICE_ADAPTERS_BINANCE_USDM_REST_URL: 'https://z.example' }
    })
    assert.equal(config.adapters['binance-usdm']?.restUrl, 'https://z.example')
  })

  it('refuses unknown SLUICE_ variables and leaves those of others alone', () => {
    const unknown = { SLUICE_KAFKA_BROKER: 'x', SLUICE_ADMIN_TOKN: 'canary', SLUICE_CONFIG: '' }
    const found = problems({ environment: unknown })
    assert.equal(found.length, 2)
    assert.match(found.join('\n'), /SLUICE_KAFKA_BROKER;.*SLUICE_KAFKA_BROKERS$/m)
    assert.match(found.join('\n'), /SLUICE_ADMIN_TOKN;.*SLUICE_ADMIN_TOKEN$/m)
    assert.ok(!found.join('\n').includes('canary'))
    load({
      environment: {
        SLUICE_SERVICE_HOST: '10.0.0.1',
        SLUICE_PORT: 'tcp://10.0.0.1:8080',
        SLUICE_PORT_8080_TCP_ADDR: '10.0.0.1',
        SLUICE_RECORDINGS: '/somewhere',
        PATH: '/bin'
      }
    })
    assert.match(
      problems({ environment: { SLUICE_PORT: '8081' } })[0] ?? '',
      /unknown variable SLUICE_PORT/
    )
  })
})

describe('notices', () => {
  it('name what is accepted and does nothing, and never its value', () => {
    assert.deepEqual(noticesOf(load()), [])
    const environment = { SLUICE_BINANCE_API_KEY: 'hush', SLUICE_BINANCE_SECRET_KEY: 'hush' }
    const notices = noticesOf(load({ environment, sets: ['files.dir=/x'] }))
    assert.equal(notices.length, 3, notices.join('\n'))
    for (const key of ['apiKey', 'secretKey']) {
      const said = `adapters.binance.${key} has no effect: public market data needs no key`
      assert.ok(notices.includes(said), notices.join('\n'))
    }
    assert.ok(!notices.join().includes('hush'))
  })
})

describe('sinks', () => {
  it('must exist for run', () => {
    assert.throws(() => requireSink(load()), /set SLUICE_KAFKA_BROKERS/)
    assert.throws(() => requireSink(load({ sets: ['kafka.brokers=off'] })), /no sink/)
    requireSink(load({ sets: ['kafka.brokers=embedded'] }))
  })
})
