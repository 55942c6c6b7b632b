/**
 * End-to-end benchmarks against a real broker: `node dist/bench/e2e.js throughput|recorded|latency`.
 * Candidates alternate within every round. A run whose records differ in number from the frames sent is
 * void and ends the benchmark. Results go to a file of bench/results and to the terminal.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BrokerClient, openBroker } from './e2e/broker.ts'
import { type CandidateName, prepareRust, stopStarted, TITLES } from './e2e/candidates.ts'
import { type Measurement, measure, type Scenario } from './e2e/measure.ts'
import { environment, type Spread, spread } from './harness.ts'

const ROOT = new URL('../../', import.meta.url)
const USAGE = `usage: npm run bench -- throughput|recorded|latency [options]

  --messages N        synthetic frames of one run (throughput: 3000000, latency: 200000)
  --rounds N          rounds; every candidate runs once in each (default 3)
  --symbols N         symbols, and topics (throughput: 50, latency: 10, recorded: 4)
  --rate N            frames a second for latency (default 10000)
  --candidates LIST   of sluice, node, rust (default: all that can run)
  --broker HOST:PORT  a broker to use (default: KAFKA_BROKERS, or one is started)
  --out FILE          default bench/results/KIND-DATE-COMMIT.json; "none" stores nothing`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    symbols: { type: 'string' },
    rate: { type: 'string', default: '10000' },
    candidates: { type: 'string', default: 'sluice,node,rust' },
    broker: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false }
  }
})

const KINDS = ['throughput', 'recorded', 'latency'] as const
type Kind = (typeof KINDS)[number]

/** Names of one length and new in every run, so that topics start empty and ids never repeat. */
function symbolNames(count: number, run: number): string[] {
  const tag = (Date.now() % 36 ** 5).toString(36).toUpperCase().padStart(5, '0')
  return Array.from({ length: count }, (_, index) => {
    return `B${tag}${String(run).padStart(2, '0')}${String(index).padStart(3, '0')}USDT`
  })
}

function recordings(): string[] {
  const folder =
    process.env['SLUICE_RECORDINGS'] ?? fileURLToPath(new URL('../shared/recordings', ROOT))
  return ['spot_btcusdt_20240808.raw.gz', 'spot_btcusdt_20240809.raw.gz']
    .map((file) => `${folder}/${file}`)
    .filter((file) => existsSync(file))
}

function scenarioOf(kind: Kind, candidate: CandidateName, run: number): Scenario {
  const count = Number(values.symbols ?? { throughput: 50, recorded: 4, latency: 10 }[kind])
  const messages = Number(values.messages ?? (kind === 'latency' ? 200_000 : 3_000_000))
  return {
    candidate,
    symbols: symbolNames(count, run),
    channels: kind === 'recorded' ? ['trade', 'bookTicker', 'depth@100ms'] : ['aggTrade'],
    messages: messages - (messages % count),
    rate: kind === 'latency' ? Number(values.rate) : 0,
    recorded: kind === 'recorded' ? recordings() : [],
    // Three connections for the recording's three channels and four symbols.
    streamsPerConnection: kind === 'recorded' ? count : 0
  }
}

function chooseCandidates(kind: Kind): CandidateName[] {
  const wanted = values.candidates.split(',') as CandidateName[]
  // The peers know one stream type only, so recordings are Sluice's alone.
  const able = kind === 'recorded' ? wanted.filter((name) => name === 'sluice') : wanted
  return able.filter((name) => {
    const obstacle = name === 'rust' ? prepareRust() : null
    if (obstacle !== null) console.log(`${TITLES.rust} is left out: ${obstacle}`)
    return obstacle === null
  })
}

function describe(measurement: Measurement): string {
  const { candidate, messagesPerSecond, cpuUsPerMessage, acknowledged, readable } = measurement
  const latency = (name: string, one: { p50Ms: number; p99Ms: number } | null) =>
    one === null ? '' : `  ${name} p50 ${one.p50Ms.toFixed(1)} p99 ${one.p99Ms.toFixed(1)} ms`
  return (
    `${candidate.padEnd(7)} ${Math.round(messagesPerSecond).toString().padStart(8)} messages/s ` +
    `${cpuUsPerMessage.toFixed(2).padStart(6)} µs CPU ${measurement.peakMemoryMib.toFixed(0).padStart(5)} MiB` +
    latency('acked', acknowledged) +
    latency('readable', readable)
  )
}

/** What a table shows of one candidate's runs. */
function summarise(runs: readonly Measurement[]): Record<string, Spread | number> {
  const of = (pick: (run: Measurement) => number | undefined) =>
    spread(
      runs.map(pick).filter((value) => value !== undefined && Number.isFinite(value)) as number[]
    )
  return {
    messages: runs[0]?.messages ?? 0,
    connections: runs[0]?.connections ?? 0,
    messagesPerSecond: of((run) => run.messagesPerSecond),
    cpuUsPerMessage: of((run) => run.cpuUsPerMessage),
    peakMemoryMib: of((run) => run.peakMemoryMib),
    acknowledgedP50Ms: of((run) => run.acknowledged?.p50Ms),
    acknowledgedP99Ms: of((run) => run.acknowledged?.p99Ms),
    readableP50Ms: of((run) => run.readable?.p50Ms),
    readableP99Ms: of((run) => run.readable?.p99Ms)
  }
}

function store(kind: Kind, runs: ReadonlyMap<CandidateName, Measurement[]>): void {
  if (values.out === 'none') return
  const where = environment()
  const file =
    values.out ??
    fileURLToPath(new URL(`bench/results/${kind}-${where.date}-${where.commit}.json`, ROOT))
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`
  const results = [...runs].map(([candidate, measured]) => ({
    candidate,
    ...summarise(measured),
    runs: measured
  }))
  writeFileSync(
    file,
    `${JSON.stringify({ kind, command, environment: where, results }, null, 2)}\n`
  )
  console.log(`stored in ${file}`)
}

async function main(kind: Kind): Promise<void> {
  const names = chooseCandidates(kind)
  if (kind === 'recorded' && recordings().length === 0) {
    console.log('recorded: left out, no recordings beside the project (SLUICE_RECORDINGS)')
    return
  }
  const { address, close } = await openBroker(values.broker ?? process.env['KAFKA_BROKERS'])
  const broker = new BrokerClient(address)
  const runs = new Map<CandidateName, Measurement[]>(names.map((name) => [name, []]))
  mkdirSync(new URL('.cache/bench/', ROOT), { recursive: true })
  try {
    let run = 0
    for (let round = 0; round < Number(values.rounds); round++) {
      // Alternately forwards and backwards, so that none always follows the same one.
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const logFile = fileURLToPath(new URL(`.cache/bench/${name}.log`, ROOT))
        const options = { brokerAddress: address, broker, logFile }
        const measurement = await measure(scenarioOf(kind, name, run++), options)
        runs.get(name)?.push(measurement)
        console.log(describe(measurement))
      }
    }
    store(kind, runs)
  } finally {
    broker.close()
    close()
  }
}

// An interrupted benchmark leaves no candidate behind: their sockets break when the feed ends with us,
// and the service would go on reconnecting.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopStarted()
    process.exit(130)
  })
}

const kind = KINDS.find((known) => known === positionals[0])
if (values.help || kind === undefined) {
  console.log(USAGE)
  process.exitCode = values.help ? 0 : 2
} else {
  await main(kind)
}
