/**
 * Runs every bench/micro/*.bench.ts: `node dist/bench/micro.js [--smoke] [--only TEXT] [--rounds N]
 * [--out FILE]`. A smoke run is one small round of each: it proves they still work, it measures nothing.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Benchmark, type BenchmarkResult, environment, runGroup } from './harness.ts'

const { values } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '7' },
    out: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false }
  }
})

async function loadBenchmarks(): Promise<Benchmark[]> {
  const folder = new URL('./micro/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.bench.js'))
  const loaded: Benchmark[] = []
  for (const file of files.sort()) {
    const module: { benchmarks?: readonly Benchmark[] } = await import(new URL(file, folder).href)
    if (!Array.isArray(module.benchmarks)) throw new Error(`${file} exports no benchmarks`)
    loaded.push(...module.benchmarks)
  }
  return loaded.filter(({ name, group }) => `${group} ${name}`.includes(values.only))
}

function printRow(result: BenchmarkResult): void {
  const { wallNs, cpuNs, timesFaster } = result
  const factor = timesFaster === null ? '' : `${timesFaster.toFixed(2)}×`
  console.log(
    [
      result.name.padEnd(44),
      `${wallNs.median.toFixed(1)} ns/${result.unit}`.padStart(18),
      `(${wallNs.min.toFixed(1)} to ${wallNs.max.toFixed(1)})`.padStart(22),
      `cpu ${cpuNs.median.toFixed(1)}`.padStart(12),
      factor.padStart(8),
      ` ${result.hash}`
    ].join(' ')
  )
}

async function main(): Promise<void> {
  if (values.help) {
    console.log('usage: npm run bench -- micro [--only TEXT] [--rounds N] [--out FILE]')
    return
  }
  const groups = new Map<string, Benchmark[]>()
  for (const benchmark of await loadBenchmarks()) {
    const group = groups.get(benchmark.group) ?? []
    group.push(benchmark)
    groups.set(benchmark.group, group)
  }
  const results: BenchmarkResult[] = []
  for (const group of groups.values()) {
    const rounds = values.smoke ? 1 : Number(values.rounds)
    const finished = await runGroup(group, { rounds, smoke: values.smoke })
    finished.forEach(printRow)
    results.push(...finished)
  }
  if (values.out !== undefined) {
    const stored = { kind: 'micro', environment: environment(), results }
    writeFileSync(values.out, `${JSON.stringify(stored, null, 2)}\n`)
  }
}

await main()
