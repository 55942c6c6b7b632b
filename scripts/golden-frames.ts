/**
 * Writes test/golden/binance/<case>/frames.ndjson and SOURCE.md from the simulated exchange: every spot
 * stream, in raw form with times in µs and in combined form with times in ms. A line is
 * `{"receivedTimeUs":N,"stream":NAME or null,"frame":TEXT}`; `stream` is null in combined form, where the
 * frame names it itself. `--check` fails when the files differ.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Frame } from '../src/simulator/frame.ts'
import { Market, silentListener } from '../src/simulator/market.ts'
import type { TimeUnit } from '../src/simulator/payloads.ts'
import { StreamHub } from '../src/simulator/stream-hub.ts'
import { symbolSpecs } from '../src/simulator/symbols.ts'

export const GOLDEN_SEED = 20260105
/** 2026-01-05T00:00:00Z less 70 s: a minute, a day and a week end within the frames. */
const START_US = 1_767_571_130_000_000
const HISTORY_US = 60_000_000
const PLAYED_US = 15_000_000
/** Frames of one stream: enough to see it change, few enough to review. */
const FRAMES_MAX = 6

interface GoldenCase {
  readonly name: string
  readonly combined: boolean
  readonly timeUnit: TimeUnit
  readonly streams: readonly string[]
}

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', '这是测试币456']
const CHANNELS: Readonly<Record<string, readonly string[]>> = {
  trade: ['trade'],
  'agg-trade': ['aggTrade'],
  'block-trade': ['blockTrade'],
  kline: ['kline_1s', 'kline_1m', 'kline_1d', 'kline_1w', 'kline_1d@+08:00'],
  ticker: ['ticker'],
  'window-ticker': ['ticker_1h', 'ticker_4h', 'ticker_1d'],
  'mini-ticker': ['miniTicker'],
  'book-ticker': ['bookTicker'],
  'average-price': ['avgPrice'],
  'reference-price': ['referencePrice'],
  depth: ['depth', 'depth@100ms'],
  book: ['depth5', 'depth10@100ms', 'depth20@100ms']
}
const MARKET_WIDE = ['!miniTicker@arr', '!ticker_1h@arr', '!ticker_4h@arr', '!ticker_1d@arr']

function goldenCases(): GoldenCase[] {
  const cases: GoldenCase[] = []
  const groups = Object.entries(CHANNELS).map(([name, channels]) => ({
    name,
    streams: channels.flatMap((channel) =>
      SYMBOLS.map((symbol) => `${symbol.toLowerCase()}@${channel}`)
    )
  }))
  groups.push({ name: 'market-wide', streams: MARKET_WIDE })
  for (const { name, streams } of groups) {
    cases.push({ name: `${name}-raw`, combined: false, timeUnit: 'us', streams })
    cases.push({ name: `${name}-combined`, combined: true, timeUnit: 'ms', streams })
  }
  return cases
}

export interface GoldenFile {
  readonly folder: string
  readonly frames: string
  readonly source: string
}

/** The files as they should be. */
export function renderGolden(): GoldenFile[] {
  return goldenCases().map((each) => ({
    folder: each.name,
    frames: renderCase(each),
    source: sourceText(each)
  }))
}

function renderCase({ combined, timeUnit, streams }: GoldenCase): string {
  const market = new Market({
    specs: symbolSpecs(SYMBOLS),
    seed: GOLDEN_SEED,
    startUs: START_US,
    tradesPerSecond: 200,
    historyRows: 20_000
  })
  market.advance(START_US + HISTORY_US, silentListener)
  const hub = new StreamHub(market)
  const lines: string[] = []
  const counts = new Map<string, number>()
  const enqueue = (frame: Frame): void => {
    const name = frame.stream ?? ''
    const count = counts.get(name) ?? 0
    counts.set(name, count + 1)
    if (count >= FRAMES_MAX) return
    const receivedTimeUs = market.nowUs + 5_000
    const stream = combined ? null : frame.stream
    lines.push(JSON.stringify({ receivedTimeUs, stream, frame: frame.data }))
  }
  for (const stream of streams) hub.subscribe(stream, { combined, timeUnit, enqueue })
  market.advance(market.nowUs + PLAYED_US, hub)
  return `${lines.join('\n')}\n`
}

function sourceText({ name, combined, timeUnit, streams }: GoldenCase): string {
  return [
    `# ${name}`,
    '',
    'Made by the simulated exchange, not recorded: `npm run build && node dist/scripts/golden-frames.js`.',
    '',
    `- seed ${GOLDEN_SEED}, start ${new Date(START_US / 1000).toISOString()}, 60 s of history first`,
    `- ${combined ? 'combined' : 'raw'} form, times in ${timeUnit === 'us' ? 'µs' : 'ms'}`,
    `- the first ${FRAMES_MAX} frames of: ${streams.map((each) => `\`${each}\``).join(', ')}`,
    ''
  ].join('\n')
}

const ROOT = join('test', 'golden', 'binance')

function main(): number {
  const { values } = parseArgs({
    options: { check: { type: 'boolean' }, help: { type: 'boolean' } },
    strict: true
  })
  if (values.help === true) {
    process.stdout.write('usage: node dist/scripts/golden-frames.js [--check]\n')
    return 0
  }
  let different = 0
  for (const { folder, frames, source } of renderGolden()) {
    const path = join(ROOT, folder)
    const files = { 'frames.ndjson': frames, 'SOURCE.md': source }
    if (values.check !== true) mkdirSync(path, { recursive: true })
    for (const [file, text] of Object.entries(files)) {
      const target = join(path, file)
      if (values.check !== true) writeFileSync(target, text)
      else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
        process.stderr.write(`${target} differs from what the simulated exchange makes\n`)
        different += 1
      }
    }
  }
  return different === 0 ? 0 : 1
}

if (process.argv[1]?.endsWith('golden-frames.js') === true) process.exitCode = main()
