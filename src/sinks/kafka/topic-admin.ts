/**
 * Creates the topics that are missing and learns how many partitions every topic has. Main thread
 * only: kafka-javascript's client works nowhere else. Existing topics are never altered. A broker
 * that is down is asked again for ever; nothing is thrown, the state tells.
 */
import kafkaJavascript from '@confluentinc/kafka-javascript'
import type { Clock, TimerHandle } from '../../core/clock.ts'
import { asError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'

export interface TopicSettings {
  readonly partitions: number
  /** −1 = the broker's default. */
  readonly replication: number
  /** −1 = for ever. */
  readonly retentionMs: number
}

export interface TopicAdminState {
  readonly state: 'idle' | 'working' | 'retrying' | 'closed'
  /** Topics asked for and neither ready nor refused. */
  readonly waiting: number
  readonly ready: number
  /** Topic → why Kafka refuses to create it; tried again every minute. */
  readonly refused: ReadonlyMap<string, string>
  readonly lastError: string | null
}

/** Whoever can provide topics: a cluster's admin client, or the embedded cluster. */
export interface TopicProvider {
  /**
   * Asks for these topics. Resolves with the partition counts of all that are ready once each of
   * them is ready or refused, or the provider was closed. Never rejects.
   */
  ensure(topics: Iterable<string>): Promise<ReadonlyMap<string, number>>
  /** Kafka says these do not exist: looks again, and creates them again. */
  recheck(topics: Iterable<string>): void
  state(): TopicAdminState
  close(): void
}

export interface TopicAdminOptions {
  /** librdkafka properties of the connection. */
  readonly connection: Readonly<Record<string, string>>
  readonly topic: TopicSettings
  readonly clock: Clock
  readonly logger: Logger
  /** As soon as some topics are known to be ready. */
  readonly onReady: (topics: ReadonlyMap<string, number>) => void
  /** Kafka refuses to create it. */
  readonly onRefused: (topic: string, reason: string) => void
}

type AdminClient = ReturnType<typeof kafkaJavascript.AdminClient.create>

const DESCRIBE_BATCH = 200
/** Requests under way at once: the client creates one topic a request. */
const CREATE_BATCH = 32
const REQUEST_MS = 5000
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 2000
/** After a creation the leaders show up in the metadata within this order of time. */
const SETTLE_MS = 50
const REFUSED_RETRY_MS = 60_000

const UNKNOWN_TOPIC = 3
const ALREADY_EXISTS = 36
/**
 * Invalid name, not authorized (topic, cluster), invalid partitions, configuration, request;
 * policy.
 */
const REFUSALS: ReadonlySet<number> = new Set([17, 29, 31, 37, 40, 42, 44])

interface Failure {
  readonly code: number
  readonly message: string
}

export class TopicAdmin implements TopicProvider {
  private readonly options: TopicAdminOptions
  private readonly partitions = new Map<string, number>()
  private readonly refused = new Map<string, string>()
  private readonly waiting = new Set<string>()
  private readonly idle: (() => void)[] = []
  private client: AdminClient | null = null
  private timer: TimerHandle | null = null
  private refusedTimer: TimerHandle | null = null
  private running = false
  private closed = false
  private retryMs = 0
  private lastError: string | null = null

  constructor(options: TopicAdminOptions) {
    this.options = options
  }

  async ensure(topics: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const wanted = [...topics]
    for (const topic of wanted) {
      if (!this.partitions.has(topic) && !this.refused.has(topic)) this.waiting.add(topic)
    }
    const settled = (): boolean => this.closed || wanted.every((topic) => !this.waiting.has(topic))
    this.wake(0)
    while (!settled()) await new Promise<void>((resolve) => this.idle.push(resolve))
    return new Map(
      wanted.flatMap((topic) => {
        const count = this.partitions.get(topic)
        return count === undefined ? [] : [[topic, count] as const]
      })
    )
  }

  recheck(topics: Iterable<string>): void {
    for (const topic of topics) {
      this.partitions.delete(topic)
      if (!this.refused.has(topic)) this.waiting.add(topic)
    }
    this.wake(0)
  }

  state(): TopicAdminState {
    const state = this.closed
      ? 'closed'
      : this.waiting.size === 0
        ? 'idle'
        : this.retryMs > 0
          ? 'retrying'
          : 'working'
    const { refused, lastError } = this
    return { state, waiting: this.waiting.size, ready: this.partitions.size, refused, lastError }
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    for (const timer of [this.timer, this.refusedTimer]) {
      if (timer !== null) this.options.clock.clearTimer(timer)
    }
    // A request under way holds the client; `run` disconnects when it is back.
    if (!this.running) this.disconnect()
    this.announceIdle()
  }

  private wake(delayMs: number): void {
    if (this.closed || this.running || this.waiting.size === 0) return
    if (this.timer !== null) {
      // Sooner for a new topic, but not past the pause after a failure.
      if (this.retryMs > 0) return
      this.options.clock.clearTimer(this.timer)
    }
    this.timer = this.options.clock.setTimer(() => void this.run(), delayMs)
  }

  private async run(): Promise<void> {
    this.timer = null
    this.running = true
    let delayMs = 0
    try {
      const created = await this.round([...this.waiting])
      this.retryMs = 0
      delayMs = created ? SETTLE_MS : RETRY_MS_MIN
    } catch (thrown) {
      this.fail(thrown)
      delayMs = this.retryMs
    }
    this.running = false
    this.announceIdle()
    if (this.closed) this.disconnect()
    else this.wake(delayMs)
  }

  private fail(thrown: unknown): void {
    const message = asError(thrown).message
    if (message !== this.lastError) {
      this.options.logger.warn('kafka topics cannot be checked yet', { error: message })
    }
    this.lastError = message
    this.retryMs = Math.min(Math.max(this.retryMs * 2, RETRY_MS_MIN), RETRY_MS_MAX)
  }

  /** Describes what is asked for and creates what is missing. True when it created something. */
  private async round(topics: readonly string[]): Promise<boolean> {
    this.client ??= this.connect()
    const missing: string[] = []
    for (let at = 0; at < topics.length && !this.closed; at += DESCRIBE_BATCH) {
      missing.push(...(await this.describe(this.client, topics.slice(at, at + DESCRIBE_BATCH))))
    }
    for (let at = 0; at < missing.length; at += CREATE_BATCH) {
      if (this.closed) return false
      const { client } = this
      await Promise.all(
        missing.slice(at, at + CREATE_BATCH).map((name) => this.create(client, name))
      )
    }
    return missing.length > 0
  }

  private connect(): AdminClient {
    const { connection, logger } = this.options
    return kafkaJavascript.AdminClient.create(connection, {
      error: (error: Failure) => {
        this.lastError = error.message
        logger.debug('kafka admin client', { error: error.message })
      }
    } as never)
  }

  /** Returns the topics that do not exist. One without all its leaders stays waiting. */
  private async describe(client: AdminClient, topics: string[]): Promise<string[]> {
    const described = await new Promise<readonly Described[]>((resolve, reject) => {
      client.describeTopics(topics, { timeout: REQUEST_MS }, (error, found) => {
        if (error) reject(asFailure(error))
        else resolve(found as readonly Described[])
      })
    })
    const missing: string[] = []
    const ready = new Map<string, number>()
    for (const { name, error, partitions } of described) {
      if (error === undefined || error === null) {
        if (partitions.length > 0 && partitions.every(hasLeader)) {
          ready.set(name, partitions.length)
        }
      } else if (error.code === UNKNOWN_TOPIC) {
        missing.push(name)
      } else if (REFUSALS.has(error.code)) {
        this.refuse(name, error.message)
      } else {
        this.lastError = error.message
      }
    }
    this.accept(ready)
    return missing
  }

  private accept(ready: ReadonlyMap<string, number>): void {
    if (ready.size === 0) return
    const wanted = this.options.topic.partitions
    for (const [topic, count] of ready) {
      this.waiting.delete(topic)
      this.refused.delete(topic)
      this.partitions.set(topic, count)
      if (count !== wanted) {
        this.options.logger.info('kafka topic exists with other partitions; kept as it is', {
          topic,
          partitions: count,
          configured: wanted
        })
      }
    }
    this.lastError = null
    this.options.onReady(ready)
  }

  private async create(client: AdminClient, topic: string): Promise<void> {
    const { partitions, replication, retentionMs } = this.options.topic
    const error = await new Promise<Failure | null>((resolve) => {
      client.createTopic(
        {
          topic,
          num_partitions: partitions,
          replication_factor: replication,
          config: { 'retention.ms': String(retentionMs) }
        },
        REQUEST_MS,
        (failed) => resolve(failed ? (failed as Failure) : null)
      )
    })
    if (error === null) this.options.logger.info('kafka topic created', { topic, partitions })
    else if (error.code === ALREADY_EXISTS) return
    else if (REFUSALS.has(error.code)) this.refuse(topic, error.message)
    // Anything else concerns the cluster, not this topic: the round ends and is tried again.
    else throw asFailure(error)
  }

  private refuse(topic: string, reason: string): void {
    this.waiting.delete(topic)
    this.refused.set(topic, reason)
    this.options.logger.error('kafka refuses a topic', { topic, error: reason })
    this.options.onRefused(topic, reason)
    this.refusedTimer ??= this.options.clock.setTimer(() => this.retryRefused(), REFUSED_RETRY_MS)
  }

  /** An operator may have mended it meanwhile. */
  private retryRefused(): void {
    this.refusedTimer = null
    for (const topic of this.refused.keys()) this.waiting.add(topic)
    this.refused.clear()
    this.wake(0)
  }

  private announceIdle(): void {
    for (const resolve of this.idle.splice(0)) resolve()
  }

  private disconnect(): void {
    this.client?.disconnect()
    this.client = null
  }
}

interface Described {
  readonly name: string
  readonly error?: Failure | null
  readonly partitions: readonly { readonly leader?: { readonly id: number } | null }[]
}

function hasLeader(partition: Described['partitions'][number]): boolean {
  return partition.leader !== undefined && partition.leader !== null && partition.leader.id >= 0
}

function asFailure(error: Failure): Error {
  return new Error(`${error.message} (${error.code})`)
}
