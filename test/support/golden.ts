/** The golden cases: recorded frames of a named seed, and the records they must become. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { KernelKind } from '../../src/native/kernel.ts'
import { KernelHarness, type RecordEntry } from './kernel-harness.ts'

const ROOT = new URL('../../../test/golden/binance/', import.meta.url)

interface GoldenFrame {
  readonly receivedTimeUs: number
  readonly stream: string | null
  readonly frame: string
}

export function goldenCases(): string[] {
  return readdirSync(ROOT).sort()
}

/** What a kernel makes of a case: the entry's header fields that matter to a reader, then its value. */
export function renderRecords(name: string, kind: KernelKind): string {
  const harness = new KernelHarness(kind)
  const lines = readFileSync(new URL(`${name}/frames.ndjson`, ROOT), 'utf8')
    .trimEnd()
    .split('\n')
  const rendered = lines.flatMap((line) => {
    const { receivedTimeUs, stream, frame } = JSON.parse(line) as GoldenFrame
    return harness.run(Buffer.from(frame), receivedTimeUs, stream).map(render)
  })
  return `${rendered.join('\n')}\n`
}

function render({
  kind,
  streamIndex,
  firstId,
  lastId,
  eventTimeUs,
  flags,
  key,
  value
}: RecordEntry) {
  const head = [kind, streamIndex, firstId, lastId, eventTimeUs, flags, key === '' ? '-' : key]
  return `${head.join(' ')} ${value.toString('utf8')}`
}

export function expectedRecords(name: string): string | null {
  const file = new URL(`${name}/expected.txt`, ROOT)
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

export function writeExpected(name: string): void {
  writeFileSync(new URL(`${name}/expected.txt`, ROOT), renderRecords(name, 'twin'))
}
