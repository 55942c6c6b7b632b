/**
 * Runs micro benchmarks: alternated rounds, inputs prepared outside the timed body, medians with their
 * spread, and a hash of what was computed, so that a benchmark cannot quietly stop doing its work.
 */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

/** One subject. A file in bench/micro exports `benchmarks: readonly Benchmark<…>[]`. */
export interface Benchmark<State = unknown> {
  readonly name: string
  /** Benchmarks of one group do the same work and are compared; their rounds alternate. */
  readonly group: string
  /** The one the others of the group are measured against. */
  readonly reference?: boolean
  /** What one operation is: entry, frame, record. */
  readonly unit: string
  /** Operations of a smoke run and of a real one. */
  readonly small: number
  readonly large: number
  /** Not timed, once per round. */
  setup(operations: number): State | Promise<State>
  run(state: State, operations: number): void | Promise<void>
  /** Of the result of `run`: equal in every round, and worth comparing within a group where it can be. */
  hash(state: State): string
  teardown?(state: State): void | Promise<void>
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
}

export interface BenchmarkResult {
  readonly name: string
  readonly group: string
  readonly unit: string
  readonly operations: number
  readonly wallNs: Spread
  /** CPU of the whole process, all threads. */
  readonly cpuNs: Spread
  /** The reference's median wall time divided by this one's: 2 = twice as fast. Null outside a group. */
  readonly timesFaster: number | null
  readonly hash: string
}

export interface Environment {
  readonly date: string
  readonly commit: string
  readonly node: string
  readonly machine: string
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number) => sorted[index] ?? Number.NaN
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2
  return { median, min: at(0), max: at(sorted.length - 1), rounds: sorted.length }
}

/** Where a figure was taken. Uncommitted changes show as a `+` behind the commit. */
export function environment(): Environment {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()
  let commit = 'unknown'
  try {
    const dirty = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'native/src')
    commit = git('rev-parse', '--short', 'HEAD') + (dirty === '' ? '' : '+')
  } catch {
    // Not a git checkout, e.g. a release archive.
  }
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const gib = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 10),
    commit,
    node: process.version,
    machine: `${cpus().length} × ${model}, ${gib} GiB`
  }
}

interface Sample {
  readonly wallNs: number
  readonly cpuNs: number
  readonly hash: string
}

async function sample(benchmark: Benchmark, operations: number): Promise<Sample> {
  const state = await benchmark.setup(operations)
  const cpuBefore = process.cpuUsage()
  const before = process.hrtime.bigint()
  await benchmark.run(state, operations)
  const wall = Number(process.hrtime.bigint() - before)
  const cpu = process.cpuUsage(cpuBefore)
  const hash = benchmark.hash(state)
  await benchmark.teardown?.(state)
  return {
    wallNs: wall / operations,
    cpuNs: ((cpu.user + cpu.system) * 1000) / operations,
    hash
  }
}

export interface RunOptions {
  readonly rounds: number
  readonly smoke: boolean
}

/** Runs one group, its members alternated in every round. The first round warms up and is not kept. */
export async function runGroup(
  group: readonly Benchmark[],
  { rounds, smoke }: RunOptions
): Promise<BenchmarkResult[]> {
  const samples = new Map<Benchmark, Sample[]>(group.map((benchmark) => [benchmark, []]))
  const warmUps = smoke ? 0 : 1
  for (let round = 0; round < rounds + warmUps; round++) {
    for (const [benchmark, kept] of samples) {
      const taken = await sample(benchmark, smoke ? benchmark.small : benchmark.large)
      if (round >= warmUps) kept.push(taken)
    }
  }
  const reference = group.find((benchmark) => benchmark.reference)
  const wallOf = (benchmark: Benchmark) =>
    spread((samples.get(benchmark) ?? []).map((one) => one.wallNs))
  return group.map((benchmark) => {
    const kept = samples.get(benchmark) ?? []
    const hashes = new Set(kept.map((one) => one.hash))
    if (hashes.size !== 1) {
      throw new Error(`${benchmark.name}: rounds differ in their result: ${[...hashes].join(', ')}`)
    }
    const wallNs = wallOf(benchmark)
    return {
      name: benchmark.name,
      group: benchmark.group,
      unit: benchmark.unit,
      operations: smoke ? benchmark.small : benchmark.large,
      wallNs,
      cpuNs: spread(kept.map((one) => one.cpuNs)),
      timesFaster: reference ? wallOf(reference).median / wallNs.median : null,
      hash: [...hashes][0] ?? ''
    }
  })
}
