/** Owns the process that reads the records back and times them; see latency-consumer.ts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Quantiles {
  readonly p50Ms: number
  readonly p99Ms: number
}

export class LatencyReader {
  private readonly child: ChildProcess
  private readonly lines: Interface

  private constructor(child: ChildProcess, lines: Interface) {
    this.child = child
    this.lines = lines
  }

  /** Resolves once the consumer reads from every topic. */
  static async open(broker: string, topics: readonly string[]): Promise<LatencyReader> {
    const script = fileURLToPath(new URL('./latency-consumer.js', import.meta.url))
    const child = spawn(process.execPath, [script, broker, topics.join(',')], {
      stdio: ['pipe', 'pipe', 'inherit']
    })
    if (child.stdout === null) throw new Error('the consumer has no output')
    const lines = createInterface(child.stdout)
    await once(lines, 'line')
    return new LatencyReader(child, lines)
  }

  async finish(): Promise<Quantiles> {
    const answer = once(this.lines, 'line')
    this.child.stdin?.write('finish\n')
    const [line]: string[] = await answer
    return JSON.parse(line ?? '{}') as Quantiles
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
  }
}
