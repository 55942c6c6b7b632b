/** The feeder process, seen from the benchmark that owns it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const READY_TIMEOUT_MS = 90_000
const POLL_MS = 100

export interface FeedStatus {
  readonly startedAt: number
  readonly finishedAt: number
  readonly sent: number
  readonly connections: number
  readonly streams: number
}

export interface FeedOptions {
  readonly symbols: readonly string[]
  readonly messages: number
  /** Messages a second; 0 = as fast as they are taken. */
  readonly rate: number
  /** Captures to send instead of synthetic frames. */
  readonly recorded: readonly string[]
}

export class Feed {
  readonly child: ChildProcess
  readonly port: number

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  static async open(options: FeedOptions): Promise<Feed> {
    const script = fileURLToPath(new URL('./feed.js', import.meta.url))
    const args = [
      `--symbols=${options.symbols.join(',')}`,
      `--messages=${options.messages}`,
      `--rate=${options.rate}`,
      ...options.recorded.map((file) => `--recorded=${file}`)
    ]
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['pipe', 'pipe', 'inherit']
    })
    if (child.stdout === null) throw new Error('the feeder has no output')
    const [line]: string[] = await once(createInterface(child.stdout), 'line')
    const { port }: { port: number } = JSON.parse(line ?? '{}')
    return new Feed(child, port)
  }

  async status(): Promise<FeedStatus> {
    const response = await fetch(`http://127.0.0.1:${this.port}/feed/status`)
    return (await response.json()) as FeedStatus
  }

  /** @throws when the candidate ends before, or takes longer than READY_TIMEOUT_MS */
  async waitUntilSubscribed(streams: number, candidate: ChildProcess): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS
    while ((await this.status()).streams < streams) {
      if (candidate.exitCode !== null) throw new Error('the candidate ended before it subscribed')
      if (Date.now() > deadline) throw new Error('the candidate did not subscribe in time')
      await sleep(POLL_MS)
    }
  }

  async start(): Promise<void> {
    await fetch(`http://127.0.0.1:${this.port}/feed/start`, { method: 'POST' })
  }
}
