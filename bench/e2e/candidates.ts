/** The programs that are compared: how each is started, stopped, and named. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, constants, cpSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'

export type CandidateName = 'sluice' | 'node' | 'rust'

export interface Work {
  readonly broker: string
  /** Port of the feeder, on loopback. */
  readonly feedPort: number
  readonly symbols: readonly string[]
  readonly channels: readonly string[]
  /** Streams per exchange connection, for `sluice`; 0 = its default. */
  readonly streamsPerConnection: number
  /** Messages that will be sent. */
  readonly messages: number
  readonly logFile: string
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const RUST_SOURCE = fileURLToPath(new URL('../../../../shared/peer-rust', import.meta.url))
const RUST_TARGET = `${ROOT}.cache/peer-rust`
const RUST_COPY = `${ROOT}.cache/peer-rust-source`
const RUST_BINARY = `${RUST_TARGET}/release/rust-handwritten`

export const TITLES: Readonly<Record<CandidateName, string>> = {
  sluice: 'Sluice',
  node: 'ws + JSON.parse + kafka-javascript',
  rust: 'hand-written Rust'
}

export function streamNames({ symbols, channels }: Pick<Work, 'symbols' | 'channels'>): string[] {
  return symbols.flatMap((symbol) =>
    channels.map((channel) => `${symbol.toLowerCase()}@${channel}`)
  )
}

/** The topic a candidate's records of one symbol go to; the Rust program has its own idea. */
export function topicsOf(name: CandidateName, { symbols, channels }: Work): string[] {
  if (name === 'rust') return symbols.map((symbol) => `market.trade.binance.${symbol}`)
  return channels.flatMap((channel) => {
    const type = channel.split('@')[0]
    return symbols.map((symbol) => `market.${type}.binance.${symbol}`)
  })
}

/** Builds the Rust program when its source and cargo are there; says why not otherwise. */
export function prepareRust(): string | null {
  if (!existsSync(`${RUST_SOURCE}/Cargo.toml`)) return 'its source is not beside the project'
  if (existsSync(RUST_BINARY)) return null
  try {
    // Built from a copy: cargo writes a lock file beside the manifest, and the original is not ours.
    cpSync(RUST_SOURCE, RUST_COPY, { recursive: true, mode: constants.COPYFILE_FICLONE })
    chmodSync(RUST_COPY, 0o755)
    execFileSync('cargo', ['build', '--release', '--target-dir', RUST_TARGET], {
      cwd: RUST_COPY,
      stdio: ['ignore', 'inherit', 'inherit']
    })
    return null
  } catch {
    return 'cargo could not build it'
  }
}

export interface RunningCandidate {
  readonly child: ChildProcess
  readonly pid: number
  /** Base address of its HTTP interface; null where it has none. */
  readonly http: string | null
  /** Resolves when the program itself has seen every delivery report; null where it does not tell. */
  readonly reported: Promise<unknown> | null
}

/** What `sluice run` needs in its environment for this work. */
export function sluiceEnvironment(
  work: Omit<Work, 'logFile' | 'messages'>,
  httpPort: number
): Record<string, string> {
  const connections = work.streamsPerConnection
  return {
    SLUICE_KAFKA_BROKERS: work.broker,
    SLUICE_BINANCE_WS_URL: `ws://127.0.0.1:${work.feedPort}`,
    SLUICE_BINANCE_REST_URL: `http://127.0.0.1:${work.feedPort}`,
    SLUICE_SYMBOLS: work.symbols.join(','),
    SLUICE_CHANNELS: work.channels.join(','),
    SLUICE_KAFKA_TOPIC: 'market.{type}.{exchange}.{symbol}',
    SLUICE_SPOOL_MODE: 'off',
    SLUICE_HTTP_PORT: `${httpPort}`,
    ...(connections > 0 ? { SLUICE_ADAPTERS_BINANCE_STREAMS_PER_CONNECTION: `${connections}` } : {})
  }
}

export async function startCandidate(name: CandidateName, work: Work): Promise<RunningCandidate> {
  mkdirSync(`${ROOT}.cache/bench`, { recursive: true })
  const log = openSync(work.logFile, 'a')
  const feed = `ws://127.0.0.1:${work.feedPort}`
  const peerEnvironment = { BROKER: work.broker, FEED: feed, STREAMS: streamNames(work).join('/') }
  const start = (command: string, args: string[], environment: Record<string, string>) =>
    spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...environment },
      stdio: ['ignore', log, log, ...(name === 'node' ? (['ipc'] as const) : [])]
    })
  if (name === 'rust') return running(start(RUST_BINARY, [], peerEnvironment), {})
  if (name === 'node') {
    const environment = { ...peerEnvironment, EXPECTED: `${work.messages}` }
    const child = start(process.execPath, ['bench/e2e/peer-node.mjs'], environment)
    return running(child, { reported: once(child, 'message') })
  }
  const port = await freePort(18_080)
  const child = start('bin/sluice', ['run'], sluiceEnvironment(work, port))
  return running(child, { http: `http://127.0.0.1:${port}` })
}

const started = new Set<ChildProcess>()

/** Ends every candidate that still runs, at once. */
export function stopStarted(): void {
  for (const child of started) child.kill('SIGKILL')
}

function running(
  child: ChildProcess,
  { http = null, reported = null }: { http?: string | null; reported?: Promise<unknown> | null }
): RunningCandidate {
  if (child.pid === undefined) throw new Error(`could not start ${child.spawnfile}`)
  started.add(child)
  child.once('exit', () => started.delete(child))
  return { child, pid: child.pid, http, reported }
}

/** SIGTERM, and SIGKILL after `graceMs`. Resolves with the exit code; −1 when it had to be killed. */
export async function stopProcess(child: ChildProcess, graceMs = 40_000): Promise<number> {
  if (child.exitCode !== null) return child.exitCode
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    child.once('exit', (code) => {
      clearTimeout(timer)
      resolve(code ?? -1)
    })
    child.kill('SIGTERM')
  })
}
