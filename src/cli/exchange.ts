/** `sluice exchange`: the simulated exchange alone, from a seed or from a recording. */
import { readFile } from 'node:fs/promises'
import { asError, SluiceError } from '../core/errors.ts'
import { type FaultPlan, parseFaultPlan } from '../simulator/fault-plan.ts'
import type { FloodResult } from '../simulator/flood.ts'
import type { PlaybackResult } from '../simulator/playback.ts'
import {
  type SimulatedExchange,
  type SimulatedExchangeOptions,
  startSimulatedExchange
} from '../simulator/simulated-exchange.ts'
import {
  countFlag,
  EXIT_OK,
  type FlagValues,
  numberFlag,
  parseFlags,
  runTool,
  speedFlag,
  stopSignal
} from './flags.ts'

const HELP = `usage: sluice exchange [options]

A simulated Binance spot exchange on this machine: WebSocket streams and REST.

  --host HOST              address to listen on (127.0.0.1)
  --port PORT              port; 0 takes any free one (9443)
  --seed N                 the same seed gives the same market (1)
  --symbols LIST|COUNT     symbols, or how many (8)
  --rate N                 trades a second over all symbols (200)
  --faults FILE            fault plan, JSON
  --relaxed                lift the limits on connects and request weight

  --recording FILE         serve a capture instead of a market
  --speed 1|N|max          pace of the recording; without one, of the market (1)
  --route subscribed|all   who gets a recorded frame (subscribed)

  --flood N                send N prepared aggTrade or trade frames as fast as they are taken
  --flood-rate N           frames a second instead

  --connections N          wait for N connections before a recording or flood begins (1)
  --close                  close the connections at its end
  --exit                   end when the recording or the flood has ended
  --help
`

const FLAGS = {
  host: { type: 'string' },
  port: { type: 'string' },
  seed: { type: 'string' },
  symbols: { type: 'string' },
  rate: { type: 'string' },
  faults: { type: 'string' },
  relaxed: { type: 'boolean' },
  recording: { type: 'string' },
  speed: { type: 'string' },
  route: { type: 'string' },
  flood: { type: 'string' },
  'flood-rate': { type: 'string' },
  connections: { type: 'string' },
  close: { type: 'boolean' },
  exit: { type: 'boolean' },
  help: { type: 'boolean' }
} as const

type Flags = FlagValues<typeof FLAGS>

const PORT_DEFAULT = 9443
const STATS_MS = 1000

export function run(argv: string[]): Promise<number> {
  return runTool('exchange', async () => {
    const flags = parseFlags(argv, FLAGS).values
    if (flags.help === true) {
      process.stdout.write(HELP)
      return EXIT_OK
    }
    return serve(flags)
  })
}

async function serve(flags: Flags): Promise<number> {
  const job = jobOf(flags)
  const exchange = await startSimulatedExchange(await exchangeOptions(flags))
  const signal = stopSignal()
  process.stdout.write(`WebSocket  ${exchange.wsUrl}\nREST       ${exchange.restUrl}\n`)
  const statistics = process.stdout.isTTY ? showStatistics(exchange) : null
  try {
    const done = job?.(exchange).then((result) => {
      const { seconds } = result
      const rate = Math.round(result.frames / Math.max(seconds, 1e-6))
      process.stdout.write(`sent ${result.frames} frames in ${seconds.toFixed(3)} s, ${rate}/s\n`)
    })
    const ends =
      flags.exit === true && done !== undefined ? [done, signal.stopped] : [signal.stopped]
    // A job that fails ends the command even when it was not asked to exit.
    await Promise.race([...ends, ...(done === undefined ? [] : [failureOf(done)])])
  } finally {
    if (statistics !== null) clearInterval(statistics)
    signal.cancel()
    await exchange.close()
  }
  return EXIT_OK
}

/** Never resolves; rejects with the job. */
function failureOf(job: Promise<void>): Promise<never> {
  return new Promise((_resolve, reject) => {
    job.catch(reject)
  })
}

