import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { createPrng } from '../../../src/core/prng.ts'
import {
  KAFKA_COUNTER_WORDS,
  KAFKA_END_TO_END,
  KAFKA_RECORDS_DELIVERED,
  PARSER_BUSY_US,
  PARSER_COUNTER_WORDS,
  PARSER_DEAD_LETTERS_BY_REASON,
  PARSER_FRAMES_IGNORED,
  PARSER_FRAMES_PARSED,
  PARSER_IDLE_US,
  PARSER_RECORDS_EMITTED
} from '../../../src/ring/counters.ts'
import { histogramAt, recordHistogram } from '../../../src/ring/histogram.ts'
import { HISTOGRAM_WORDS } from '../../../src/ring/layout.ts'
import { histogramSamples } from '../../../src/telemetry/metric.ts'
import type { MetricSources } from '../../../src/telemetry/metric-sources.ts'
import { METRICS, MetricsRegistry } from '../../../src/telemetry/metrics.ts'
import { accountingFrom } from '../../support/metrics-identities.ts'

function sources(overrides: Partial<MetricSources> = {}) {
  const parserCounters = [
    new Float64Array(PARSER_COUNTER_WORDS),
    new Float64Array(PARSER_COUNTER_WORDS)
  ]
  const kafkaCounters = new Float64Array(KAFKA_COUNTER_WORDS)
  const made: MetricSources = {
    version: '1.2.3',
    librdkafkaVersion: '2.15.1',
    exchanges: ['binance'],
    parserCounters,
    kafkaCounters,
    frames: () => ({ received: 0, parsed: 0, ignored: 0, deadLettered: 0, shed: 0, inRing: 3 }),
    records: () => ({
      emitted: 0,
      delivered: kafkaCounters[KAFKA_RECORDS_DELIVERED] ?? 0,
      deadLettered: 1,
      deduplicated: 0,
      shed: 0,
      spooled: 0,
      inFlight: 4,
      byType: {}
    }),
    rings: () => [{ ring: 'frame', shard: 0, usedBytes: 256, capacityBytes: 1024 }],
    workers: () => [{ name: 'parser-0', state: 'running', restarts: 2 }],
    adapters: () => [
      {
        exchange: 'binance',
        framesReceived: 100,
        bytesReceived: 20_000,
        framesControl: 2,
        framesDuplicate: 1,
        framesShed: { overflow: 0 },
        connections: { live: 2, connecting: 1 },
        connects: { ok: 3 },
        reconnects: { reset: 1 },
        gaps: new Map([['trade', 5]]),
        streams: 9,
        pauses: 1,
        pausedSeconds: 0.25
      }
    ],
    ingest: () => ({
      sessions: 1,
      sessionsOpened: 2,
      overruns: 1,
      creditOutstanding: 8,
      backlogFrames: 0,
      backlogBytes: 0,
      received: [{ exchange: 'binance', frames: 10, bytes: 500 }]
    }),
    kafka: () => ({
      queueMessages: 1,
      queueBytes: 2,
      pending: 3,
      pendingBytes: 4,
      possibleDuplicates: 0,
      clients: 1
    }),
    http: () => ({
      connections: 1,
      connectionsRefused: 0,
      replies: { 200: 7 },
      ingestRefused: { token: 1 }
    }),
    ready: () => true,
    symbols: null,
    ...overrides
  }
  return { made, parserCounters, kafkaCounters }
}

const registries: MetricsRegistry[] = []
after(() => {
  for (const registry of registries) registry.close()
})

function registryOf(made: MetricSources): MetricsRegistry {
  const registry = new MetricsRegistry(made)
  registries.push(registry)
  return registry
}

const value = (text: string, series: string): number => {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  assert.ok(line !== undefined, `${series} is missing`)
  return Number(line.slice(series.length + 1))
}

