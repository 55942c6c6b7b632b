/**
 * Renders every file of bench/results into the marked parts of PERFORMANCE.md, oldest first. Rows come
 * only from result files, so a figure there can always be traced to the run that gave it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { BenchmarkResult, Environment, Spread } from './harness.ts'

const ROOT = new URL('../../', import.meta.url)
const PAGE = new URL('PERFORMANCE.md', ROOT)
const RESULTS = new URL('bench/results/', ROOT)

interface MicroFile {
  readonly kind: 'micro'
  readonly environment: Environment
  readonly results: readonly BenchmarkResult[]
}

interface EndToEndResult {
  readonly candidate: string
  readonly messages: number
  readonly connections: number
  readonly messagesPerSecond: Spread
  readonly cpuUsPerMessage: Spread
  readonly peakMemoryMib: Spread
  readonly acknowledgedP50Ms: Spread
  readonly acknowledgedP99Ms: Spread
  readonly readableP50Ms: Spread
  readonly readableP99Ms: Spread
}

interface EndToEndFile {
  readonly kind: 'throughput' | 'recorded' | 'latency'
  readonly command: string
  readonly environment: Environment
  readonly results: readonly EndToEndResult[]
}

type ResultFile = MicroFile | EndToEndFile

/** What an integration test found: a table of its own. */
interface TestFile {
  readonly name: string
  readonly date: string
  readonly rows: readonly Readonly<Record<string, string | number>>[]
}

function loadFiles(): unknown[] {
  return readdirSync(RESULTS)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(new URL(name, RESULTS), 'utf8')) as unknown)
}

function isResultFile(file: unknown): file is ResultFile {
  return typeof file === 'object' && file !== null && 'environment' in file
}

function isTestFile(file: unknown): file is TestFile {
  return typeof file === 'object' && file !== null && 'name' in file && 'rows' in file
}

/** `median (n, min to max)`; a dash where nothing was measured (JSON stores NaN as null). */
function cell(value: Spread | undefined, digits: number, scale = 1): string {
  if (value === undefined || value.median === null || value.rounds === 0) return '–'
  const text = (number: number) => (number * scale).toFixed(digits)
  return `${text(value.median)} (${value.rounds}, ${text(value.min)} to ${text(value.max)})`
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

const where = ({ environment: { machine, node, commit, date } }: ResultFile) => [
  `${machine}, Node ${node}`,
  commit,
  date
]

const NAMES: Readonly<Record<string, string>> = {
  sluice: '**Sluice**',
  node: 'ws + JSON.parse + kafka-javascript',
  rust: 'hand-written Rust'
}

function microTable(files: readonly MicroFile[]): string {
  const rows = files.flatMap((file) =>
    file.results.map((result) => [
      result.group,
      result.name,
      `${cell(result.wallNs, 1)} ns/${result.unit}`,
      `${result.cpuNs.median.toFixed(1)} ns`,
      result.timesFaster === null ? '–' : `${result.timesFaster.toFixed(2)}×`,
      ...where(file)
    ])
  )
  const header = [
    'group',
    'subject',
    'wall',
    'CPU',
    'against its reference',
    'machine',
    'commit',
    'date'
  ]
  return `Command: \`npm run bench -- micro\`\n\n${table(header, rows)}`
}

function throughputTable(files: readonly EndToEndFile[]): string {
  const rows = files.flatMap((file) =>
    file.results.map((result) => [
      NAMES[result.candidate] ?? result.candidate,
      `${result.messages}, ${result.connections}`,
      cell(result.messagesPerSecond, 0, 0.001),
      cell(result.cpuUsPerMessage, 2),
      cell(result.peakMemoryMib, 0),
      `\`${file.command}\``,
      ...where(file)
    ])
  )
  const header = [
    'candidate',
    'messages, connections',
    'thousand messages/s',
    'CPU µs/message',
    'peak MiB',
    'command',
    'machine',
    'commit',
    'date'
  ]
  return table(header, rows)
}

function latencyTable(files: readonly EndToEndFile[]): string {
  const rows = files.flatMap((file) =>
    file.results.map((result) => [
      NAMES[result.candidate] ?? result.candidate,
      cell(result.readableP50Ms, 1),
      cell(result.readableP99Ms, 1),
      cell(result.acknowledgedP50Ms, 1),
      cell(result.acknowledgedP99Ms, 1),
      cell(result.cpuUsPerMessage, 1),
      `\`${file.command}\``,
      ...where(file)
    ])
  )
  const header = [
    'candidate',
    'sent → readable p50, ms',
    'p99, ms',
    'received → acknowledged p50, ms',
    'p99, ms',
    'CPU µs/message',
    'command',
    'machine',
    'commit',
    'date'
  ]
  return table(header, rows)
}

function testTable({ date, rows }: TestFile): string {
  const header = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => header.map((key) => String(row[key] ?? '–')))
  return `${table(header, cells)}\n\n${date.slice(0, 10)}`
}

function replaceSection(page: string, name: string, body: string): string {
  const begin = `<!-- begin ${name} -->`
  const end = `<!-- end ${name} -->`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`PERFORMANCE.md has no section "${name}"`)
  return `${page.slice(0, from + begin.length)}\n\n${body}\n\n${page.slice(to)}`
}

function main(): void {
  const all = loadFiles()
  const files = all
    .filter(isResultFile)
    .sort((a, b) => a.environment.date.localeCompare(b.environment.date))
  const ofKind = (kind: EndToEndFile['kind']) =>
    files.filter((file): file is EndToEndFile => file.kind === kind)
  const micro = files.filter((file): file is MicroFile => file.kind === 'micro')
  const sections: [string, string][] = []
  if (micro.length > 0) sections.push(['micro', microTable(micro)])
  for (const kind of ['throughput', 'recorded'] as const) {
    if (ofKind(kind).length > 0) sections.push([kind, throughputTable(ofKind(kind))])
  }
  if (ofKind('latency').length > 0) sections.push(['latency', latencyTable(ofKind('latency'))])
  for (const file of all.filter(isTestFile)) sections.push([file.name, testTable(file)])
  let page = readFileSync(PAGE, 'utf8')
  for (const [name, body] of sections) page = replaceSection(page, name, body)
  writeFileSync(PAGE, page)
}

main()
