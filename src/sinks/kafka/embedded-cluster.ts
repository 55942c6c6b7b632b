/**
 * librdkafka's in-memory cluster on loopback: `kafka.brokers: embedded`. A real protocol endpoint
 * that acknowledges and soon forgets. It belongs to the process and keeps its records in the
 * process's memory: up to 5 MiB or 100,000 batches per partition, whichever comes first.
 */
import { loadProducerAddon, type ProducerAddon } from './producer-addon.ts'
import type { TopicAdminState, TopicProvider } from './topic-admin.ts'

export class EmbeddedCluster {
  /** host:port,… to give to clients. */
  readonly bootstrap: string
  private readonly addon: ProducerAddon
  private readonly id: number

  constructor(brokers = 1) {
    this.addon = loadProducerAddon()
    const { id, bootstrap } = this.addon.startMockCluster(brokers)
    this.id = id
    this.bootstrap = bootstrap
  }

  /** False when it exists already. */
  createTopic(topic: string, partitions: number, replication = 1): boolean {
    return this.addon.mockCreateTopic(this.id, topic, partitions, replication) === ''
  }

  /** The next requests with this api key (0 = produce) are answered with these error codes, one each. */
  pushErrors(apiKey: number, errors: readonly number[]): void {
    this.addon.mockPushErrors(this.id, apiKey, errors)
  }

  setTopicError(topic: string, error: number): void {
    this.addon.mockTopicError(this.id, topic, error)
  }

  setBrokerUp(broker: number, up: boolean): void {
    this.addon.mockSetBroker(this.id, broker, up)
  }

  setRoundTripMs(broker: number, ms: number): void {
    this.addon.mockSetRtt(this.id, broker, ms)
  }

  stop(): void {
    this.addon.stopMockCluster(this.id)
  }
}

/** Topics of the embedded cluster, which answers no CreateTopics request. */
export class EmbeddedTopics implements TopicProvider {
  private readonly cluster: EmbeddedCluster
  private readonly partitions: number
  private readonly known = new Map<string, number>()
  private readonly onReady: (topics: ReadonlyMap<string, number>) => void

  constructor(
    cluster: EmbeddedCluster,
    partitions: number,
    onReady: (topics: ReadonlyMap<string, number>) => void
  ) {
    this.cluster = cluster
    this.partitions = partitions
    this.onReady = onReady
  }

  ensure(topics: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const ready = new Map<string, number>()
    for (const topic of topics) {
      if (!this.known.has(topic)) this.cluster.createTopic(topic, this.partitions)
      this.known.set(topic, this.partitions)
      ready.set(topic, this.partitions)
    }
    if (ready.size > 0) this.onReady(ready)
    return Promise.resolve(ready)
  }

  recheck(topics: Iterable<string>): void {
    const lost = [...topics]
    for (const topic of lost) this.known.delete(topic)
    void this.ensure(lost)
  }

  state(): TopicAdminState {
    const ready = this.known.size
    return { state: 'idle', waiting: 0, ready, refused: new Map(), lastError: null }
  }

  close(): void {
    this.known.clear()
  }
}
