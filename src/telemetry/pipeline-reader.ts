/**
 * Reads the shared counter blocks and rings into the terms of the two accounting identities and the
 * latency figures. Any number of readers; the main thread calls it at scrape and for the status page.
 */

import { RecordType } from '../model/record.ts'
import type {
  FrameAccounting,
  LatencyStatus,
  RecordAccounting,
  RingStatus
} from '../model/status.ts'
import {
  KAFKA_BUSY_US,
  KAFKA_DELIVERY,
  KAFKA_END_TO_END,
  KAFKA_IDLE_US,
  KAFKA_RECORDS_DELIVERED,
  KAFKA_RECORDS_REJECTED,
  PARSER_BUSY_US,
  PARSER_FRAMES_DEAD_LETTERED,
  PARSER_FRAMES_IGNORED,
  PARSER_FRAMES_PARSED,
  PARSER_IDLE_US,
  PARSER_RECORDS_BY_TYPE,
  PARSER_RECORDS_EMITTED
} from '../ring/counters.ts'
import { countEntries } from '../ring/entry-count.ts'
import { histogramAt, histogramQuantileUs } from '../ring/histogram.ts'
import { HISTOGRAM_COUNT } from '../ring/layout.ts'
import type { Ring } from '../ring/ring.ts'

export interface PipelineMemory {
  readonly frameRings: readonly Ring[]
  readonly recordRings: readonly Ring[]
  readonly parserCounters: readonly Float64Array[]
  readonly kafkaCounters: Float64Array
}

/** What the main thread counted itself, and what the producer holds. */
export interface MainCounts {
  /** Frames that arrived at sockets and the ingest listener. */
  readonly received: number
  /** Control frames the adapters handled without the ring. */
  readonly ignored: number
  readonly shed: number
  /** Frames received but kept on the main thread because their ring is full. */
  readonly waiting: number
  /** Records in the producer's hands: half-produced batches, in flight, to be queued again. */
  readonly producerInFlight: number
}

export class PipelineReader {
  private readonly memory: PipelineMemory

  constructor(memory: PipelineMemory) {
    this.memory = memory
  }

  frames(main: MainCounts): FrameAccounting {
    return {
      received: main.received,
      parsed: this.parserSum(PARSER_FRAMES_PARSED),
      ignored: main.ignored + this.parserSum(PARSER_FRAMES_IGNORED),
      deadLettered: this.parserSum(PARSER_FRAMES_DEAD_LETTERED),
      shed: main.shed,
      inRing: main.waiting + entriesIn(this.memory.frameRings)
    }
  }

  records(main: MainCounts): RecordAccounting {
    const { kafkaCounters, recordRings } = this.memory
    return {
      emitted: this.parserSum(PARSER_RECORDS_EMITTED),
      delivered: kafkaCounters[KAFKA_RECORDS_DELIVERED] ?? 0,
      deadLettered: kafkaCounters[KAFKA_RECORDS_REJECTED] ?? 0,
      deduplicated: 0,
      shed: 0,
      spooled: 0,
      inFlight: main.producerInFlight + entriesIn(recordRings),
      byType: this.recordsByType()
    }
  }

  recordsByType(): Record<string, number> {
    const byType: Record<string, number> = {}
    for (const [name, number] of Object.entries(RecordType)) {
      byType[name] = this.parserSum(PARSER_RECORDS_BY_TYPE + number)
    }
    return byType
  }

  /** Received → acknowledged. */
  endToEnd(): LatencyStatus {
    return latencyOf(histogramAt(this.memory.kafkaCounters, KAFKA_END_TO_END))
  }

  /** Produced → acknowledged. */
  delivery(): LatencyStatus {
    return latencyOf(histogramAt(this.memory.kafkaCounters, KAFKA_DELIVERY))
  }

  rings(): RingStatus[] {
    return this.memory.frameRings.map((frames, shard) => {
      const records = this.memory.recordRings[shard] as Ring
      return {
        shard,
        frameFill: frames.usedBytes() / frames.capacity,
        recordFill: records.usedBytes() / records.capacity
      }
    })
  }

  parserBusy(shard: number): number {
    const counters = this.memory.parserCounters[shard]
    return busyShare(counters?.[PARSER_BUSY_US], counters?.[PARSER_IDLE_US])
  }

  kafkaBusy(): number {
    const counters = this.memory.kafkaCounters
    return busyShare(counters[KAFKA_BUSY_US], counters[KAFKA_IDLE_US])
  }

  private parserSum(word: number): number {
    return this.memory.parserCounters.reduce((sum, block) => sum + (block[word] ?? 0), 0)
  }
}

function entriesIn(rings: readonly Ring[]): number {
  return rings.reduce((sum, ring) => sum + countEntries(ring).entries, 0)
}

function latencyOf(words: Float64Array): LatencyStatus {
  return {
    p50Ms: histogramQuantileUs(words, 0.5) / 1000,
    p99Ms: histogramQuantileUs(words, 0.99) / 1000,
    count: words[HISTOGRAM_COUNT] ?? 0
  }
}

function busyShare(busyUs = 0, idleUs = 0): number {
  return busyUs + idleUs > 0 ? busyUs / (busyUs + idleUs) : 0
}
