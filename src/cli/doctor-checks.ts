/** The checks of `sluice doctor`. Each answers with one finding and never throws. */
import { readFileSync, statfsSync } from 'node:fs'
import net from 'node:net'
import { dirname, resolve } from 'node:path'
import { kafkaMode } from '../config/kafka-mode.ts'
import type { SluiceConfig } from '../config/types.ts'
import { asError } from '../core/errors.ts'
import { loadKernelAddon } from '../native/kernel.ts'
import { loadProducerAddon } from '../sinks/kafka/producer-addon.ts'

export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly detail: string
}

type Outcome = Omit<Finding, 'check'>

const FILES_WANTED = 4096
const DISK_WANTED_BYTES = 1024 ** 3
const CLOCK_SKEW_MS_WARN = 1000
const GIB = 1024 ** 3

const ok = (detail: string): Outcome => ({ state: 'ok', detail })
const warn = (detail: string): Outcome => ({ state: 'warn', detail })
const fail = (detail: string): Outcome => ({ state: 'fail', detail })

export interface DoctorOptions {
  readonly offline: boolean
}

export async function findings(config: SluiceConfig, options: DoctorOptions): Promise<Finding[]> {
  const checks: [string, () => Outcome | Promise<Outcome>][] = [
    ['node', () => nodeVersion(process.versions.node)],
    ['kernel addon', () => kernelAddon(config)],
    ['producer addon', producerAddon],
    ['open files', () => openFiles(readFileSync('/proc/self/limits', 'utf8'))],
    ['disk for the spool', () => spoolDisk(config)],
    ['http port', () => portFree(config.http.host, config.http.port)],
    ['kafka brokers', () => brokers(config, options)]
  ]
  for (const [name, adapter] of Object.entries(config.adapters)) {
    if (!adapter.enabled || options.offline) continue
    checks.push([`${name} REST`, () => exchangeClock(adapter.restUrl, adapter.timeouts.requestMs)])
    checks.push([`${name} WebSocket`, () => endpoint(adapter.wsUrl, adapter.timeouts.connectMs)])
  }
  const running = checks.map(async ([check, examine]) => {
    try {
      return { check, ...(await examine()) }
    } catch (error) {
      return { check, ...fail(asError(error).message.replaceAll('\n', ' ')) }
    }
  })
  return Promise.all(running)
}

/** As `engines` in package.json has it. */
export function nodeVersion(version: string): Outcome {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const supported = (major === 20 && minor >= 20) || (major === 22 && minor >= 22) || major > 22
  return supported ? ok(version) : fail(`${version}; 20.20, or 22.22 and later, is needed`)
}

function kernelAddon(config: SluiceConfig): Outcome {
  try {
    const addon = loadKernelAddon()
    return ok(`ring layout ${addon.layoutVersion}, simdjson ${addon.simdjsonVersion}`)
  } catch (error) {
    const { message } = asError(error)
    return config.workers.parser === 'twin'
      ? warn(`${message} (not used: workers.parser is twin)`)
      : fail(message)
  }
}

function producerAddon(): Outcome {
  return ok(`librdkafka ${loadProducerAddon().librdkafkaVersion}`)
}

/** @param limits the text of /proc/self/limits */
export function openFiles(limits: string): Outcome {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1]
  if (soft === undefined) return warn('the limit cannot be read')
  if (soft === 'unlimited' || Number(soft) >= FILES_WANTED) return ok(`at most ${soft}`)
  return warn(`at most ${soft}; ${FILES_WANTED} are wanted (ulimit -n)`)
}

function spoolDisk(config: SluiceConfig): Outcome {
  if (config.spool.mode === 'off') return ok('not used: spool.mode is off')
  let folder = resolve(config.spool.dir)
  for (;;) {
    try {
      const { bavail, bsize } = statfsSync(folder)
      const free = bavail * bsize
      const said = `${(free / GIB).toFixed(1)} GiB free at ${folder}`
      return free >= DISK_WANTED_BYTES ? ok(said) : warn(said)
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!missing || folder === '/') throw error
      folder = dirname(folder)
    }
  }
}

