/**
 * House rules the linter has no rule for. Prints each breach as `file:line: message`; exit 1 if any.
 *   - a TODO names its issue: TODO(#123)
 *   - shell scripts, C++ and Markdown lines hold no address of a package registry or of one machine
 *   - every `sluice_…` metric, every error code and every configuration key stands in its document
 *   - a relative link in a Markdown file leads to a file
 */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ERROR_CODES } from '../src/core/errors.ts'

interface Breach {
  readonly file: string
  readonly line: number
  readonly message: string
}

const SOURCE_LINES_MAX = 400
const TEXT = /\.(ts|mjs|cc|h|md|ya?ml|json)$|^(scripts|bin|\.ci)\/[^.]+$|^(Makefile|Dockerfile)$/
const GENERATED = new Set(['package-lock.json', 'native/src/layout.h', 'scripts/tidy.ts'])
const MACHINE = /"resolved": |registry\.npm|\/(root|home|work)\/[a-z]/

function trackedFiles(): string[] {
  const listing = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    encoding: 'utf8'
  })
  return listing.split('\n').filter((file) => TEXT.test(file) && existsSync(file))
}

function checkLines(file: string, text: string): Breach[] {
  const breaches: Breach[] = []
  text.split('\n').forEach((content, index) => {
    const breach = (message: string) => breaches.push({ file, line: index + 1, message })
    if (/\bTODO\b(?!\(#\d+\))/.test(content)) breach('a TODO names its issue: TODO(#123)')
    if (MACHINE.test(content)) breach('an address or path of one machine or registry')
  })
  return breaches
}

function checkLength(file: string, text: string): Breach[] {
  if (!/\.(cc|h|mjs)$/.test(file)) return []
  const lines = text.split('\n').length
  if (lines <= SOURCE_LINES_MAX) return []
  return [{ file, line: 1, message: `${lines} lines, more than ${SOURCE_LINES_MAX}` }]
}

function checkLinks(file: string, text: string): Breach[] {
  if (!file.endsWith('.md')) return []
  const breaches: Breach[] = []
  for (const match of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
    const target = match[1] ?? ''
    if (existsSync(join(dirname(file), target))) continue
    const line = text.slice(0, match.index).split('\n').length
    breaches.push({ file, line, message: `broken link: ${target}` })
  }
  return breaches
}

/** Names that `document` must mention; a document that does not exist yet is not checked. */
function checkDocumented(document: string, names: Iterable<string>, file: string): Breach[] {
  if (!existsSync(document)) return []
  const text = readFileSync(document, 'utf8')
  return [...names]
    .filter((name) => !text.includes(name))
    .map((name) => ({ file, line: 1, message: `${name} is not in ${document}: npm run docs` }))
}

function metricNames(file: string, text: string): string[] {
  if (!file.startsWith('src/telemetry/')) return []
  return [...text.matchAll(/'(sluice_[a-z0-9_]+)'/g)].map((match) => match[1] ?? '')
}

const breaches: Breach[] = []
for (const file of trackedFiles()) {
  if (GENERATED.has(file)) continue
  const text = readFileSync(file, 'utf8')
  breaches.push(...checkLines(file, text), ...checkLength(file, text), ...checkLinks(file, text))
  breaches.push(...checkDocumented('docs/metrics.md', metricNames(file, text), file))
}
if (/"resolved":/.test(readFileSync('package-lock.json', 'utf8'))) {
  breaches.push({ file: 'package-lock.json', line: 1, message: 'holds download addresses' })
}
breaches.push(...checkDocumented('docs/errors.md', Object.keys(ERROR_CODES), 'src/core/errors.ts'))

for (const { file, line, message } of breaches) {
  process.stdout.write(`${file}:${line}: ${message}\n`)
}
process.exitCode = breaches.length === 0 ? 0 : 1
