/**
 * Writes the fuzz target's seeds: `node dist/scripts/fuzz-seeds.js FOLDER`. Frames of every recording,
 * thinned out where a capture repeats itself, and the benchmark's frames, which are there on any machine.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { frameText } from '../bench/micro/kernel-frames.ts'

/** Frames taken from one file: evenly spread over it. */
const SEEDS_PER_FILE = 300
const RECORDINGS =
  process.env['SLUICE_RECORDINGS'] ??
  new URL('../../../shared/recordings', import.meta.url).pathname

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesUnder(path) : [path]
  })
}

/** What follows the receive time, or the document itself. */
function frameOf(line: string): string[] {
  const start = line.search(/[{[]/)
  if (start < 0) return []
  const text = line.slice(start)
  if (!text.startsWith('{"product"')) return [text]
  const { payload } = JSON.parse(text) as { payload: unknown }
  return [JSON.stringify(payload)]
}

function seedsOf(path: string): string[] {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const frames = text.split('\n').flatMap(frameOf)
  const step = Math.max(1, Math.floor(frames.length / SEEDS_PER_FILE))
  return frames.filter((_, index) => index % step === 0)
}

function main(): void {
  const folder = process.argv[2]
  if (folder === undefined) throw new Error('usage: fuzz-seeds FOLDER')
  mkdirSync(folder, { recursive: true })
  const own = (['aggTrade', 'trade', 'depth'] as const).map((subject) => frameText(subject, 1))
  const recorded = existsSync(RECORDINGS)
    ? filesUnder(RECORDINGS)
        .filter((path) => /\.(gz|ndjson)$/.test(path))
        .flatMap(seedsOf)
    : []
  if (recorded.length === 0) process.stderr.write(`no recordings at ${RECORDINGS}\n`)
  for (const seed of [...own, ...recorded.map((text) => Buffer.from(text))]) {
    writeFileSync(join(folder, createHash('sha1').update(seed).digest('hex')), seed)
  }
  process.stdout.write(`seeds: ${own.length + recorded.length}\n`)
}

main()
