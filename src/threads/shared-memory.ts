/**
 * Everything the threads share, allocated once by the main thread and never freed while it runs, so
 * that a worker's successor finds what its predecessor left.
 */
import { KAFKA_COUNTER_WORDS, PARSER_COUNTER_WORDS } from '../ring/counters.ts'
import { createDoorbells } from '../ring/doorbell.ts'
import { ACTIVITY_WORDS, RING_KIND_FRAME, RING_KIND_RECORD, STREAMS_MAX } from '../ring/layout.ts'
import { createRing } from '../ring/ring.ts'

/** Doorbell slots: the Kafka worker's first, then one per shard. */
export const KAFKA_DOORBELL = 0
export const parserDoorbell = (shard: number): number => shard + 1

/** One parser worker's memory. */
export interface ShardMemory {
  readonly shard: number
  readonly frameRing: SharedArrayBuffer
  readonly recordRing: SharedArrayBuffer
  /** PARSER_* words of src/ring/counters.ts. */
  readonly counters: SharedArrayBuffer
  /** ACTIVITY_WORDS f64 per stream index. */
  readonly activity: SharedArrayBuffer
}

export interface SharedMemory {
  readonly shards: readonly ShardMemory[]
  /** KAFKA_* words of src/ring/counters.ts. */
  readonly kafkaCounters: SharedArrayBuffer
  readonly doorbells: SharedArrayBuffer
}

export interface SharedMemoryOptions {
  readonly shards: number
  /** Bytes of each ring, a power of two. */
  readonly ringBytes: number
}

export function allocateSharedMemory(options: SharedMemoryOptions): SharedMemory {
  const { ringBytes: capacityBytes } = options
  const shards = Array.from({ length: options.shards }, (_, shard) => ({
    shard,
    frameRing: createRing({ capacityBytes, kind: RING_KIND_FRAME, shard }),
    recordRing: createRing({ capacityBytes, kind: RING_KIND_RECORD, shard }),
    counters: new SharedArrayBuffer(PARSER_COUNTER_WORDS * 8),
    activity: new SharedArrayBuffer(STREAMS_MAX * ACTIVITY_WORDS * 8)
  }))
  return {
    shards,
    kafkaCounters: new SharedArrayBuffer(KAFKA_COUNTER_WORDS * 8),
    doorbells: createDoorbells(options.shards + 1)
  }
}