describe('metrics', () => {
  it('are declared once, named as the house names them, and all exported', async () => {
    const names = METRICS.map((metric) => metric.name)
    assert.equal(new Set(names).size, names.length)
    const text = await registryOf(sources().made).text()
    for (const { name, type, help } of METRICS) {
      assert.match(name, /^sluice_[a-z0-9_]+$/)
      assert.equal(name.endsWith('_total'), type === 'counter', name)
      assert.ok(help.endsWith('.'), name)
      assert.ok(text.includes(`# TYPE ${name} ${type}\n`), name)
    }
    assert.match(text, /process_resident_memory_bytes/)
  })

  it('carry only the labels they declare', () => {
    const { made } = sources()
    const reading = {
      sources: made,
      frames: made.frames(),
      records: made.records(),
      rings: made.rings(),
      workers: made.workers(),
      adapters: made.adapters(),
      ingest: made.ingest(),
      kafka: made.kafka(),
      http: made.http(),
      symbols: [{ exchange: 'binance', channel: 'trade', symbol: 'X', records: 1 }],
      busy: new Map([['kafka', 0.5]]),
      lag: { p50: 0, p99: 0, max: 0 }
    }
    for (const metric of METRICS) {
      const samples = metric.read(reading)
      assert.ok(samples.length > 0, `${metric.name} shows nothing`)
      for (const { labels } of samples) {
        const own = Object.keys(labels).filter((label) => label !== 'le')
        assert.deepEqual(own.sort(), [...metric.labels].sort(), metric.name)
      }
    }
  })

  it('show what the counters and getters say', async () => {
    const { made, parserCounters } = sources()
    const [first, second] = parserCounters as [Float64Array, Float64Array]
    first[PARSER_FRAMES_PARSED] = 60
    second[PARSER_FRAMES_PARSED] = 30
    first[PARSER_FRAMES_IGNORED] = 4
    first[PARSER_DEAD_LETTERS_BY_REASON + 4] = 6
    const text = await registryOf(made).text()
    const expected: Record<string, number> = {
      'sluice_frames_received_total{exchange="binance",via="socket"}': 100,
      'sluice_frames_received_total{exchange="binance",via="ingest"}': 10,
      'sluice_frames_parsed_total{shard="0"}': 60,
      'sluice_frames_parsed_total{shard="1"}': 30,
      'sluice_frames_ignored_total{reason="control"}': 6,
      'sluice_frames_ignored_total{reason="duplicate"}': 1,
      'sluice_dead_letters_total{reason="duplicate_key"}': 6,
      'sluice_dead_letters_total{reason="oversized"}': 0,
      sluice_frames_in_ring: 3,
      'sluice_ring_fill_ratio{ring="frame",shard="0"}': 0.25,
      'sluice_connections{state="live",exchange="binance"}': 2,
      'sluice_gaps_total{exchange="binance",channel="trade",state="open"}': 5,
      'sluice_worker_restarts_total{worker="parser-0"}': 2,
      'sluice_http_requests_total{status="200"}': 7,
      sluice_ready: 1
    }
    for (const [series, wanted] of Object.entries(expected)) {
      const swapped = series.replace(/\{(\w+="\w+"),(\w+="\w+")\}/, '{$2,$1}')
      const present = text.includes(`${series} `) ? series : swapped
      assert.equal(value(text, present), wanted, series)
    }
  })

  it('say the same as JSON', async () => {
    const metrics = (await registryOf(sources().made).json()) as { name: string }[]
    const names = new Set(metrics.map((metric) => metric.name))
    for (const { name } of METRICS) assert.ok(names.has(name), name)
  })

  it('show the busy share between two scrapes', async () => {
    const { made, parserCounters } = sources()
    const [first] = parserCounters as [Float64Array]
    const registry = registryOf(made)
    first[PARSER_BUSY_US] = 250_000
    first[PARSER_IDLE_US] = 750_000
    const series = 'sluice_worker_busy_ratio{worker="parser-0"}'
    assert.equal(value(await registry.text(), series), 0.25)
    first[PARSER_BUSY_US] += 900_000
    first[PARSER_IDLE_US] += 100_000
    assert.equal(value(await registry.text(), series), 0.9)
    first[PARSER_BUSY_US] += 10
    assert.equal(value(await registry.text(), series), 0.9, 'too short a time says nothing')
  })

  it('escape names from outside and bound their number', async () => {
    const row = { exchange: 'binance', channel: 'trade', records: 1 }
    const symbols = () => [
      { ...row, symbol: 'A"\n\\' },
      ...Array.from({ length: 100_000 }, (_, index) => ({ ...row, symbol: `S${index}` }))
    ]
    const text = await registryOf(sources({ symbols }).made).text()
    assert.ok(text.includes('symbol="A\\"\\n\\\\"'))
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    assert.ok(series.length <= 20_000, String(series.length))
    assert.ok(series.some((line) => line.includes('symbol="other"') && line.endsWith(' 85001')))
  })

  it('answer many scrapes at once, each whole', async () => {
    const registry = registryOf(sources().made)
    const texts = await Promise.all(Array.from({ length: 10 }, () => registry.text()))
    for (const text of texts) assert.equal(value(text, 'sluice_frames_in_ring'), 3)
  })

  it('recover when a getter has failed', async () => {
    let fails = true
    const registry = registryOf(
      sources({
        rings: () => {
          if (fails) throw new Error('not yet')
          return []
        }
      }).made
    )
    await assert.rejects(registry.text(), /not yet/)
    fails = false
    assert.match(await registry.text(), /sluice_ready 1/)
  })
})

