/**
 * Writes what is derived from the tables in src: docs/configuration.md, docs/metrics.md, docs/errors.md,
 * config/default.yaml and .env.example. `--check` only compares and exits 1 when one is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { BUILT_IN_ADAPTER } from '../src/config/adapter-schema.ts'
import { type AnyLeaf, isLeaf, leavesOf, type SchemaTree, variableOf } from '../src/config/leaf.ts'
import { buildSchema } from '../src/config/schema.ts'
import { type Disposition, ERROR_CODES, type ErrorCode } from '../src/core/errors.ts'
import { METRICS } from '../src/telemetry/metrics.ts'

const GENERATED = 'Written by `npm run docs`. Do not edit.'
/** A machine whose defaults need no explanation. */
const tree = buildSchema({ cores: 4, terminal: false }, [])
const leaves = leavesOf(tree)

function rangeOf(leaf: AnyLeaf): string {
  if (leaf.choices !== undefined) return leaf.choices.join(', ')
  if (leaf.kind === 'integer') {
    return `${leaf.min} … ${leaf.max}${leaf.powerOfTwo === true ? ', a power of two' : ''}`
  }
  if (leaf.kind === 'url') return leaf.schemes?.map((scheme) => `${scheme}://`).join(', ') ?? ''
  const kinds: Partial<Record<AnyLeaf['kind'], string>> = {
    boolean: 'true, false',
    list: 'list',
    map: 'map of texts',
    subscriptions: 'list'
  }
  return kinds[leaf.kind] ?? 'text'
}

