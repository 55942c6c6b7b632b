/**
 * Reads back everything that stands in the topics of one test: bytes, key, time, headers, in order per
 * partition. Offsets start at 0 and must have no hole; the service's own client is not involved.
 */
import kafkaJavascript from '@confluentinc/kafka-javascript'
import { delay } from './wait.ts'

export interface ConsumedMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: Buffer
  readonly timestampMs: number
  readonly headers: Readonly<Record<string, string>>
}

interface RawMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key?: Buffer | string | null
  readonly value: Buffer | null
  readonly timestamp?: number
  readonly headers?: readonly Record<string, Buffer | string>[]
}

interface Metadata {
  readonly topics: readonly { name: string; partitions: readonly { id: number }[] }[]
}

const METADATA_EVERY_MS = 300
const BATCH = 5000

export class TopicReader {
  /** In the order consumed; per partition that is the order of the log. */
  readonly messages: ConsumedMessage[] = []
  private readonly client: InstanceType<typeof kafkaJavascript.KafkaConsumer>
  private readonly prefix: RegExp
  private readonly next = new Map<string, number>()
  private metadataAtMs = 0
  private readonly partitionsOf = new Map<string, number>()

  private constructor(brokers: string, prefix: RegExp) {
    this.prefix = prefix
    this.client = new kafkaJavascript.KafkaConsumer(
      {
        'metadata.broker.list': brokers,
        'group.id': `reader-${process.pid}-${Date.now()}`,
        'enable.auto.commit': false,
        'fetch.wait.max.ms': 20,
        'reconnect.backoff.max.ms': 500,
        'check.crcs': true
      },
      { 'auto.offset.reset': 'earliest' }
    )
    this.client.on('event.error', () => undefined)
  }

  static async open(brokers: string, prefix: RegExp): Promise<TopicReader> {
    const reader = new TopicReader(brokers, prefix)
    await new Promise<void>((resolve, reject) => {
      reader.client.connect({}, (error: unknown) => {
        if (error) reject(error as Error)
        else resolve()
      })
    })
    reader.client.setDefaultConsumeTimeout(50)
    return reader
  }

  /** Topic → number of partitions, of the topics seen so far. */
  topics(): ReadonlyMap<string, number> {
    return this.partitionsOf
  }

  ofTopic(topic: string): ConsumedMessage[] {
    return this.messages.filter((message) => message.topic === topic)
  }

  /** Reads until `isComplete` or the deadline; false at the deadline. */
  async readUntil(isComplete: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    while (!isComplete()) {
      if (performance.now() > deadline) return false
      await this.step()
    }
    return true
  }

  /** Reads for `quietMs` more: what must not come has had its time to come. */
  async readQuiet(quietMs: number): Promise<number> {
    const before = this.messages.length
    const deadline = performance.now() + quietMs
    while (performance.now() < deadline) await this.step()
    return this.messages.length - before
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.client.disconnect(() => resolve()))
  }

  private async step(): Promise<void> {
    if (performance.now() - this.metadataAtMs > METADATA_EVERY_MS) await this.assignNew()
    if (this.next.size === 0) {
      await delay(50)
      return
    }
    const batch = await new Promise<RawMessage[]>((resolve) => {
      this.client.consume(BATCH, (error: unknown, messages: unknown) => {
        resolve(error ? [] : (messages as RawMessage[]))
      })
    })
    for (const raw of batch) this.take(raw)
    if (batch.length === 0) await delay(5)
  }

  private take(raw: RawMessage): void {
    const slot = `${raw.topic} ${raw.partition}`
    const expected = this.next.get(slot) ?? 0
    if (raw.offset < expected) return
    if (raw.offset > expected)
      throw new Error(`${slot}: offset ${raw.offset} after ${expected - 1}`)
    this.next.set(slot, raw.offset + 1)
    const headers: Record<string, string> = {}
    for (const header of raw.headers ?? []) {
      for (const [name, value] of Object.entries(header)) headers[name] = value.toString()
    }
    this.messages.push({
      topic: raw.topic,
      partition: raw.partition,
      offset: raw.offset,
      key: raw.key === undefined || raw.key === null ? null : raw.key.toString(),
      value: raw.value ?? Buffer.alloc(0),
      timestampMs: raw.timestamp ?? -1,
      headers
    })
  }

  /** New topics are read from their beginning, known ones from where we are. */
  private async assignNew(): Promise<void> {
    this.metadataAtMs = performance.now()
    const metadata = await new Promise<Metadata | null>((resolve) => {
      this.client.getMetadata({ timeout: 5000 }, (error: unknown, data: unknown) => {
        resolve(error ? null : (data as Metadata))
      })
    })
    const known = this.next.size
    for (const topic of metadata?.topics ?? []) {
      if (!this.prefix.test(topic.name)) continue
      this.partitionsOf.set(topic.name, topic.partitions.length)
      for (const { id } of topic.partitions) {
        const slot = `${topic.name} ${id}`
        if (!this.next.has(slot)) this.next.set(slot, 0)
      }
    }
    if (this.next.size === known) return
    const assignments = [...this.next].map(([slot, offset]) => {
      const [topic = '', partition] = slot.split(' ')
      return { topic, partition: Number(partition), offset }
    })
    this.client.assign(assignments)
  }
}
