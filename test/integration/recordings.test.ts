/**
 * The real recordings through the whole pipeline, bit-exact against the oracle: pushed into the ingest
 * listener as a relay would, in combined form and (gct) with the stream named beside raw payloads.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startSimulatedExchange } from '../../src/simulator/simulated-exchange.ts'
import {
  CRYPTOFEED_CAPTURES,
  framesOf,
  GCT_CAPTURES,
  hasRecording,
  RECORDINGS_DIR,
  SPOT_CAPTURES
} from '../oracle/recordings.ts'
import { assertAccounting } from '../support/accounting.ts'
import {
  assertNoDeadFrames,
  assertSameRecords,
  expectationOf,
  type SentFrame
} from '../support/compare.ts'
import { IngestClient } from '../support/ingest-client.ts'
import { sharedBroker } from '../support/kafka-node.ts'
import { uniquePrefix, waitSubscribed } from '../support/scenario.ts'
import { runCommand, Service } from '../support/service.ts'
import { TopicReader } from '../support/topic-reader.ts'

/** An exchange nobody asks: the recordings come by ingest. */
const INGEST_ONLY = {
  SLUICE_SPOOL_MODE: 'off',
  SLUICE_ADAPTERS_BINANCE_ENABLED: 'false',
  SLUICE_BINANCE_WS_URL: 'ws://127.0.0.1:1',
  SLUICE_BINANCE_REST_URL: 'http://127.0.0.1:1'
}

interface Rig {
  readonly service: Service
  readonly reader: TopicReader
  readonly template: string
}

async function startRig(t: TestContext, env: Record<string, string> = {}): Promise<Rig> {
  const brokers = await sharedBroker()
  const prefix = uniquePrefix()
  const template = `${prefix}.{type}.{exchange}.{symbol}`
  const reader = await TopicReader.open(brokers, new RegExp(`^${prefix}\\.`))
  t.after(() => reader.close())
  const service = await Service.start({
    env: { ...INGEST_ONLY, SLUICE_KAFKA_BROKERS: brokers, SLUICE_KAFKA_TOPIC: template, ...env }
  })
  t.after(() => service.kill())
  return { service, reader, template }
}

async function check(rig: Rig, sent: readonly SentFrame[], startedUs: bigint): Promise<number> {
  const { service, reader, template } = rig
  const expected = expectationOf(sent, template)
  assertNoDeadFrames(expected)
  await reader.readUntil(() => reader.messages.length >= expected.records, 90_000)
  await reader.readQuiet(300)
  assertSameRecords(expected, reader.messages, {
    template,
    partitions: reader.topics(),
    received: { fromUs: startedUs, toUs: BigInt(Date.now()) * 1000n + 1_000_000n }
  })
  await assertAccounting(service, {
    frames: sent.length,
    records: expected.records,
    deadLettered: 0
  })
  return expected.records
}

for (const capture of [...SPOT_CAPTURES, ...CRYPTOFEED_CAPTURES, ...GCT_CAPTURES]) {
  const skip = hasRecording(capture) ? false : `recording ${capture} is not on this machine`
  test(`${capture} through ingest and Kafka, bit-exact`, { skip, timeout: 240_000 }, async (t) => {
    const rig = await startRig(t)
    const startedUs = BigInt(Date.now()) * 1000n - 1_000_000n
    const frames = framesOf(capture)
    const client = await IngestClient.open({ port: rig.service.port })
    await client.sendAll(frames.map(({ text }) => text))
    await client.close()
    const sent = frames.map(({ text }) => ({ bytes: Buffer.from(text), stream: null }))
    const records = await check(rig, sent, startedUs)
    t.diagnostic(`${frames.length} frames, ${records} records`)
  })
}

const gct = GCT_CAPTURES[0]
test('raw payloads with the stream named in the query', {
  skip: hasRecording(gct) ? false : `recording ${gct} is not on this machine`,
  timeout: 120_000
}, async (t) => {
  const rig = await startRig(t)
  const startedUs = BigInt(Date.now()) * 1000n - 1_000_000n
  const byStream = new Map<string, string[]>()
  for (const { text } of framesOf(gct)) {
    const match = /^\{"stream":"([^"]+)","data":(.*)\}$/s.exec(text)
    assert.ok(match?.[1] !== undefined && match[2] !== undefined)
    byStream.set(match[1], [...(byStream.get(match[1]) ?? []), match[2]])
  }
  const sent: SentFrame[] = []
  for (const [stream, payloads] of byStream) {
    const client = await IngestClient.open({ port: rig.service.port, stream })
    await client.sendAll(payloads)
    await client.close()
    sent.push(...payloads.map((text) => ({ bytes: Buffer.from(text), stream })))
  }
  await check(rig, sent, startedUs)
})

const replayed = CRYPTOFEED_CAPTURES[1]
test('bin/sluice replay pushes a recording down the same path', {
  skip: hasRecording(replayed) ? false : `recording ${replayed} is not on this machine`,
  timeout: 120_000
}, async (t) => {
  const rig = await startRig(t)
  const startedUs = BigInt(Date.now()) * 1000n - 1_000_000n
  const target = `ws://127.0.0.1:${rig.service.port}/ingest/binance`
  const file = `${RECORDINGS_DIR}/${replayed}`
  const result = await runCommand(['replay', file, '--to', target, '--speed', 'max'])
  assert.equal(result.code, 0, result.stderr)
  const sent = framesOf(replayed).map(({ text }) => ({ bytes: Buffer.from(text), stream: null }))
  await check(rig, sent, startedUs)
})

interface Served {
  readonly capture: string
  readonly symbols: readonly string[]
  readonly channels: readonly string[]
}

const SERVED: readonly Served[] = [
  {
    capture: SPOT_CAPTURES[0],
    symbols: ['BTCUSDT'],
    channels: ['trade', 'bookTicker', 'depth@100ms']
  },
  {
    capture: CRYPTOFEED_CAPTURES[0],
    symbols: ['NKNUSDT', 'BLZETH', 'LRCBTC', 'RUNEEUR'],
    channels: ['aggTrade', 'bookTicker', 'depth@100ms', 'kline_1m']
  }
]

for (const { capture, symbols, channels } of SERVED) {
  const skip = hasRecording(capture) ? false : `recording ${capture} is not on this machine`
  test(`${capture} served by the exchange, over its sockets, bit-exact`, {
    skip,
    timeout: 240_000
  }, async (t) => {
    const exchange = await startSimulatedExchange({ recording: join(RECORDINGS_DIR, capture) })
    t.after(() => exchange.close())
    const rig = await startRig(t, {
      SLUICE_ADAPTERS_BINANCE_ENABLED: 'true',
      SLUICE_BINANCE_WS_URL: exchange.wsUrl,
      SLUICE_BINANCE_REST_URL: exchange.restUrl,
      SLUICE_SYMBOLS: symbols.join(','),
      SLUICE_CHANNELS: channels.join(',')
    })
    await waitSubscribed(exchange, rig.service, symbols.length * channels.length)
    const startedUs = BigInt(Date.now()) * 1000n - 1_000_000n
    const played = await exchange.play({ speed: 'max' })
    const frames = framesOf(capture)
    assert.equal(played.sent, frames.length, 'frames served')
    const sent = frames.map(({ text }) => ({ bytes: Buffer.from(text), stream: null }))
    const records = await check(rig, sent, startedUs)
    t.diagnostic(`${frames.length} frames, ${records} records in ${played.seconds.toFixed(1)} s`)
  })
}
