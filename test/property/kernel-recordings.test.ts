/** The native kernel and its twin write the same bytes for every frame of every spot recording. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { STREAMS_MAX } from '../../src/ring/layout.ts'
import { KernelPair } from '../support/kernel-rig.ts'

const RECORDINGS =
  process.env['SLUICE_RECORDINGS'] ??
  new URL('../../../../shared/recordings', import.meta.url).pathname
const FRAMES_PER_BATCH = 1000

const CAPTURES = [
  { file: 'spot_btcusdt_20240808.raw.gz', framesMin: 41_000 },
  { file: 'spot_btcusdt_20240809.raw.gz', framesMin: 58_000 },
  { file: 'cryptofeed/BINANCE.ws.1.0.gz', framesMin: 265 },
  { file: 'cryptofeed/BINANCE_TR.ws.1.0.gz', framesMin: 139 },
  { file: 'gct/spot_streams.ndjson', framesMin: 22 },
  { file: 'gct/spot-extra_streams.ndjson', framesMin: 2 },
  { file: 'doc-samples.ndjson', framesMin: 15 }
] as const

/** Frames of a capture; REST replies between them and documentation of other things left out. */
function framesOf(file: string): string[] {
  const bytes = readFileSync(join(RECORDINGS, file))
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  return text.split('\n').flatMap((line) => {
    const start = line.indexOf('{')
    if (start < 0) return []
    const frame = line.slice(start)
    if (!frame.startsWith('{"product"')) return frame.startsWith('{"lastUpdateId"') ? [] : [frame]
    const sample = JSON.parse(frame) as { product: string; kind: string; payload: unknown }
    return sample.product === 'spot' && sample.kind !== 'rest'
      ? [JSON.stringify(sample.payload)]
      : []
  })
}

for (const { file, framesMin } of CAPTURES) {
  const isThere = existsSync(join(RECORDINGS, file))
  const skip = isThere ? false : `${file} is not at ${RECORDINGS}`
  test(`native ≡ twin on ${file}`, { skip }, () => {
    const frames = framesOf(file)
    assert.ok(frames.length >= framesMin, `${frames.length} frames`)
    const pair = new KernelPair({
      frameBytes: 1 << 23,
      recordBytes: 1 << 23,
      streamsMax: STREAMS_MAX
    })
    for (let from = 0; from < frames.length; from += FRAMES_PER_BATCH) {
      for (const frame of frames.slice(from, from + FRAMES_PER_BATCH)) assert.ok(pair.push(frame))
      pair.parse(FRAMES_PER_BATCH)
    }
    pair.assertSameCounters()
    const [consumed, parsed, ignored, dead] = pair.native.counters
    assert.equal(consumed, frames.length)
    assert.equal((parsed ?? 0) + (ignored ?? 0) + (dead ?? 0), frames.length)
    // Live traffic is understood to the last frame; the documentation also shows other things.
    if (file !== 'doc-samples.ndjson') assert.equal(parsed, frames.length)
  })
}