/** Binds the port for a moment. */
function portFree(host: string, port: number): Promise<Outcome> {
  if (port === 0) return Promise.resolve(ok('any free port'))
  return new Promise((done) => {
    const server = net.createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      done(fail(`${host}:${port}: ${error.code === 'EADDRINUSE' ? 'taken' : error.message}`))
    })
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => done(ok(`${host}:${port} is free`)))
    })
  })
}

async function brokers(config: SluiceConfig, options: DoctorOptions): Promise<Outcome> {
  const mode = kafkaMode(config)
  if (mode === 'unset') return warn('none configured: set SLUICE_KAFKA_BROKERS')
  if (mode !== 'brokers') return ok(mode)
  if (options.offline) return ok(`not asked: ${config.kafka.brokers}`)
  const answers = await Promise.all(
    config.kafka.brokers.split(',').map(async (broker) => {
      const { host, port } = brokerAddress(broker)
      return { broker, error: await connectError(host, port, 3000) }
    })
  )
  const silent = answers.filter((answer) => answer.error !== null)
  const said = silent.map(({ broker, error }) => `${broker}: ${error}`).join(', ')
  if (silent.length === 0) return ok(`${answers.length} of ${answers.length} accept connections`)
  return silent.length === answers.length ? fail(said) : warn(said)
}

export function brokerAddress(broker: string): { host: string; port: number } {
  const match = /^(?:\w+:\/\/)?(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(broker)
  return { host: match?.[1] ?? match?.[2] ?? broker, port: Number(match?.[3] ?? 9092) }
}

async function endpoint(address: string, timeoutMs: number): Promise<Outcome> {
  if (address === '') return ok('no wsUrl configured')
  const url = new URL(address)
  const secure = url.protocol === 'wss:' || url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const error = await connectError(host, port, timeoutMs)
  return error === null
    ? ok(`${host}:${port} accepts connections`)
    : fail(`${host}:${port}: ${error}`)
}

/** Null when a TCP connection could be opened. */
function connectError(host: string, port: number, timeoutMs: number): Promise<string | null> {
  return new Promise((done) => {
    const socket = net.connect({ host, port, timeout: timeoutMs })
    const end = (result: string | null): void => {
      socket.destroy()
      done(result)
    }
    socket.once('connect', () => end(null))
    socket.once('timeout', () => end('no answer'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}

/** Asks the exchange for its time; the answer lies between the two readings of our clock. */
async function exchangeClock(restUrl: string, timeoutMs: number): Promise<Outcome> {
  if (restUrl === '') return ok('no restUrl configured')
  const before = Date.now()
  let response: Response
  try {
    response = await fetch(`${restUrl.replace(/\/$/, '')}/api/v3/time`, {
      signal: AbortSignal.timeout(timeoutMs)
    })
  } catch (error) {
    const cause = asError(error).cause as NodeJS.ErrnoException | undefined
    return fail(`no answer: ${cause?.code ?? asError(error).message}`)
  }
  if (!response.ok) return fail(`answers with status ${response.status}`)
  const { serverTime } = (await response.json()) as { serverTime?: unknown }
  if (typeof serverTime !== 'number') return warn('answers without a time')
  // In ms, or µs where the exchange was asked so.
  const theirs = serverTime > 1e14 ? serverTime / 1000 : serverTime
  return clockOutcome({ before, after: Date.now(), theirs })
}

export function clockOutcome(reading: { before: number; after: number; theirs: number }): Outcome {
  const { before, after, theirs } = reading
  const skewMs = Math.round(before + (after - before) / 2 - theirs)
  const beyond = Math.abs(skewMs) - (after - before) / 2 > CLOCK_SKEW_MS_WARN
  const said = `our clock is ${Math.abs(skewMs)} ms ${skewMs >= 0 ? 'ahead' : 'behind'}`
  return beyond ? warn(`${said}; is time synchronised?`) : ok(said)
}
