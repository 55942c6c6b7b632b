/**
 * The native kernel and its twin against the independent oracle, without Kafka: every real recording, every documented
 * shape, and mutations of them. Record for record, byte for byte, header field for header field.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPrng, type Prng } from '../../src/core/prng.ts'
import { describe, type ExpectedRecord, normalise, type Verdict } from '../oracle/normalise.ts'
import { ALL_CAPTURES, framesOf, hasRecording, RECORDINGS_DIR } from '../oracle/recordings.ts'
import { ADDON_URL, KernelHarness, type RecordEntry } from '../support/kernel-harness.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const MUTATIONS = Number(process.env['SLUICE_TEST_MUTATIONS'] ?? 40_000)
const built = existsSync(ADDON_URL) ? false : 'native/build/Release/kernel.node is not built'
const RECEIVED_US = 1_789_964_484_000_123

function judge(frame: Uint8Array, stream: string | null, receivedUs: number): Verdict {
  return normalise(frame, {
    receivedTimeUs: BigInt(receivedUs),
    exchange: 'binance',
    source: 'live',
    stream
  })
}

/** Null when kernel and oracle agree, else how they differ. */
function difference(verdict: Verdict, entries: readonly RecordEntry[]): string | null {
  const found = entries.filter(({ kind }) => kind !== 'definition')
  const dead = found.find(({ kind }) => kind === 'dead')
  if (verdict.kind === 'dead' || dead !== undefined) {
    if (verdict.kind === 'dead' && dead !== undefined && found.length === 1) return null
    return `oracle ${describe(verdict)}, kernel ${dead ? `dead: ${dead.detail}` : `${found.length} records`}`
  }
  const expected = verdict.kind === 'records' ? verdict.records : []
  if (expected.length !== found.length)
    return `oracle ${expected.length}, kernel ${found.length} records`
  for (const [index, record] of expected.entries()) {
    const wrong = recordDifference(record, found[index] as RecordEntry)
    if (wrong !== null) return wrong
  }
  return null
}

function recordDifference(record: ExpectedRecord, entry: RecordEntry): string | null {
  const value = entry.value.toString()
  if (value !== record.value) return `value\n  oracle ${record.value}\n  kernel ${value}`
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['type', record.type, entry.type],
    ['key', record.symbol, entry.key],
    ['firstId', record.firstId, entry.firstId],
    ['lastId', record.lastId, entry.lastId],
    ['eventTime', record.eventTimeUs ?? 0n, entry.eventTimeUs],
    ['receivedTime', record.receivedTimeUs, entry.receivedTimeUs],
    ['source', 0, entry.source],
    ['suspect', record.isSuspect, (entry.flags & 1) === 1]
  ]
  for (const [name, oracle, kernel] of pairs) {
    if (oracle !== kernel) return `${name}: oracle ${String(oracle)}, kernel ${String(kernel)}`
  }
  return null
}

/** The twin needs no addon. */
const KINDS = [
  ['native', built],
  ['twin', false]
] as const

for (const [kind, missing] of KINDS) {
  for (const capture of [...ALL_CAPTURES, 'usdm_btcusdt_20240808.raw.gz']) {
    const skip =
      missing || (hasRecording(capture) ? false : `recording ${capture} is not on this machine`)
    test(`${kind} and oracle agree on ${capture}`, { skip }, (t) => {
      const harness = new KernelHarness(kind, { startCursor: 2 ** 31 - 65536 })
      const defined = new Map<number, string>()
      let records = 0
      for (const { text, receivedTimeUs, line } of framesOf(capture)) {
        const frame = Buffer.from(text)
        const received = Number(receivedTimeUs ?? RECEIVED_US)
        const verdict = judge(frame, null, received)
        const entries = harness.run(frame, received)
        const wrong = difference(verdict, entries)
        assert.equal(wrong, null, `${capture}:${line}: ${wrong}\n${text.slice(0, 400)}`)
        for (const entry of entries) {
          if (entry.kind === 'definition') defined.set(entry.streamIndex, entry.value.toString())
          else if (entry.kind === 'record')
            assert.ok(defined.has(entry.streamIndex), 'undefined stream')
        }
        records += entries.filter(({ kind }) => kind === 'record').length
      }
      t.diagnostic(`${records} records, ${defined.size} streams`)
    })
  }
}

interface DocSample {
  readonly product: string
  readonly payload: unknown
}

/** The documented shapes of the spot market, raw; arrays made of two elements. */
function docFrames(): string[] {
  const path = join(RECORDINGS_DIR, 'doc-samples.ndjson')
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as DocSample)
    .filter(({ product, payload }) => product === 'spot' && typeof payload === 'object')
    .map(({ payload }) => JSON.stringify(payload))
}

