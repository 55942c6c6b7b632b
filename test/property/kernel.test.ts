/**
 * The native kernel and its twin write the same bytes, whatever they are given: generated messages in any
 * key order with unknown keys, whitespace and escapes, and the same messages broken in every way.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { describe, KernelPair } from '../support/kernel-rig.ts'
import { SPOT_EXAMPLES, toJson } from '../unit/native/spot-frames.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const RUNS = Number(process.env['SLUICE_TEST_KERNEL_RUNS'] ?? 1500)
const FRAMES_PER_RUN = 8

interface GeneratedFrame {
  readonly bytes: Buffer
  readonly stream: string
}

const decimal = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^-?[0-9]{1,9}\.[0-9]{1,8}$/) },
  fc.stringMatching(/^-?[0-9]{0,40}\.?[0-9]{0,40}$/),
  fc.string({ maxLength: 20 })
)
const integer = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt(-2n, 2n ** 41n) },
  fc.bigInt(-(2n ** 65n), 2n ** 65n),
  fc.constantFrom(0n, -1n, 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), 10n ** 14n, 10n ** 14n - 1n)
)
const symbol = fc.oneof(
  { weight: 4, arbitrary: fc.constant('ABCUSDT') },
  fc.constantFrom('abcusdt', '这是测试币456', 'A"B', '', 'é'.repeat(32), '\u2028', 'A@B'),
  fc.string({ unit: 'binary', maxLength: 70 })
)

/** A plausible value beside the example's own: of its kind most of the time. */
function valueLike(value: unknown, key: string): fc.Arbitrary<unknown> {
  const same = fc.constant(value)
  if (key === 's') return fc.oneof({ weight: 15, arbitrary: same }, symbol)
  const other = fc.jsonValue({ maxDepth: 2 })
  if (typeof value === 'string') {
    return fc.oneof({ weight: 40, arbitrary: same }, { weight: 2, arbitrary: decimal }, other)
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    return fc.oneof({ weight: 40, arbitrary: same }, { weight: 2, arbitrary: integer }, other)
  }
  return fc.oneof({ weight: 20, arbitrary: same }, other)
}

type Pair = readonly [string, unknown]

function objectLike(example: Readonly<Record<string, unknown>>): fc.Arbitrary<Pair[]> {
  const own = Object.entries(example).map(([key, value]) => {
    const inner =
      key === 'k' && typeof value === 'object' && value !== null
        ? objectLike(value as Record<string, unknown>).map((pairs) => new Ordered(pairs))
        : valueLike(value, key)
    return inner.map((item): Pair => [key, item])
  })
  const extra = fc.array(
    fc.tuple(
      fc.oneof(
        fc.string({ maxLength: 4 }),
        fc.constantFrom('M', 'data', 'stream', '__proto__', 'k')
      ),
      fc.jsonValue({ maxDepth: 3 })
    ),
    { maxLength: 2 }
  )
  return fc
    .tuple(
      fc.tuple(...own),
      extra,
      fc.array(fc.nat(own.length - 1), { maxLength: 1 }),
      fc.boolean()
    )
    .chain(([pairs, unknown, touched, drop]) => {
      const changed = pairs.flatMap((pair, index) => {
        if (!touched.includes(index)) return [pair]
        return drop ? [] : [pair, pair]
      })
      const all: Pair[] = [...changed, ...unknown]
      return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })
    })
}

/** An object whose keys keep their order and may repeat. */
class Ordered {
  readonly pairs: readonly Pair[]
  constructor(pairs: readonly Pair[]) {
    this.pairs = pairs
  }
}

interface Spelling {
  readonly space: string
  readonly isEscaped: boolean
}

