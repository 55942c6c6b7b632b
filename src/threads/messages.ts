/**
 * Control-plane messages between the main thread and its workers. A pinned loop never returns to the
 * event loop, so it takes these with `receiveMessageOnPort` between turns, not by `message` events.
 */
import type { MessagePort } from 'node:worker_threads'
import type { WireError } from '../core/errors.ts'
import type { StreamDefinition } from '../model/subscription.ts'
import type { ShardMemory } from './shared-memory.ts'

/** One exchange as ring entries number it. */
export interface ExchangeEntry {
  readonly exchange: string
  /** Native parser profile; the twin looks its parser up under the same name. */
  readonly profile: string
}

/** What the pool hands to a parser worker; it runs until the stop mark, or until it dies. */
export interface ParserTask {
  readonly memory: ShardMemory
  readonly doorbells: SharedArrayBuffer
  readonly epoch: number
  readonly kernel: 'native' | 'twin'
  readonly exchanges: readonly ExchangeEntry[]
  readonly control: MessagePort
}

export interface KafkaWorkerData {
  readonly shards: readonly ShardMemory[]
  readonly kafkaCounters: SharedArrayBuffer
  readonly doorbells: SharedArrayBuffer
  readonly epoch: number
  /** Handle of the process-global producer, made on the main thread. */
  readonly producer: number
  readonly topicTemplate: string
  /** Topics whose partition count is known already. */
  readonly topics: ReadonlyMap<string, number>
  /** Every record goes to this partition; null = by key. */
  readonly partition: number | null
  readonly control: MessagePort
}

export interface ToWorker {
  readonly kind: 'topics-ready'
  readonly topics: ReadonlyMap<string, number>
}

export type FromWorker =
  | { readonly kind: 'attached'; readonly threadId: number }
  | { readonly kind: 'failed'; readonly error: WireError }
  | { readonly kind: 'stopped' }
  | {
      readonly kind: 'stream-defined'
      readonly shard: number
      readonly streamIndex: number
      readonly definition: StreamDefinition
    }
  | { readonly kind: 'topic-needed'; readonly topic: string }
