/** One measured run of one candidate: start, feed, wait for the broker to hold everything, stop. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrokerClient } from './broker.ts'
import {
  type CandidateName,
  startCandidate,
  stopProcess,
  streamNames,
  topicsOf,
  type Work
} from './candidates.ts'
import { Feed } from './feed-process.ts'
import { LatencyReader, type Quantiles } from './latency-reader.ts'
import { endToEndQuantiles } from './metrics-page.ts'
import { cpuUs, peakMemoryMib } from './process-usage.ts'

const POLL_MS = 100
const STALL_MS = 30_000
const SETTLE_MS = 1000

export interface Scenario {
  readonly candidate: CandidateName
  readonly symbols: readonly string[]
  readonly channels: readonly string[]
  readonly messages: number
  /** Messages a second; 0 = as fast as they are taken. */
  readonly rate: number
  /** Captures to send instead of synthetic frames. */
  readonly recorded: readonly string[]
  readonly streamsPerConnection: number
}

export interface Measurement {
  readonly candidate: CandidateName
  readonly messages: number
  readonly connections: number
  readonly messagesPerSecond: number
  /** Of the candidate's process, from the first frame until the broker held the last record. */
  readonly cpuUsPerMessage: number
  readonly peakMemoryMib: number
  readonly feedCpuUsPerMessage: number
  /** Received → acknowledged, from its own histogram; null where it has none. */
  readonly acknowledged: Quantiles | null
  /** Sent → readable by a consumer; null where nothing was read. */
  readonly readable: Quantiles | null
}

/** Waits until the broker holds all that was sent. Returns the records it holds then. */
async function waitForRecords(feed: Feed, broker: BrokerClient, topics: readonly string[]) {
  let status = await feed.status()
  let progressed = Date.now()
  let sent = -1
  while (status.finishedAt === 0) {
    if (status.sent !== sent) progressed = Date.now()
    if (Date.now() - progressed > STALL_MS) throw new Error('the feed stalled')
    sent = status.sent
    await sleep(POLL_MS)
    status = await feed.status()
  }
  let records = -1
  progressed = Date.now()
  for (;;) {
    const now = await broker.countRecords(topics)
    if (now >= status.sent) return { records: now, sent: status.sent }
    if (now !== records) progressed = Date.now()
    if (Date.now() - progressed > STALL_MS) return { records: now, sent: status.sent }
    records = now
    await sleep(POLL_MS)
  }
}

/** @throws when the broker does not hold exactly what was sent: such a run is void. */
export async function measure(
  scenario: Scenario,
  {
    brokerAddress,
    broker,
    logFile
  }: { brokerAddress: string; broker: BrokerClient; logFile: string }
): Promise<Measurement> {
  const { candidate, symbols, channels, streamsPerConnection, rate } = scenario
  const feed = await Feed.open(scenario)
  const work: Work = {
    broker: brokerAddress,
    feedPort: feed.port,
    symbols,
    channels,
    streamsPerConnection,
    messages: scenario.messages,
    logFile
  }
  const topics = topicsOf(candidate, work)
  await broker.createTopics(topics)
  const reader = rate > 0 ? await LatencyReader.open(brokerAddress, topics) : null
  const running = await startCandidate(candidate, work)
  try {
    await feed.waitUntilSubscribed(streamNames(work).length, running.child)
    await sleep(SETTLE_MS)
    const { connections } = await feed.status()
    const feedPid = feed.child.pid ?? 0
    const before = { cpu: cpuUs(running.pid), feed: cpuUs(feedPid) }
    await feed.start()
    const { sent } = await waitForRecords(feed, broker, topics)
    await running.reported
    const finishedAt = Date.now()
    const used = { cpu: cpuUs(running.pid) - before.cpu, feed: cpuUs(feedPid) - before.feed }
    const { startedAt } = await feed.status()
    await sleep(SETTLE_MS)
    const records = await broker.countRecords(topics)
    if (records !== sent) throw new Error(`void: ${sent} frames sent, ${records} records found`)
    return {
      candidate,
      messages: sent,
      connections,
      messagesPerSecond: (sent * 1000) / (finishedAt - startedAt),
      cpuUsPerMessage: used.cpu / sent,
      peakMemoryMib: peakMemoryMib(running.pid),
      feedCpuUsPerMessage: used.feed / sent,
      acknowledged: running.http === null ? null : await endToEndQuantiles(running.http),
      readable: reader === null ? null : await reader.finish()
    }
  } finally {
    await stopProcess(running.child)
    await stopProcess(feed.child, 2000)
    await reader?.close()
    await broker.deleteTopics(topics)
  }
}
