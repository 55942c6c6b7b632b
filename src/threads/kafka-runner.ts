/**
 * The pinned loop of the Kafka worker: takes batches from all record rings, gives them to the producer,
 * wakes nobody (parsers look for room by themselves). Returns when all rings carry the stop mark and are
 * empty. Runs in the dedicated worker.
 */
import { receiveMessageOnPort, threadId } from 'node:worker_threads'
import { KAFKA_ATTACHES, KAFKA_BUSY_US, KAFKA_IDLE_US } from '../ring/counters.ts'
import { Doorbell } from '../ring/doorbell.ts'
import { RING_KIND_RECORD } from '../ring/layout.ts'
import { Ring } from '../ring/ring.ts'
import type { FromWorker, KafkaWorkerData, ToWorker } from './messages.ts'
import { KAFKA_DOORBELL } from './shared-memory.ts'

/** The part of the sink's loop that this runner drives. */
export interface RecordConsumer {
  /** One turn over all record rings. Returns the entries taken; 0 = nothing there, or no room downstream. */
  turn(): number
  topicsReady(topics: ReadonlyMap<string, number>): void
}

/** While the producer's queue is full, or requeued records wait: look again after this long, ms. */
const BLOCKED_WAIT_MS = 1

export function runKafka(data: KafkaWorkerData, consumer: RecordConsumer): void {
  const { control } = data
  const rings = data.shards.map((shard) => new Ring(shard.recordRing, RING_KIND_RECORD))
  const counters = new Float64Array(data.kafkaCounters)
  const bell = new Doorbell(data.doorbells, KAFKA_DOORBELL)
  const add = (word: number, amount: number): void => {
    counters[word] = (counters[word] ?? 0) + amount
  }
  const isIdle = (): boolean => rings.every((ring) => ring.isEmpty())
  const isStopping = (): boolean => rings.every((ring) => ring.stopRequested())
  const hasWork = (): boolean => !isIdle() || isStopping()
  add(KAFKA_ATTACHES, 1)
  control.postMessage({ kind: 'attached', threadId } satisfies FromWorker)
  let turnStart = performance.now()
  for (;;) {
    takeMessages(data, consumer)
    const taken = consumer.turn()
    const worked = performance.now()
    add(KAFKA_BUSY_US, (worked - turnStart) * 1000)
    turnStart = worked
    if (taken > 0) continue
    if (!isIdle()) bell.wait(() => false, BLOCKED_WAIT_MS)
    else if (isStopping()) break
    else bell.wait(hasWork)
    turnStart = performance.now()
    add(KAFKA_IDLE_US, (turnStart - worked) * 1000)
  }
  control.postMessage({ kind: 'stopped' } satisfies FromWorker)
  control.close()
}

/** A pinned loop sees no `message` events: it asks between turns. */
function takeMessages(data: KafkaWorkerData, consumer: RecordConsumer): void {
  for (;;) {
    const received = receiveMessageOnPort(data.control) as { message: ToWorker } | undefined
    if (received === undefined) return
    consumer.topicsReady(received.message.topics)
  }
}