for (const [kind, missing] of KINDS) {
  test(`${kind} and oracle agree on every documented shape`, { skip: missing }, (t) => {
    const harness = new KernelHarness(kind)
    const frames = docFrames()
    const seen: Record<string, number> = {}
    for (const text of frames) {
      const verdict = judge(Buffer.from(text), null, RECEIVED_US)
      const wrong = difference(verdict, harness.run(Buffer.from(text), RECEIVED_US))
      assert.equal(wrong, null, `${wrong}\n${text}`)
      const name = describe(verdict)
      seen[name] = (seen[name] ?? 0) + 1
    }
    t.diagnostic(`${frames.length} shapes: ${JSON.stringify(seen)}`)
  })
}

/** Frames of every kind, own ones where no recording is at hand. */
function seedFrames(): string[] {
  const small = ALL_CAPTURES.filter((name) => !name.startsWith('spot_')).filter(hasRecording)
  const recorded = small.flatMap((name) => framesOf(name).map(({ text }) => text))
  const own =
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1789964484109,"s":"BTCUSDT","t":1,' +
    '"p":"2.5","q":"3","T":1789964484108,"m":true,"M":true}}'
  return [own, ...docFrames(), ...recorded]
}

const SNIPPETS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '-',
  '0',
  '1e9',
  '.5',
  'null',
  'true',
  '\u0000',
  '\ufeff',
  '"s":"X",',
  '\\u0031',
  '99999999999999999999',
  '-1',
  ' ',
  '\n',
  '[[',
  '{}',
  '"e":"trade",'
]

function mutate(bytes: Buffer, prng: Prng): Buffer {
  const copy = Buffer.from(bytes)
  const at = prng.int(copy.length)
  switch (prng.int(14)) {
    case 0:
      copy[at] = prng.int(256)
      return copy
    case 1:
      return copy.subarray(0, at)
    case 2: {
      const snippet = Buffer.from(SNIPPETS[prng.int(SNIPPETS.length)] ?? '')
      return Buffer.concat([copy.subarray(0, at), snippet, copy.subarray(at)])
    }
    case 3: {
      const length = 1 + prng.int(12)
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)])
    }
    case 4: {
      const end = at + 1 + prng.int(40)
      return Buffer.concat([copy.subarray(0, end), copy.subarray(at, end), copy.subarray(end)])
    }
    case 5:
    case 6:
    case 7:
    case 8: {
      // A digit for a digit, a letter for a letter: well-formed, another meaning.
      const found = copy.findIndex((byte, index) => index >= at && byte > 47 && byte < 123)
      if (found >= 0) copy[found] = (copy[found] ?? 48) < 58 ? 48 + prng.int(10) : 65 + prng.int(57)
      return copy
    }
    default:
      return swapTokens(copy, prng)
  }
}

/** Replaces one JSON value or key by another one of the same frame. */
function swapTokens(bytes: Buffer, prng: Prng): Buffer {
  const text = bytes.toString()
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.]*|true|false|null/g)]
  const from = tokens[prng.int(tokens.length)]
  const to = tokens[prng.int(tokens.length)]
  if (from === undefined || to === undefined) return bytes
  return Buffer.from(text.slice(0, from.index) + to[0] + text.slice(from.index + from[0].length))
}

const COLLECT = Number(process.env['SLUICE_TEST_COLLECT'] ?? 1)

for (const [kind, missing] of KINDS) {
  test(`${kind} and oracle agree on ${MUTATIONS} mutated frames`, { skip: missing }, (t) => {
    t.diagnostic(`SEED=${SEED} node --test dist/test/property/oracle-kernel.test.js`)
    const prng = createPrng(SEED).fork('mutations')
    const seeds = seedFrames()
      .map((text) => Buffer.from(text))
      .filter((bytes) => bytes.length < 4000)
    const harness = new KernelHarness(kind, { startCursor: 2 ** 32 - 65536 })
    const seen: Record<string, number> = {}
    const wrongs: string[] = []
    for (let round = 0; round < MUTATIONS; round++) {
      let frame: Buffer = seeds[prng.int(seeds.length)] ?? Buffer.alloc(0)
      for (let times = prng.int(3); times >= 0 && frame.length > 0; times--)
        frame = mutate(frame, prng)
      const verdict = judge(frame, null, RECEIVED_US)
      const wrong = difference(verdict, harness.run(frame, RECEIVED_US))
      if (wrong !== null)
        wrongs.push(`round ${round}: ${wrong}\n${JSON.stringify(frame.toString('latin1'))}`)
      if (wrongs.length >= COLLECT) break
      const name = describe(verdict)
      seen[name] = (seen[name] ?? 0) + 1
    }
    t.diagnostic(JSON.stringify(seen))
    assert.equal(wrongs.length, 0, wrongs.join('\n'))
    assert.ok((seen['records'] ?? 0) > MUTATIONS / 50, 'hardly any mutation is still a record')
  })
}