describe('histograms', () => {
  it('keep every observation on its side of every bound', () => {
    const seed = process.pid
    const prng = createPrng(seed)
    const words = new Float64Array(HISTOGRAM_WORDS)
    const values = [0, 63, 64, 127, 128, 2 ** 26, 2 ** 26 + 1, 2 ** 40]
    for (let index = 0; index < 5000; index++) values.push(Math.floor(2 ** (prng.next() * 32)))
    for (const us of values) recordHistogram(words, us)
    const samples = histogramSamples('x', [words])
    const buckets = samples.filter((sample) => sample.metricName === 'x_bucket')
    assert.equal(buckets.length, 42)
    for (const { labels, value: below } of buckets) {
      const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']) * 1e6
      const expected = values.filter((us) => us <= Math.round(bound)).length
      assert.equal(below, expected, `SEED=${seed} le=${labels['le']}`)
    }
    const of = (name: string) => samples.find((sample) => sample.metricName === name)?.value
    assert.equal(of('x_count'), values.length)
    const sum = values.reduce((total, us) => total + us, 0) / 1e6
    assert.ok(Math.abs((of('x_sum') ?? 0) - sum) < 1)
  })

  it('reach the text in seconds', async () => {
    const { made, kafkaCounters } = sources()
    recordHistogram(histogramAt(kafkaCounters, KAFKA_END_TO_END), 1500)
    const text = await registryOf(made).text()
    assert.equal(value(text, 'sluice_end_to_end_latency_seconds_sum'), 0.0015)
    assert.equal(value(text, 'sluice_end_to_end_latency_seconds_count'), 1)
    assert.equal(value(text, 'sluice_end_to_end_latency_seconds_bucket{le="0.001535"}'), 1)
    assert.equal(value(text, 'sluice_end_to_end_latency_seconds_bucket{le="0.001023"}'), 0)
  })
})

describe('accounting', () => {
  it('is read back from the text, and balances only when it does', async () => {
    const { made, parserCounters, kafkaCounters } = sources()
    const [first, second] = parserCounters as [Float64Array, Float64Array]
    const registry = registryOf(made)
    // received 110 = parsed 90 + ignored (2 + 1 + 4) + dead-lettered 10 + in ring 3
    first[PARSER_FRAMES_PARSED] = 60
    second[PARSER_FRAMES_PARSED] = 30
    first[PARSER_FRAMES_IGNORED] = 4
    first[PARSER_DEAD_LETTERS_BY_REASON + 1] = 10
    // emitted 105 = delivered 100 + dead-lettered 1 + in flight 4
    first[PARSER_RECORDS_EMITTED] = 70
    second[PARSER_RECORDS_EMITTED] = 35
    kafkaCounters[KAFKA_RECORDS_DELIVERED] = 100
    const report = accountingFrom(await registry.text())
    assert.deepEqual(report.frames, {
      received: 110,
      parsed: 90,
      ignored: 7,
      deadLettered: 10,
      shed: 0,
      inRing: 3
    })
    assert.equal(report.framesDifference, 0)
    assert.equal(report.recordsDifference['kafka'], 0)
    assert.equal(report.records['kafka']?.inFlight, 4)
    assert.equal(report.balanced, true)
    second[PARSER_RECORDS_EMITTED] = 36
    const lost = accountingFrom(await registry.text())
    assert.equal(lost.recordsDifference['kafka'], 1)
    assert.equal(lost.balanced, false)
  })

  it('does not take an empty text for balance', () => {
    assert.equal(accountingFrom('').balanced, false)
  })
})
