/**
 * Writes native/src/layout.h from src/ring/layout.ts, src/ring/counters.ts and src/model/record.ts.
 * `--check` only compares and exits 1 when they differ.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import * as record from '../src/model/record.ts'
import * as counters from '../src/ring/counters.ts'
import * as layout from '../src/ring/layout.ts'

function constants(module: object, comment: string): string[] {
  const lines = [`// ${comment}`]
  for (const [name, value] of Object.entries(module)) {
    if (typeof value === 'number') lines.push(`constexpr uint32_t ${name} = ${value}u;`)
  }
  return [...lines, '']
}

function enumeration(name: string, table: Readonly<Record<string, number>>): string[] {
  const rows = Object.entries(table)
  const size = Math.max(...Object.values(table)) + 1
  return [
    `enum class ${name} : uint8_t {`,
    ...rows.map(([key, value]) => `  ${key} = ${value},`),
    '};',
    `constexpr const char* ${name}_NAMES[${size}] = {`,
    ...Array.from({ length: size }, (_, index) => {
      const row = rows.find(([, value]) => value === index)
      return row ? `    "${row[0]}",` : '    nullptr,'
    }),
    '};',
    ''
  ]
}

export function renderLayoutHeader(): string {
  return [
    '// Written by `npm run layout` from src/ring and src/model. Do not edit.',
    '#pragma once',
    '#include <cstdint>',
    '',
    'namespace sluice {',
    '',
    ...constants(layout, 'src/ring/layout.ts'),
    ...constants(counters, 'src/ring/counters.ts'),
    ...constants(record, 'src/model/record.ts'),
    ...enumeration('RecordType', record.RecordType),
    ...enumeration('RecordSource', record.RecordSource),
    ...enumeration('DeadLetterReason', record.DeadLetterReason),
    '}  // namespace sluice',
    ''
  ].join('\n')
}

const target = new URL('../../native/src/layout.h', import.meta.url)
if (process.argv[1]?.endsWith('gen-layout.js')) {
  const text = renderLayoutHeader()
  if (process.argv.includes('--check')) {
    if (readFileSync(target, 'utf8') !== text) {
      process.stderr.write('native/src/layout.h differs from src/ring: run npm run layout\n')
      process.exit(1)
    }
  } else {
    writeFileSync(target, text)
  }
}
