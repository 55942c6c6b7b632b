/**
 * Writes docs/configuration.md and docs/errors.md from the tables in src. `--check` only compares and
 * exits 1 when a file is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AnyLeaf, leavesOf, variableOf } from '../src/config/leaf.ts'
import { buildSchema } from '../src/config/schema.ts'
import { ERROR_CODES } from '../src/core/errors.ts'

const NOTE = 'Written by `npm run docs`; do not edit.'

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const escapeBars = (text: string) => text.replaceAll('|', '\\|')
  const line = (cells: readonly string[]) => `| ${cells.map(escapeBars).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

function defaultOf(leaf: AnyLeaf): string {
  if (leaf.defaultText !== undefined) return leaf.defaultText
  const value = leaf.default
  if (value === '' || (Array.isArray(value) && value.length === 0)) return 'empty'
  if (Array.isArray(value)) return `\`${value.join(',')}\``
  if (typeof value === 'object') return 'empty'
  return `\`${String(value)}\``
}

function rangeOf(leaf: AnyLeaf): string {
  if (leaf.choices !== undefined) return leaf.choices.join(', ')
  if (leaf.min !== undefined && leaf.max !== undefined) return `${leaf.min} to ${leaf.max}`
  if (leaf.schemes !== undefined) return leaf.schemes.map((scheme) => `${scheme}://`).join(', ')
  return leaf.patternText ?? ''
}

function configurationPage(): string {
  const leaves = leavesOf(buildSchema({ cores: 2, terminal: false }, []))
  const rows = [...leaves].map(([path, leaf]) => {
    const variables = [variableOf(path), ...(leaf.aliases ?? [])].map((name) => `\`${name}\``)
    return [
      `\`${path}\``,
      variables.join(', ') + (leaf.secret ? ', and each with `_FILE`' : ''),
      defaultOf(leaf),
      rangeOf(leaf),
      leaf.doc
    ]
  })
  return `# Configuration

${NOTE} Source: \`src/config\`.

Defaults, then YAML files (\`--config FILE\`, repeatable, or \`SLUICE_CONFIG\`; later files win, maps merge, lists replace), then environment variables, then \`--set PATH=VALUE\`. Of a key's variables the first one named wins. A list is given as comma-separated text. \`sluice config\` prints what is in effect, \`sluice config --check\` only validates.

\`adapters\` is a map: every further adapter has the keys shown for \`binance\` under its own name.

${table(['key', 'variables', 'default', 'values', 'meaning'], rows)}
`
}

const DISPOSITIONS: Readonly<Record<string, string>> = {
  drop: 'this one item is refused; everything else goes on',
  retry: 'it is tried again, with a growing delay',
  heal: 'the missing range is fetched again',
  reconnect: 'the connection is opened again',
  fatal: 'the part, or the process, cannot go on'
}

function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, disposition]) => [
    `\`${code}\``,
    disposition,
    DISPOSITIONS[disposition] ?? ''
  ])
  return `# Error codes

${NOTE} Source: \`src/core/errors.ts\`.

Codes are stable; messages are not. The disposition says what the program does about it.

${table(['code', 'disposition', 'so'], rows)}
`
}

const PAGES: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configurationPage,
  'docs/errors.md': errorsPage
}

const checkOnly = process.argv.includes('--check')
for (const [file, render] of Object.entries(PAGES)) {
  const target = new URL(`../../${file}`, import.meta.url)
  const text = render()
  if (!checkOnly) writeFileSync(target, text)
  else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    process.stderr.write(`${file} is stale: npm run docs\n`)
    process.exitCode = 1
  }
}