function defaultOf(leaf: AnyLeaf): string {
  if (leaf.defaultText !== undefined) return leaf.defaultText
  const { default: value } = leaf
  if (Array.isArray(value)) return value.length === 0 ? 'empty' : `\`${value.join(',')}\``
  if (typeof value === 'object') return 'empty'
  return value === '' ? 'empty' : `\`${String(value)}\``
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

function configurationDoc(): string {
  const sections = new Map<string, string[]>()
  for (const [path, leaf] of leaves) {
    const section = path.includes('.') ? (path.split('.')[0] ?? '') : 'top level'
    const names = [variableOf(path), ...(leaf.aliases ?? [])]
    const files = leaf.secret === true ? ' (and `…_FILE`)' : ''
    const variables = names.map((name) => `\`${name}\``).join(', ') + files
    const row = [`\`${path}\``, variables, defaultOf(leaf), rangeOf(leaf), leaf.doc]
    const rows = sections.get(section) ?? []
    rows.push(`| ${row.map(cell).join(' | ')} |`)
    sections.set(section, rows)
  }
  const tables = [...sections].flatMap(([section, rows]) => [
    `## ${section}`,
    '',
    '| key | variables | default | accepted | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    ''
  ])
  return `# Configuration

${GENERATED}

Precedence: defaults < YAML files (\`--config\`, repeatable, or \`SLUICE_CONFIG\`, separated by commas; later
files win, maps merge, lists replace) < environment < flags (\`--set path=value\`, repeatable).

- Every key has a variable: \`SLUICE_\` and the path in upper snake case. That variable beats its aliases.
- An empty variable counts as not set. \`--set path=\` sets a text or list to empty.
- A list in a variable is separated by commas, or JSON. A size may be written with KiB, MiB or GiB.
- Secrets are also read from the file that \`…_FILE\` names.
- An entry of \`kafka.librdkafka\` has its own variable too: \`SLUICE_KAFKA_LIBRDKAFKA_SASL_USERNAME\` sets
  \`sasl.username\`; those that hold secrets also take \`…_FILE\`.
- \`adapters\` is a map. Below stands its built-in entry \`${BUILT_IN_ADAPTER}\`; another entry has the same keys,
  with its own name in path and variable, and must name its \`module\`.
- \`symbols\` and \`channels\` are the short form of \`subscriptions\` for the adapter \`${BUILT_IN_ADAPTER}\`. Where
  both forms are given, the source of higher precedence decides.
- An unknown key or \`SLUICE_…\` variable is an error that names the nearest known one. All errors are listed,
  one line each, and the command exits 2.

\`sluice config\` prints what is in effect, secrets masked; \`sluice config --check\` only validates.

${tables.join('\n')}`
}

function metricsDoc(): string {
  const rows = METRICS.map(({ name, type, labels, help }) => {
    const named = labels.map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${named} | ${cell(help)} |`
  })
  return `# Metrics

${GENERATED}

Served at \`/metrics\` in the Prometheus text format and at \`/api/v1/metrics\` as JSON, beside the usual
\`process_…\` and \`nodejs_…\` metrics. Names and labels are a contract. Labels come from closed sets; series by
symbol exist only with \`metrics.perSymbol\`, and only for configured symbols.

## The two identities

Frames, at any moment up to what moves during the reading, exactly at rest:

    sluice_frames_received_total
      = sluice_frames_parsed_total + sluice_frames_ignored_total + sluice_dead_letters_total
      + sluice_shed_total + sluice_frames_in_ring

Records, for each sink:

    sluice_records_emitted_total
      = sluice_sink_delivered_total + sluice_sink_dead_lettered_total + sluice_sink_deduplicated_total
      + sluice_sink_shed_total + sluice_sink_spooled + sluice_sink_in_flight

Each name stands for the sum over its labels. No term is computed from the others.

## All metrics

| name | type | labels | meaning |
|---|---|---|---|
${rows.join('\n')}
`
}

const DISPOSITIONS: Readonly<Record<Disposition, string>> = {
  drop: 'the thing at hand is refused or dead-lettered; everything else goes on',
  retry: 'it is tried again, by us or by the caller',
  heal: 'the missing range is fetched or declared',
  reconnect: 'the connection is replaced',
  fatal: 'the command, or the thread, ends'
}

const MEANINGS: Partial<Record<ErrorCode, string>> = {
  SLUICE_CONFIG_INVALID: 'A configuration value is wrong; the message names source, key, range.',
  SLUICE_CONFIG_UNKNOWN_KEY: 'An unknown key or variable; the message names the nearest known one.',
  SLUICE_CONFIG_FILE: 'A configuration file cannot be read.',
  SLUICE_USAGE: 'Wrong flags or arguments.',
  SLUICE_TRANSPORT_CONNECT: 'A connection could not be opened.',
  SLUICE_TRANSPORT_CLOSED: 'A connection ended.',
  SLUICE_TRANSPORT_TIMEOUT: 'No answer in time.',
  SLUICE_TRANSPORT_HTTP: 'An exchange answered with an unexpected status or body.',
  SLUICE_TRANSPORT_RATE_LIMITED: 'The exchange asks for a pause (429).',
  SLUICE_TRANSPORT_BANNED: 'The exchange has banned this address for a while (418).',
  SLUICE_TRANSPORT_REFUSED: 'The exchange refuses this address or location for good.',
  SLUICE_EXCHANGE_UNKNOWN: 'No adapter or exchange of that name, or its module is unusable.',
  SLUICE_EXCHANGE_SUBSCRIPTION: 'Unknown symbols or channels; all of them are listed.',
  SLUICE_EXCHANGE_CONTROL: 'The exchange refused or ignored a control message.',
  SLUICE_RING_LAYOUT: 'A buffer is not a ring of this version.',
  SLUICE_RING_OWNERSHIP: 'A thread whose epoch has passed tried to publish.',
  SLUICE_SINK_CONFIG: 'Sink settings contradict what Sluice promises.',
  SLUICE_SINK_UNREACHABLE: 'No broker answers.',
  SLUICE_NATIVE_MISSING: 'A native addon is not built: `npm run build:native`.',
  SLUICE_NATIVE_MISMATCH: 'A native addon is of another version: `npm run build:native`.',
  SLUICE_THREAD_START: 'A worker did not attach in time.',
  SLUICE_THREAD_LOST: 'A worker died.',
  SLUICE_THREAD_GAVE_UP: 'A worker died too often; the process ends with exit code 70.',
  SLUICE_HTTP_LISTEN: 'The HTTP port is taken, or the address is not of this machine.',
  SLUICE_CAPTURE_FORMAT: 'A recording has a malformed line; the message names its number.',
  SLUICE_SERVICE_STATE: 'The service is starting or being taken down and does not change now.',
  SLUICE_INVARIANT: 'A bug: the thread ends and is replaced.'
}

function errorsDoc(): string {
  const codes = Object.entries(ERROR_CODES) as [ErrorCode, Disposition][]
  const rows = codes.map(([code, disposition]) => {
    return `| \`${code}\` | ${disposition} | ${MEANINGS[code] ?? ''} |`
  })
  const kinds = Object.entries(DISPOSITIONS).map(([name, meaning]) => `- **${name}**: ${meaning}`)
  return `# Errors

${GENERATED}

Every error has a code, which is stable, and a disposition, which says what follows:

${kinds.join('\n')}

The API answers \`{"error":{"code","message"}}\`. Codes in lower case come from the HTTP layer itself
(\`not_found\`, \`unauthorized\`, \`body_too_large\` …); those below come from the service.
Exit codes of commands: 0 ok, 1 failed, 2 usage or configuration, 70 gave up after repeated crashes.

| code | disposition | meaning |
|---|---|---|
${rows.join('\n')}
`
}

/** A value as YAML writes it on one line. */
function yamlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlValue).join(', ')}]`
  if (typeof value === 'object') return '{}'
  if (typeof value !== 'string') return String(value)
  return /^[A-Za-z][\w./:-]*$/.test(value) ? value : JSON.stringify(value)
}

/** Defaults that depend on the machine or on other values stay comments: a value would fix them. */
function yamlLines(node: SchemaTree, depth: number): string[] {
  const indent = '  '.repeat(depth)
  return Object.entries(node).flatMap(([key, value]) => {
    if (!isLeaf(value)) return [`${indent}${key}:`, ...yamlLines(value, depth + 1)]
    const comment = `${indent}# ${value.doc}`
    if (value.defaultText !== undefined) return [comment, `${indent}# ${key}: ${value.defaultText}`]
    return [comment, `${indent}${key}: ${yamlValue(value.default)}`]
  })
}

