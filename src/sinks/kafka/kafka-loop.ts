/**
 * What the Kafka worker does each turn: batches from every record ring into the producer, round
 * robin. Defines streams as the parsers announce them. Holds no state that must survive: its
 * successor attaches to the same producer and goes on.
 */
import { SluiceError } from '../../core/errors.ts'
import type { StreamDefinition } from '../../model/subscription.ts'
import { partitionOf } from './partitioner.ts'
import {
  loadProducerAddon,
  PRODUCE_CORRUPT,
  PRODUCE_COUNT_MASK,
  PRODUCE_DEFINITION,
  PRODUCE_FULL,
  PRODUCE_NOT_OWNER,
  type ProducerAddon
} from './producer-addon.ts'
import { deadLetterTopic, topicName } from './topic-name.ts'

/**
 * Entries of one ring per turn: enough for long runs per topic, few enough that no ring starves.
 */
export const BATCH_ENTRIES = 2048
/** Leaves the partition to librdkafka, which chooses the same once it knows the topic. */
const PARTITION_UNASSIGNED = -1

export interface KafkaLoopOptions {
  /** Handle of the producer, made on the main thread. */
  readonly producer: number
  /** Record rings by shard. */
  readonly rings: readonly SharedArrayBuffer[]
  readonly epoch: number
  readonly topicTemplate: string
  /** Partition counts known so far. */
  readonly topics: ReadonlyMap<string, number>
  /** Every record goes to this partition; null = by key. */
  readonly partition?: number | null
  readonly onStreamDefined?: (shard: number, index: number, definition: StreamDefinition) => void
  /** The topic's partitions are not known: it may have to be created. Once per topic. */
  readonly onTopicNeeded?: (topic: string) => void
}

export class KafkaLoop {
  private readonly options: KafkaLoopOptions
  private readonly addon: ProducerAddon
  private readonly topics: Map<string, number>
  private readonly asked = new Set<string>()
  private readonly encoder = new TextEncoder()
  private first = 0

  constructor(options: KafkaLoopOptions) {
    this.options = options
    this.addon = loadProducerAddon()
    this.topics = new Map(options.topics)
    const views = options.rings.map((ring) => new Uint8Array(ring))
    this.addon.attach(options.producer, views, options.epoch)
  }

  /**
   * One batch of every ring. Returns the entries taken; 0 = nothing there, or the producer is full.
   * @throws SLUICE_RING_OWNERSHIP when another worker has attached, SLUICE_RING_LAYOUT on a
   * broken entry
   */
  turn(): number {
    const count = this.options.rings.length
    let taken = 0
    for (let step = 0; step < count; step++) {
      taken += this.takeFrom((this.first + step) % count)
    }
    this.first = (this.first + 1) % count
    return taken
  }

  topicsReady(topics: ReadonlyMap<string, number>): void {
    for (const [topic, partitions] of topics) this.topics.set(topic, partitions)
  }

  private takeFrom(ring: number): number {
    const { producer } = this.options
    let taken = 0
    while (taken < BATCH_ENTRIES) {
      const result = this.addon.produce(producer, ring, BATCH_ENTRIES - taken)
      taken += result & PRODUCE_COUNT_MASK
      if ((result & ~PRODUCE_COUNT_MASK) === 0 || (result & PRODUCE_FULL) !== 0) break
      if ((result & PRODUCE_DEFINITION) !== 0) {
        this.define(ring)
        // A definition counts as work, so that a turn of nothing else is not taken for an idle one.
        taken += 1
      } else {
        throw failure(result, ring)
      }
    }
    return taken
  }

  private define(ring: number): void {
    const { producer, topicTemplate, onStreamDefined } = this.options
    const pending = this.addon.pendingDefinition(producer, ring)
    if (pending === null) throw failure(PRODUCE_NOT_OWNER, ring)
    const definition = parseDefinition(pending.json)
    const topic = topicName(topicTemplate, definition)
    const defined = this.addon.defineStream(
      producer,
      ring,
      pending.streamIndex,
      topic,
      this.partitionFor(topic, definition.symbol),
      deadLetterTopic(definition.exchange)
    )
    if (!defined) throw failure(PRODUCE_NOT_OWNER, ring)
    onStreamDefined?.(ring, pending.streamIndex, definition)
  }

  private partitionFor(topic: string, symbol: string): number {
    const partitions = this.topics.get(topic)
    if (partitions === undefined && !this.asked.has(topic)) {
      this.asked.add(topic)
      this.options.onTopicNeeded?.(topic)
    }
    const { partition } = this.options
    if (partition !== undefined && partition !== null) return partition
    if (partitions === undefined) return PARTITION_UNASSIGNED
    return partitionOf(this.encoder.encode(symbol), partitions)
  }
}

function failure(result: number, ring: number): SluiceError {
  if ((result & PRODUCE_CORRUPT) !== 0) {
    return new SluiceError('SLUICE_RING_LAYOUT', 'reading record ring: broken entry', { ring })
  }
  return new SluiceError('SLUICE_RING_OWNERSHIP', 'reading record ring: another worker owns it', {
    ring
  })
}

function parseDefinition(json: string): StreamDefinition {
  const value = JSON.parse(json) as Partial<Record<keyof StreamDefinition, unknown>>
  const text = (key: keyof StreamDefinition): string => {
    const field = value[key]
    if (typeof field === 'string') return field
    throw new SluiceError('SLUICE_RING_LAYOUT', `reading stream definition: no ${key}`)
  }
  const optional = (key: keyof StreamDefinition): string | null =>
    value[key] === undefined || value[key] === null ? null : text(key)
  return {
    stream: optional('stream'),
    exchange: text('exchange'),
    type: text('type'),
    symbol: text('symbol'),
    interval: optional('interval'),
    window: optional('window')
  }
}
