/**
 * The fuzzer's corpus through the native kernel, its twin and JSON.parse:
 * `node dist/scripts/fuzz-compare.js FOLDER…`. The kernels must write the same bytes, and refuse as
 * invalid JSON exactly what JSON.parse refuses; what they read must equal what it reads.
 */
import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type JsonValue, readExactJson } from '../src/core/exact-json.ts'
import { JSON_DEPTH_MAX } from '../src/model/frame-parser.ts'
import { describe, KernelPair } from '../test/support/kernel-rig.ts'

/** Stream tables fill up; a new pair starts with an empty one. */
const INPUTS_PER_PAIR = 500
const FRAME_BYTES_MAX = 200_000

interface Input {
  readonly frame: Uint8Array
  readonly stream: string
}

/** The format of native/fuzz/kernel_fuzz.cc. */
function decodeInput(bytes: Buffer): Input {
  if (bytes.length < 2 || bytes[0] !== 1) return { frame: bytes, stream: '' }
  const nameBytes = Math.min(bytes[1] ?? 0, bytes.length - 2)
  const name = bytes.subarray(2, 2 + nameBytes)
  return { frame: bytes.subarray(2 + nameBytes), stream: isUtf8(name) ? name.toString() : '' }
}

/** JSON.parse, or undefined where it refuses; it sees no invalid UTF-8 and knows no depth. */
function parsePlainly(frame: Uint8Array): { readonly value: unknown } | undefined {
  if (!isUtf8(frame)) return undefined
  try {
    return { value: JSON.parse(Buffer.from(frame).toString('utf8')) }
  } catch {
    return undefined
  }
}

function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth >= JSON_DEPTH_MAX || Object.values(value).some((item) => isTooDeep(item, depth + 1))
}

/** What JSON.parse would have made of it: later keys win, numbers lose digits. */
function toPlain(value: JsonValue): unknown {
  switch (value.kind) {
    case 'string':
      return value.text
    case 'number':
      return Number(value.raw)
    case 'array':
      return value.items.map(toPlain)
    case 'object':
      // fromEntries defines properties, so that even __proto__ is an ordinary key, as in JSON.parse.
      return Object.fromEntries(value.entries.map(([key, item]) => [key, toPlain(item)]))
    case 'null':
      return null
    case 'true':
    case 'false':
      return value.kind === 'true'
  }
}

function check(pair: KernelPair, { frame, stream }: Input): void {
  assert.ok(pair.push(frame, { stream }))
  const written = pair.parse(1).map(describe)
  const plain = parsePlainly(frame)
  const isJson = plain !== undefined && !isTooDeep(plain.value, 0)
  assert.equal(written.includes('dead: invalid_json'), !isJson, 'accepts what JSON.parse accepts')
  const exact = readExactJson(frame, JSON_DEPTH_MAX)
  if (isJson) assert.deepEqual(exact === null ? exact : toPlain(exact), plain.value)
}

function main(): void {
  const files = process.argv
    .slice(2)
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  let pair = new KernelPair()
  let differences = 0
  for (const [index, file] of files.entries()) {
    if (index % INPUTS_PER_PAIR === 0) {
      if (index > 0) pair.assertSameCounters()
      pair = new KernelPair()
    }
    const input = decodeInput(readFileSync(file))
    if (input.frame.length > FRAME_BYTES_MAX) continue
    try {
      check(pair, input)
    } catch (error) {
      differences += 1
      process.stderr.write(`${file}: ${String(error)}\n`)
      pair = new KernelPair()
    }
  }
  if (files.length > 0) pair.assertSameCounters()
  process.stdout.write(`compared: ${files.length} inputs   differences: ${differences}\n`)
  if (differences > 0) process.exitCode = 1
}

main()
