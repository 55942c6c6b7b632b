/** `bin/sluice run` as a child process: configured by environment only, watched over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from './wait.ts'

export const SLUICE = new URL('../../../bin/sluice', import.meta.url).pathname

export interface ServiceOptions {
  /** SLUICE_… variables. */
  readonly env: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** Resolve as soon as /livez answers, not when /readyz does. */
  readonly waitForLiveOnly?: boolean
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class Service {
  readonly port: number
  readonly logFile: string
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  private ended = false

  private constructor(child: ChildProcess, port: number, logFile: string) {
    this.child = child
    this.port = port
    this.logFile = logFile
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.ended = true
        resolve({ code, signal })
      })
    })
  }

  static async start(options: ServiceOptions): Promise<Service> {
    const port = await freePort()
    const logFile = join(mkdtempSync(join(tmpdir(), 'sluice-test-')), 'service.log')
    const child = spawn(SLUICE, ['run', ...(options.args ?? [])], {
      env: { ...cleanEnvironment(), SLUICE_HTTP_PORT: String(port), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const log = createWriteStream(logFile)
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    const service = new Service(child, port, logFile)
    try {
      await service.waitReady(options.waitForLiveOnly === true ? '/livez' : '/readyz')
    } catch (error) {
      await service.kill()
      throw error
    }
    return service
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.child.pid ?? -1
  }

  get isRunning(): boolean {
    return !this.ended
  }

  /** The end of the log, for failure messages. */
  logTail(bytes = 3000): string {
    return readFileSync(this.logFile, 'utf8').slice(-bytes)
  }

  async waitReady(path = '/readyz', timeoutMs = 30_000): Promise<void> {
    await waitFor(
      async () => {
        if (this.ended) throw new Error(`the service ended at start:\n${this.logTail()}`)
        return (await this.tryGet(path))?.status === 200
      },
      { timeoutMs, what: () => `${path} never answered 200:\n${this.logTail()}` }
    )
  }

  async tryGet(path: string): Promise<{ status: number; text: string } | null> {
    try {
      const reply = await fetch(`${this.baseUrl}${path}`, { signal: AbortSignal.timeout(5000) })
      return { status: reply.status, text: await reply.text() }
    } catch {
      return null
    }
  }

  async getText(path: string): Promise<string> {
    const reply = await this.tryGet(path)
    if (reply === null || reply.status !== 200) {
      throw new Error(`GET ${path}: ${reply?.status ?? 'no answer'}\n${this.logTail()}`)
    }
    return reply.text
  }

  async post(path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const reply = await fetch(`${this.baseUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000)
    })
    return { status: reply.status, text: await reply.text() }
  }

  /** SIGTERM and what came of it. */
  async stop(timeoutMs = 40_000): Promise<Exit> {
    this.child.kill('SIGTERM')
    return await this.waitExit(timeoutMs)
  }

  async waitExit(timeoutMs: number): Promise<Exit> {
    const late = new Promise<null>((resolve) => setTimeout(resolve, timeoutMs, null).unref())
    const exit = await Promise.race([this.exited, late])
    if (exit !== null) return exit
    const tail = this.logTail()
    await this.kill()
    throw new Error(`the service did not end within ${timeoutMs} ms:\n${tail}`)
  }

  async kill(): Promise<void> {
    if (this.ended) return
    this.child.kill('SIGKILL')
    await this.exited
  }
}

/** Ours without what would configure the service by accident. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(SLUICE_|SYMBOLS$|MARKETSTORE_URL$|KAFKA_|NODE_TEST|NODE_OPTIONS$)/.test(name)
  )
  return Object.fromEntries(kept)
}

export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `bin/sluice …` to its end. */
export async function runCommand(
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; timeoutMs?: number; cwd?: string } = {}
): Promise<CommandResult> {
  const child = spawn(SLUICE, args, {
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd })
  })
  const chunks = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    chunks.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    chunks.stderr += text
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 30_000)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  return { code, ...chunks }
}