function spell(value: unknown, how: Spelling): string {
  const { space } = how
  if (value instanceof Ordered) {
    const members = value.pairs.map(
      ([key, item]) => `${quote(key, how)}${space}:${space}${spell(item, how)}`
    )
    return `{${space}${members.join(`${space},${space}`)}${space}}`
  }
  if (Array.isArray(value)) return `[${value.map((item) => spell(item, how)).join(`${space},`)}]`
  if (typeof value === 'string') return quote(value, how)
  if (typeof value !== 'object' || value === null) return toJson(value)
  return spell(new Ordered(Object.entries(value)), how)
}

function quote(value: string, { isEscaped }: Spelling): string {
  if (!isEscaped) return JSON.stringify(value)
  const units = Array.from({ length: value.length }, (_, index) => value.charCodeAt(index))
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`
}

const spelling = fc.record({
  space: fc.constantFrom('', '', '', ' ', '\n\t \r'),
  isEscaped: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true))
})

const message = fc.constantFrom(...SPOT_EXAMPLES).chain((example) =>
  fc.record({
    stream: fc.oneof(
      { weight: 4, arbitrary: fc.constant(example.stream) },
      fc.constantFrom('', '!miniTicker@arr', '!bookTicker', 'abcusdt@trade', 'x@kline_1m@+08:00'),
      fc.string({ maxLength: 12 })
    ),
    object: objectLike(example.payload)
  })
)

const wholeFrame: fc.Arbitrary<GeneratedFrame> = fc
  .tuple(message, fc.nat(5), spelling, fc.boolean())
  .map(([{ stream, object }, form, how, swapped]) => {
    const payload = new Ordered(object)
    const data = form === 1 ? [payload, payload] : payload
    if (form === 0) return { bytes: Buffer.from(spell(payload, how)), stream: '' }
    if (form === 2) return { bytes: Buffer.from(spell(payload, how)), stream }
    const pairs: Pair[] = [
      ['stream', form === 1 ? '!miniTicker@arr' : stream],
      ['data', data]
    ]
    const wrapper = new Ordered(swapped ? pairs.reverse() : pairs)
    return { bytes: Buffer.from(spell(wrapper, how)), stream: form === 5 ? stream : '' }
  })

const brokenFrame: fc.Arbitrary<GeneratedFrame> = fc
  .tuple(wholeFrame, fc.nat(3), fc.nat(), fc.integer({ min: 0, max: 255 }))
  .map(([{ bytes, stream }, way, at, byte]) => {
    const index = at % Math.max(1, bytes.length)
    if (way === 0) return { bytes: bytes.subarray(0, index), stream: stream || '"}]}' }
    const changed = Buffer.from(bytes)
    if (way === 1) changed[index] = byte
    if (way === 2) changed[index] = (changed[index] ?? 0) ^ (1 << (byte & 7))
    if (way === 3) return { bytes: Buffer.concat([changed, changed.subarray(index)]), stream }
    return { bytes: changed, stream }
  })

function agree(name: string, frame: fc.Arbitrary<GeneratedFrame>, recordsMin: number): void {
  test(`native ≡ twin on ${name} frames (SEED=${SEED})`, (t) => {
    const verdicts = new Map<string, number>()
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: FRAMES_PER_RUN }), (frames) => {
        const pair = new KernelPair({ frameBytes: 1 << 17, recordBytes: 1 << 17 })
        for (const { bytes, stream } of frames) assert.ok(pair.push(bytes, { stream }))
        for (const entry of pair.parse(frames.length)) {
          const said = describe(entry)
          const verdict = said.startsWith('dead') ? said : 'record'
          verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
        }
        pair.assertSameCounters()
      }),
      { seed: SEED, numRuns: RUNS }
    )
    // A generator that only makes one kind of frame would prove nothing.
    const told = [...verdicts].map(([verdict, count]) => `${verdict} ${count}`).join(', ')
    assert.ok((verdicts.get('record') ?? 0) >= recordsMin, told)
    assert.ok(verdicts.size >= 6, told)
    t.diagnostic(told)
  })
}

agree('generated', wholeFrame, RUNS / 4)
agree('broken', brokenFrame, RUNS / 40)
