/** The benchmark's own client of the broker: makes topics, reads high watermarks, removes topics. */
import { execFileSync } from 'node:child_process'
import kafka from '@confluentinc/kafka-javascript'
import { freePort } from './free-port.ts'

const TIMEOUT_MS = 30_000

const FIRST_PORT = 19_492

export interface OpenBroker {
  readonly address: string
  readonly close: () => void
}

/**
 * Starts a node of scripts/kafka when no address is given: one of its own, on a free port, so that two
 * benchmarks never share a broker.
 */
export async function openBroker(address: string | undefined): Promise<OpenBroker> {
  if (address !== undefined && address !== '') return { address, close: () => undefined }
  const script = new URL('../../../scripts/kafka', import.meta.url).pathname
  // The node's controller takes the port after its own.
  const port = `${await freePort(FIRST_PORT, 2)}`
  const run = (command: string) => execFileSync(script, [command, '--port', port]).toString().trim()
  return { address: run('start'), close: () => run('wipe') }
}

export class BrokerClient {
  private readonly admin: kafka.IAdminClient

  constructor(address: string) {
    this.admin = kafka.AdminClient.create({ 'bootstrap.servers': address })
  }

  async createTopics(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      await new Promise<void>((resolve, reject) => {
        const wanted = { topic, num_partitions: 1, replication_factor: 1 }
        this.admin.createTopic(wanted, TIMEOUT_MS, (error) => (error ? reject(error) : resolve()))
      })
    }
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      await new Promise<void>((resolve) => {
        this.admin.deleteTopic(topic, TIMEOUT_MS, () => resolve())
      })
    }
  }

  /** Records in all the topics, one partition each, which started empty. */
  countRecords(topics: readonly string[]): Promise<number> {
    const offset = kafka.OffsetSpec.LATEST
    const wanted = topics.map((topic) => ({ topic, partition: 0, offset }))
    return new Promise((resolve, reject) => {
      this.admin.listOffsets(wanted, { timeout: TIMEOUT_MS }, (error, result) => {
        if (error) reject(error)
        else resolve(result.reduce((sum, { offset: end }) => sum + Number(end), 0))
      })
    })
  }

  close(): void {
    this.admin.disconnect()
  }
}
