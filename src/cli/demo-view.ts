/**
 * The live summary of `sluice demo`: a block that redraws itself on a terminal, one line a second
 * elsewhere. Pure: status in, text out.
 */
import type { ServiceStatus } from '../model/status.ts'

const integer = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const count = (value: number): string => integer.format(value)
const BAR_WIDTH = 20

function bar(share: number): string {
  const filled = Math.round(Math.min(Math.max(share, 0), 1) * BAR_WIDTH)
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${(share * 100).toFixed(1)}%`
}

function milliseconds(value: number): string {
  return value >= 100 ? `${value.toFixed(0)} ms` : `${value.toFixed(1)} ms`
}

/** Rates between two readings of the status. */
export interface Rates {
  readonly framesPerSecond: number
  readonly recordsPerSecond: number
}

export function ratesBetween(before: ServiceStatus, after: ServiceStatus): Rates {
  const seconds = Math.max(after.uptimeSeconds - before.uptimeSeconds, 0.001)
  return {
    framesPerSecond: (after.frames.received - before.frames.received) / seconds,
    recordsPerSecond: (after.records.delivered - before.records.delivered) / seconds
  }
}

const INDENT = ' '.repeat(13)
const TYPES_IN_ROW = 4

function rowsOf(types: readonly string[]): string[] {
  if (types.length === 0) return ['none yet']
  const rows: string[] = []
  for (let at = 0; at < types.length; at += TYPES_IN_ROW) {
    rows.push(types.slice(at, at + TYPES_IN_ROW).join('  '))
  }
  return rows
}

/** Lines for a terminal of this width: a wrapped line would break the redrawing. */
export function renderBlock(status: ServiceStatus, rates: Rates, columns: number): string[] {
  const { frames, records, latency } = status
  const types = Object.entries(records.byType)
    .filter(([, value]) => value > 0)
    .map(([type, value]) => `${type} ${count(value)}`)
  const sockets = status.adapters
    .map((a) => `${a.name} ${a.connections.open}/${a.connections.total} open, ${a.streams} streams`)
    .join('; ')
  const rings = status.rings.flatMap((ring) => [
    `  ring ${ring.shard}     frames  ${bar(ring.frameFill)}`,
    `             records ${bar(ring.recordFill)}`
  ])
  return [
    `Sluice demo   up ${status.uptimeSeconds.toFixed(0)} s   ${status.state}`,
    `  rate       ${count(rates.framesPerSecond)} frames/s   ${count(rates.recordsPerSecond)} records acknowledged/s`,
    `  latency    p50 ${milliseconds(latency.endToEnd.p50Ms)}   p99 ${milliseconds(latency.endToEnd.p99Ms)}   received → acknowledged`,
    `  sockets    ${sockets}`,
    ...rings,
    ...rowsOf(types).map((row, index) => `${index === 0 ? '  records    ' : INDENT}${row}`),
    `  frames     received ${count(frames.received)} = parsed ${count(frames.parsed)} + ignored ${count(frames.ignored)}`,
    `             + dead-lettered ${count(frames.deadLettered)} + shed ${count(frames.shed)} + in ring ${count(frames.inRing)}`,
    `  delivered  ${count(records.delivered)} of ${count(records.emitted)} emitted, ${count(records.inFlight)} in flight`
  ].map((line) => line.slice(0, columns - 1))
}

/** The line for a pipe or a log. */
export function renderLine(status: ServiceStatus, rates: Rates): string {
  const { records, latency, frames } = status
  return [
    `t=${status.uptimeSeconds.toFixed(0)}s`,
    `frames/s=${rates.framesPerSecond.toFixed(0)}`,
    `records/s=${rates.recordsPerSecond.toFixed(0)}`,
    `p50=${latency.endToEnd.p50Ms.toFixed(1)}ms`,
    `p99=${latency.endToEnd.p99Ms.toFixed(1)}ms`,
    `received=${frames.received}`,
    `emitted=${records.emitted}`,
    `delivered=${records.delivered}`,
    `deadLetters=${frames.deadLettered}`
  ].join(' ')
}

/** The accounting at the end: both identities with their terms, and whether they hold. */
export function renderAccounting(status: ServiceStatus): { text: string; balanced: boolean } {
  const { frames: f, records: r } = status
  const framesOut = f.parsed + f.ignored + f.deadLettered + f.shed + f.inRing
  const recordsOut = r.delivered + r.deadLettered + r.deduplicated + r.shed + r.spooled + r.inFlight
  const balanced = f.received === framesOut && r.emitted === recordsOut
  const text = [
    'Accounting',
    `  frames   received ${count(f.received)} ${f.received === framesOut ? '=' : '≠'} parsed ${count(f.parsed)} + ignored ${count(f.ignored)} + dead-lettered ${count(f.deadLettered)} + shed ${count(f.shed)} + in ring ${count(f.inRing)}`,
    `  records  emitted ${count(r.emitted)} ${r.emitted === recordsOut ? '=' : '≠'} delivered ${count(r.delivered)} + dead-lettered ${count(r.deadLettered)} + deduplicated ${count(r.deduplicated)} + shed ${count(r.shed)} + spooled ${count(r.spooled)} + in flight ${count(r.inFlight)}`,
    balanced ? '  every frame and every record is accounted for' : '  THE ACCOUNTS DO NOT BALANCE'
  ].join('\n')
  return { text, balanced }
}
