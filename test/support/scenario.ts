/**
 * One end-to-end run: simulated exchange in this process, the service as a child, a real broker, and a
 * reader of exactly this run's topics. Model time moves only when the test says so, so the load ends
 * when the test ends it and everything sent is known.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import {
  type SimulatedExchange,
  type SimulatedExchangeOptions,
  startSimulatedExchange
} from '../../src/simulator/simulated-exchange.ts'
import { assertAccounting } from './accounting.ts'
import { type CompareOptions, type Expectation, expectationOf } from './compare.ts'
import { sharedBroker } from './kafka-node.ts'
import { Service } from './service.ts'
import { TopicReader } from './topic-reader.ts'
import { delay, waitFor } from './wait.ts'

export const SEED = Number(process.env['SEED'] ?? 1)

export interface ScenarioOptions {
  readonly channels?: readonly string[]
  readonly symbols?: number
  /** Trades a second of model time over all symbols. */
  readonly rate?: number
  /** SLUICE_… variables beside those every scenario sets. */
  readonly env?: Readonly<Record<string, string>>
  readonly exchange?: Partial<SimulatedExchangeOptions>
  /** host:port; the shared broker unless given. */
  readonly brokers?: string
  /** Template of this run's topics after their unique prefix. */
  readonly topic?: string
}

/** Longer than a broker needs to come back and a producer to notice. */
const QUIET_MS = 25_000
const READ_MS_MAX = 120_000

export const CHANNELS = [
  'trade',
  'aggTrade',
  'kline_1m',
  'ticker',
  'ticker_1h',
  'miniTicker',
  'bookTicker',
  'depth@100ms',
  'depth5@100ms',
  'avgPrice'
] as const

export interface Scenario {
  readonly exchange: SimulatedExchange
  readonly service: Service
  readonly reader: TopicReader
  readonly prefix: string
  readonly template: string
  readonly streams: number
  readonly startedUs: bigint
  /** Plays model time, `stepMs` at a time, with a breath of real time between the steps. */
  play(modelMs: number, options?: { stepMs?: number; pauseMs?: number }): Promise<void>
  /** What the journal says was sent, judged by the oracle. */
  expectation(): Expectation
  compareOptions(): CompareOptions
  /** Reads until `records` are read or nothing comes any more, and a little longer for what must not. */
  readAll(records: number, quietMs?: number): Promise<void>
}

/** Names that no other test's topics begin with. */
export function uniquePrefix(): string {
  return `t${randomBytes(6).toString('hex')}`
}

export async function startScenario(
  t: TestContext,
  options: ScenarioOptions = {}
): Promise<Scenario> {
  t.diagnostic(`SEED=${SEED}`)
  const channels = options.channels ?? CHANNELS
  const startedUs = BigInt(Date.now()) * 1000n - 5_000_000n
  const exchange = await startSimulatedExchange({
    seed: SEED,
    pace: 'manual',
    symbols: options.symbols ?? 8,
    rate: options.rate ?? 400,
    historySeconds: 20,
    startTimeUs: Number(startedUs) - 60_000_000,
    journal: 'frames',
    ...options.exchange
  })
  t.after(() => exchange.close())
  const brokers = options.brokers ?? (await sharedBroker())
  const prefix = uniquePrefix()
  const template = `${prefix}.${options.topic ?? '{type}.{exchange}.{symbol}'}`
  const reader = await TopicReader.open(brokers, new RegExp(`^${prefix}\\.`))
  t.after(() => reader.close())
  const service = await Service.start({
    env: { ...serviceEnvironment({ exchange, brokers, template, channels }), ...options.env }
  })
  t.after(() => service.kill())
  const streams = exchange.symbols.length * channels.length
  await waitSubscribed(exchange, service, streams)
  return {
    exchange,
    service,
    reader,
    prefix,
    template,
    streams,
    startedUs,
    play: async (modelMs, { stepMs = 100, pauseMs = 20 } = {}) => {
      for (let played = 0; played < modelMs; played += stepMs) {
        await exchange.advance(stepMs)
        await delay(pauseMs)
      }
    },
    expectation: () => expectationOf(sentFrames(exchange), template),
    compareOptions: () => ({
      template,
      partitions: reader.topics(),
      received: { fromUs: startedUs, toUs: BigInt(Date.now()) * 1000n + 1_000_000n }
    }),
    readAll: async (records, quietMs = QUIET_MS) => {
      const deadline = performance.now() + READ_MS_MAX
      let quiet = 0
      while (reader.messages.length < records && quiet < quietMs) {
        if (performance.now() > deadline) break
        quiet = (await reader.readQuiet(250)) > 0 ? 0 : quiet + 250
      }
      await reader.readQuiet(300)
    }
  }
}

interface EnvironmentParts {
  readonly exchange: Pick<SimulatedExchange, 'wsUrl' | 'restUrl' | 'symbols'>
  readonly brokers: string
  readonly template: string
  readonly channels: readonly string[]
}

export function serviceEnvironment(parts: EnvironmentParts): Record<string, string> {
  return {
    SLUICE_BINANCE_WS_URL: parts.exchange.wsUrl,
    SLUICE_BINANCE_REST_URL: parts.exchange.restUrl,
    SLUICE_SYMBOLS: parts.exchange.symbols.join(','),
    SLUICE_CHANNELS: parts.channels.join(','),
    SLUICE_KAFKA_BROKERS: parts.brokers,
    SLUICE_KAFKA_TOPIC: parts.template,
    SLUICE_SPOOL_MODE: 'off',
    SLUICE_PARSER_WORKERS: '2',
    SLUICE_RING_BYTES: String(4 * 1024 * 1024),
    SLUICE_TEST_HOOKS: '1'
  }
}

/** All wanted streams are subscribed on connections that stand. */
export async function waitSubscribed(
  exchange: SimulatedExchange,
  service: Service,
  streams: number,
  timeoutMs = 30_000
): Promise<void> {
  const count = (): number =>
    exchange.connections().reduce((sum, connection) => sum + connection.streamNames.length, 0)
  await waitFor(() => count() >= streams, {
    timeoutMs,
    what: () => `${count()} of ${streams} streams are subscribed\n${service.logTail()}`
  })
}

/** Everything that was put on the wire, in order; control replies are not in the journal. */
export function* sentFrames(
  exchange: SimulatedExchange
): Generator<{ bytes: Uint8Array; stream: null; connection: number }> {
  for (const { bytes, connection } of exchange.journal.entries) {
    assert.ok(bytes !== null, 'the journal keeps no bytes')
    yield { bytes, stream: null, connection }
  }
}

/** The accounting identity, at rest, from /metrics; received frames must cover those sent. */
export async function assertAtRest(scenario: Scenario, expected: Expectation): Promise<void> {
  await assertAccounting(scenario.service, {
    frames: expected.frames,
    records: expected.records,
    deadLettered: expected.deadFrames.length
  })
}