function defaultYaml(): string {
  const { symbols, channels, subscriptions, ...rest } = tree
  const short = { symbols, channels, subscriptions } as SchemaTree
  const sections = Object.entries(rest).map(([key, node]) =>
    yamlLines({ [key]: node }, 0).join('\n')
  )
  return [
    `# Every key with its default. ${GENERATED}`,
    '# It says what would hold without it; docs/configuration.md says more.',
    yamlLines(short, 0).join('\n'),
    ...sections,
    ''
  ]
    .join('\n\n')
    .replace(/\n\n$/, '\n')
}

const ENV_PATHS = [
  'kafka.brokers',
  'symbols',
  'channels',
  'kafka.topic',
  'kafka.topicPartitions',
  'kafka.topicReplication',
  'http.host',
  'http.port',
  'admin.token',
  'ingest.token',
  'adapters.binance.wsUrl',
  'adapters.binance.restUrl',
  'workers.parsers',
  'workers.ringBytes',
  'drainSeconds',
  'log.level'
]

function envExample(): string {
  const lines = ENV_PATHS.flatMap((path) => {
    const leaf = leaves.get(path)
    if (leaf === undefined) throw new Error(`no configuration key ${path}`)
    const name = leaf.aliases?.find((alias) => alias.startsWith('SLUICE_')) ?? variableOf(path)
    const { default: value } = leaf
    const shown = Array.isArray(value) ? value.join(',') : String(value)
    const said = leaf.defaultText === undefined ? '' : ` Default: ${leaf.defaultText}.`
    return [
      `# ${leaf.doc}${said}`,
      path === 'kafka.brokers' ? `${name}=localhost:9092` : `#${name}=${shown}`
    ]
  })
  return [
    `# Copy to .env. ${GENERATED}`,
    '# All variables: docs/configuration.md',
    '',
    ...lines,
    ''
  ].join('\n')
}

const outputs: readonly (readonly [string, string])[] = [
  ['docs/configuration.md', configurationDoc()],
  ['docs/metrics.md', metricsDoc()],
  ['docs/errors.md', errorsDoc()],
  ['config/default.yaml', defaultYaml()],
  ['.env.example', envExample()]
]
const root = new URL('../../', import.meta.url)
for (const [name, text] of outputs) {
  const target = new URL(name, root)
  const current = existsSync(target) ? readFileSync(target, 'utf8') : ''
  if (current === text) continue
  if (process.argv.includes('--check')) {
    process.stderr.write(`${name} is stale: run npm run docs\n`)
    process.exitCode = 1
  } else {
    writeFileSync(target, text)
    process.stdout.write(`wrote ${name}\n`)
  }
}
