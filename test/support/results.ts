/** Tables of measured figures: printed always, written as JSON where SLUICE_RESULTS_DIR says. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export type Row = Readonly<Record<string, string | number>>

export function publish(
  t: Pick<TestContext, 'diagnostic'>,
  name: string,
  rows: readonly Row[]
): void {
  const columns = Object.keys(rows[0] ?? {})
  t.diagnostic(columns.join(' | '))
  for (const row of rows) t.diagnostic(columns.map((column) => String(row[column])).join(' | '))
  const dir = process.env['SLUICE_RESULTS_DIR']
  if (dir === undefined || dir === '') return
  mkdirSync(dir, { recursive: true })
  const text = JSON.stringify({ name, date: new Date().toISOString(), rows }, null, 2)
  writeFileSync(join(dir, `${name}.json`), `${text}\n`)
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