type Job = (exchange: SimulatedExchange) => Promise<FloodResult | PlaybackResult>

function jobOf(flags: Flags): Job | null {
  const connections =
    countFlag(flags.connections, { flag: 'connections', min: 1, max: 10_000 }) ?? 1
  const atEnd = flags.close === true ? 'close' : 'idle'
  if (flags.recording !== undefined) {
    if (flags.flood !== undefined)
      throw new SluiceError('SLUICE_USAGE', '--flood and --recording exclude each other')
    const speed = speedFlag(flags.speed) ?? 1
    const route = oneOf(flags.route ?? 'subscribed', 'route', ['subscribed', 'all'] as const)
    return (exchange) => exchange.play({ speed, route, connections, atEnd })
  }
  const frames = countFlag(flags.flood, { flag: 'flood', min: 1, max: 1e10 })
  if (frames === undefined) return null
  const rate = numberFlag(flags['flood-rate'], { flag: 'flood-rate', min: 1, max: 1e8 })
  return (exchange) =>
    exchange.flood({
      frames,
      connections,
      atEnd,
      ...(rate === undefined ? {} : { framesPerSecond: rate })
    })
}

async function exchangeOptions(flags: Flags): Promise<SimulatedExchangeOptions> {
  const faults = flags.faults === undefined ? undefined : await loadFaults(flags.faults)
  const speed = speedFlag(flags.speed)
  if (speed === 'max' && flags.recording === undefined) {
    throw new SluiceError('SLUICE_USAGE', '--speed max needs --recording')
  }
  const everything = Number.MAX_SAFE_INTEGER
  return {
    host: flags.host ?? '127.0.0.1',
    port: countFlag(flags.port, { flag: 'port', min: 0, max: 65_535 }) ?? PORT_DEFAULT,
    seed: countFlag(flags.seed, { flag: 'seed', min: 0, max: 0xffffffff }) ?? 1,
    symbols: symbolsFlag(flags.symbols),
    rate: numberFlag(flags.rate, { flag: 'rate', min: 0, max: 1e6 }) ?? 200,
    ...(flags.flood === undefined ? {} : { pace: 'manual' as const }),
    ...(typeof speed === 'number' ? { speed } : {}),
    ...(flags.recording === undefined ? {} : { recording: flags.recording }),
    ...(faults === undefined ? {} : { faults }),
    ...(flags.relaxed === true
      ? { limits: { connectsPerFiveMinutes: everything, requestWeightPerMinute: everything } }
      : {})
  }
}

function symbolsFlag(text: string | undefined): readonly string[] | number {
  if (text === undefined) return 8
  if (/^\d+$/.test(text)) {
    return countFlag(text, { flag: 'symbols', min: 1, max: 10_000 }) ?? 8
  }
  return text.split(',').filter((symbol) => symbol !== '')
}

function oneOf<const T extends string>(text: string, flag: string, names: readonly T[]): T {
  const name = names.find((each) => each === text)
  if (name !== undefined) return name
  throw new SluiceError('SLUICE_USAGE', `--${flag} must be ${names.join(' or ')}: ${text}`)
}

async function loadFaults(path: string): Promise<FaultPlan> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const what = asError(error).message
    throw new SluiceError('SLUICE_CONFIG_FILE', `reading the fault plan: ${what}`, { path }, error)
  }
  return parseFaultPlan(text)
}

function showStatistics(exchange: SimulatedExchange): ReturnType<typeof setInterval> {
  let before = exchange.stats()
  return setInterval(() => {
    const now = exchange.stats()
    const frames = now.framesSent - before.framesSent
    const kilobytes = ((now.bytesSent - before.bytesSent) / 1000).toFixed(0)
    process.stdout.write(
      `\r\x1b[K${now.connections} connections  ${frames} frames/s  ${kilobytes} kB/s  ` +
        `${now.framesSent} frames in all  ${now.restRequests} requests`
    )
    before = now
  }, STATS_MS)
}
