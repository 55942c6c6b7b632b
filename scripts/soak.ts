/**
 * Long run: simulated exchange → service → Kafka at a steady rate, memory and descriptors sampled, a
 * trend test at the end. Exit 0: no growth and the accounting holds; 1: not so; 2: usage.
 */
import { parseArgs } from 'node:util'
import { startSimulatedExchange } from '../src/simulator/simulated-exchange.ts'
import { frameDebt, readAccounting, recordDebt } from '../test/support/accounting.ts'
import { sharedBroker } from '../test/support/kafka-node.ts'
import { serviceEnvironment, uniquePrefix } from '../test/support/scenario.ts'
import { Service } from '../test/support/service.ts'
import { trend } from '../test/support/trend.ts'
import { delay, waitFor } from '../test/support/wait.ts'
import { type ProcessSample, sampleProcess } from './soak-sample.ts'

const USAGE = `usage: npm run soak -- [options]

  --minutes N    length of the run, default 10
  --warmup N     minutes before the trend is taken, default a fifth of the run
  --rate R       trades a second of the simulated exchange, default 2000
  --kafka K      real (default; KAFKA_BROKERS or one started here), host:port, or embedded: that broker
                 keeps records in the service's own memory, so RSS is shown and not judged
  --seed S       of the simulated exchange, default 1
  --heap-bound B bytes of heap a minute above which growth is a failure, default 100000
  --help
`

const CHANNELS = ['trade', 'aggTrade', 'kline_1m', 'ticker', 'bookTicker', 'depth@100ms']
const SAMPLE_MS = 2000

interface Options {
  readonly minutes: number
  readonly warmup: number
  readonly rate: number
  readonly kafka: string
  readonly seed: number
  readonly heapBound: number
}

function readOptions(): Options | null {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      minutes: text,
      warmup: text,
      rate: text,
      kafka: text,
      seed: text,
      'heap-bound': text,
      help: { type: 'boolean' }
    }
  })
  if (values.help === true) return null
  const minutes = Number(values.minutes ?? 10)
  const options = {
    minutes,
    warmup: Number(values.warmup ?? minutes / 5),
    rate: Number(values.rate ?? 2000),
    kafka: values.kafka ?? 'real',
    seed: Number(values.seed ?? 1),
    heapBound: Number(values['heap-bound'] ?? 100_000)
  }
  const numbers = [options.minutes, options.rate, options.warmup, options.seed, options.heapBound]
  if (!numbers.every((value) => Number.isFinite(value) && value >= 0)) {
    throw new TypeError('a number is expected')
  }
  return options
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function sampleFor(service: Service, options: Options): Promise<ProcessSample[]> {
  const samples: ProcessSample[] = []
  const startMs = performance.now()
  const endMs = startMs + options.minutes * 60_000
  let nextLineMs = 0
  say('minute | rss MB | heap MB | external MB | fds | records delivered | in flight')
  while (performance.now() < endMs && service.isRunning) {
    const minute = (performance.now() - startMs) / 60_000
    const sample = await sampleProcess(service, minute)
    samples.push(sample)
    if (performance.now() >= nextLineMs) {
      nextLineMs = performance.now() + Math.max(SAMPLE_MS, (endMs - startMs) / 30)
      const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)
      say(
        [
          minute.toFixed(2),
          mb(sample.rssBytes),
          mb(sample.heapBytes),
          mb(sample.externalBytes),
          sample.fds,
          sample.delivered,
          sample.inFlight
        ].join(' | ')
      )
    }
    await delay(SAMPLE_MS)
  }
  return samples
}

/** One line per measure; true when the growth is within its bound. */
function judge(
  name: string,
  samples: readonly ProcessSample[],
  options: {
    readonly of: (sample: ProcessSample) => number
    readonly boundPerMinute: number
    readonly unit: string
  }
): boolean {
  const line = trend(samples.map((sample) => [sample.minute, options.of(sample)]))
  const isFine = !(line.low > options.boundPerMinute)
  say(
    [
      name,
      `${line.slope.toFixed(1)} ${options.unit}/min`,
      `95 % ${line.low.toFixed(1)} … ${line.high.toFixed(1)}`,
      `bound ${options.boundPerMinute}`,
      isFine ? 'ok' : 'GROWS'
    ].join(' | ')
  )
  return isFine
}

async function atRest(service: Service): Promise<boolean> {
  const accounting = await waitFor(
    async () => {
      const read = await readAccounting(service)
      return read.frames.inRing === 0 && read.records.inFlight === 0 ? read : null
    },
    { timeoutMs: 60_000, everyMs: 200, what: 'the service never came to rest' }
  )
  say(`frames ${JSON.stringify(accounting.frames)}`)
  say(`records ${JSON.stringify(accounting.records)}`)
  return frameDebt(accounting) === 0 && recordDebt(accounting) === 0
}

async function run(options: Options): Promise<number> {
  const exchange = await startSimulatedExchange({
    seed: options.seed,
    symbols: 20,
    rate: options.rate
  })
  const brokers = options.kafka === 'real' ? await sharedBroker() : options.kafka
  const template = `${uniquePrefix()}.{type}`
  const service = await Service.start({
    env: serviceEnvironment({ exchange, brokers, template, channels: CHANNELS })
  })
  say(
    `service pid ${service.pid}, log ${service.logFile}, exchange ${exchange.wsUrl}, kafka ${brokers}`
  )
  const samples = await sampleFor(service, options)
  const steady = samples.filter(({ minute }) => minute >= options.warmup)
  say(`\ntrend over ${steady.length} samples after ${options.warmup.toFixed(1)} min`)
  const fine = [
    judge('heap', steady, {
      of: (each) => each.heapBytes,
      boundPerMinute: options.heapBound,
      unit: 'bytes'
    }),
    judge('rss', steady, {
      of: (each) => each.rssBytes,
      boundPerMinute: options.kafka === 'embedded' ? Number.POSITIVE_INFINITY : 2_000_000,
      unit: 'bytes'
    }),
    judge('fds', steady, { of: (each) => each.fds, boundPerMinute: 0.5, unit: '' })
  ]
  exchange.faults.disconnect({ how: 'mute', connections: 'all' })
  fine.push(service.isRunning && (await atRest(service)))
  if (fine.at(-1) === false) say('the accounting does not hold, or the service ended')
  const exit = service.isRunning ? await service.stop() : await service.exited
  say(
    `peak rss ${(Math.max(...samples.map((each) => each.rssBytes)) / 1e6).toFixed(1)} MB, exit ${exit.code}`
  )
  await exchange.close()
  return fine.every(Boolean) && exit.code === 0 ? 0 : 1
}

try {
  const options = readOptions()
  if (options === null) process.stdout.write(USAGE)
  else process.exitCode = await run(options)
} catch (error) {
  if (error instanceof TypeError) {
    process.stderr.write(`soak: ${error.message}\n${USAGE}`)
    process.exitCode = 2
  } else {
    process.stderr.write(`soak: ${String(error)}\n`)
    process.exitCode = 1
  }
}
