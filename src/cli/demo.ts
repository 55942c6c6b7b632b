/** `sluice demo`: simulated exchange, embedded Kafka and the service, with a live summary. Needs nothing else. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../config/load.ts'
import type { SluiceConfig } from '../config/types.ts'
import { systemClock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import type { ServiceStatus } from '../model/status.ts'
import { Service, type ServiceEnd } from '../service/service.ts'
import { createLogger } from '../telemetry/logger.ts'
import { ratesBetween, renderAccounting, renderBlock, renderLine } from './demo-view.ts'
import {
  countFlag,
  EXIT_FAILED,
  EXIT_OK,
  numberFlag,
  parseFlags,
  runTool,
  stopSignal
} from './flags.ts'

const HELP = `usage: sluice demo [options]

Runs a simulated exchange, an embedded Kafka broker and the service on this machine, and shows what
flows: rates, latency, records by type, sockets, rings. Ends with the accounting of every frame.

  --seconds N     end after N seconds (until Ctrl-C)
  --rate R        frames a second, about (2000)
  --symbols N     number of symbols (8)
  --port PORT     port of the HTTP server; 0 takes any free one (0)
  --help

SLUICE_KAFKA_BROKERS=host:port delivers to a real broker instead of the embedded one.
`

const FLAGS = {
  seconds: { type: 'string' },
  rate: { type: 'string' },
  symbols: { type: 'string' },
  port: { type: 'string' },
  help: { type: 'boolean' }
} as const

const CHANNELS = [
  'trade',
  'aggTrade',
  'kline_1m',
  'ticker',
  'miniTicker',
  'bookTicker',
  'depth@100ms'
]
/** Frames that one simulated trade causes on these channels, and frames a symbol sends without any. */
const FRAMES_PER_TRADE = 2.5
const FRAMES_PER_SYMBOL = 12
const EXCHANGE_START_MS = 15_000

interface DemoOptions {
  readonly seconds: number | null
  readonly rate: number
  readonly symbols: number
  readonly port: number
}

export function run(argv: string[]): Promise<number> {
  return runTool('demo', async () => {
    const flags = parseFlags(argv, FLAGS).values
    if (flags.help === true) {
      process.stdout.write(HELP)
      return EXIT_OK
    }
    return demo({
      seconds: numberFlag(flags.seconds, { flag: 'seconds', min: 1, max: 1e9 }) ?? null,
      rate: numberFlag(flags.rate, { flag: 'rate', min: 1, max: 1e6 }) ?? 2000,
      symbols: countFlag(flags.symbols, { flag: 'symbols', min: 1, max: 500 }) ?? 8,
      port: countFlag(flags.port, { flag: 'port', min: 0, max: 65_535 }) ?? 0
    })
  })
}

async function demo(options: DemoOptions): Promise<number> {
  const exchange = await startExchange(options)
  try {
    const config = await demoConfig(options, exchange)
    const logger = createLogger({ level: 'warn', pretty: config.log.pretty })
    const service = new Service({ config, logger, clock: systemClock })
    await service.start()
    const end = await show(service, options)
    logger.flush()
    return report(end)
  } finally {
    exchange.process.kill('SIGTERM')
  }
}

interface Exchange {
  readonly process: ChildProcess
  readonly wsUrl: string
  readonly restUrl: string
}

/** In a process of its own, as a real exchange would be: its work is not counted as the service's. */
async function startExchange({ rate, symbols }: DemoOptions): Promise<Exchange> {
  const trades = Math.max(1, (rate - symbols * FRAMES_PER_SYMBOL) / FRAMES_PER_TRADE)
  const main = fileURLToPath(new URL('../main.js', import.meta.url))
  const flags = ['--port', '0', '--symbols', String(symbols), '--rate', trades.toFixed(3)]
  const child = spawn(process.execPath, [main, 'exchange', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const urls = await new Promise<string[]>((resolve, reject) => {
    const found: string[] = []
    const fail = (why: string): void => {
      child.kill('SIGKILL')
      reject(new SluiceError('SLUICE_TRANSPORT_CONNECT', `starting the simulated exchange: ${why}`))
    }
    const timer = setTimeout(() => fail('it says nothing'), EXCHANGE_START_MS)
    child.once('exit', (code) => fail(`it ended with code ${code}`))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /^(?:WebSocket|REST)\s+(\S+)$/.exec(line)?.[1]
      if (url !== undefined) found.push(url)
      if (found.length < 2) return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      resolve(found)
    })
  })
  return { process: child, wsUrl: urls[0] as string, restUrl: urls[1] as string }
}

async function demoConfig(options: DemoOptions, exchange: Exchange): Promise<SluiceConfig> {
  const answer = await fetch(`${exchange.restUrl}/api/v3/exchangeInfo`)
  const info = (await answer.json()) as { readonly symbols: readonly { readonly symbol: string }[] }
  const sets = [
    `adapters.binance.wsUrl=${exchange.wsUrl}`,
    `adapters.binance.restUrl=${exchange.restUrl}`,
    `symbols=${info.symbols.map((each) => each.symbol).join(',')}`,
    `channels=${CHANNELS.join(',')}`,
    `http.port=${options.port}`
  ]
  const config = loadConfig({ sets })
  return config.kafka.brokers === '' || config.kafka.brokers === 'off'
    ? loadConfig({ sets: [...sets, 'kafka.brokers=embedded'] })
    : config
}

/** Draws until the time is over or a signal comes, then drains. */
async function show(service: Service, { seconds }: DemoOptions): Promise<ServiceEnd> {
  const isTerminal = process.stdout.isTTY
  process.stdout.write(
    `Kafka  ${service.brokers()}   (kcat -b ${service.brokers()} -L)\n` +
      `HTTP   http://127.0.0.1:${service.httpPort}   (/api/v1/status, /metrics)\n\n`
  )
  let before: ServiceStatus | null = service.status()
  let drawnLines = 0
  const timer = setInterval(() => {
    const status = service.status()
    if (status === null || before === null) return
    const rates = ratesBetween(before, status)
    before = status
    if (isTerminal) {
      const lines = renderBlock(status, rates, process.stdout.columns)
      const up = drawnLines > 0 ? `\x1b[${drawnLines}A\x1b[J` : ''
      process.stdout.write(`${up}${lines.join('\n')}\n`)
      drawnLines = lines.length
    } else {
      process.stdout.write(`${renderLine(status, rates)}\n`)
    }
  }, 1000)
  const signal = stopSignal()
  const over = new Promise<void>((resolve) => {
    if (seconds !== null) setTimeout(resolve, seconds * 1000).unref()
  })
  await Promise.race([over, signal.stopped, service.ended])
  clearInterval(timer)
  signal.cancel()
  service.drain('end of the demo')
  return service.ended
}

function report({ cause, status, framesLeft, recordsLeft, deadLettersLeft }: ServiceEnd): number {
  if (cause !== 'drained' || status === null) {
    process.stderr.write('sluice demo: the service gave up; see the log above\n')
    return EXIT_FAILED
  }
  const { text, balanced } = renderAccounting(status)
  process.stdout.write(`\n${text}\n`)
  const left = framesLeft + recordsLeft + deadLettersLeft
  if (left > 0) process.stdout.write(`  left behind: ${left} frames and records\n`)
  return balanced && left === 0 ? EXIT_OK : EXIT_FAILED
}
