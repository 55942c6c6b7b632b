/** Reads and judges single values: from text (variables, flags), and as they stand in YAML. */
import { ConfigError, shown } from './config-error.ts'
import type { AnyLeaf } from './leaf.ts'

const TRUE = new Set(['true', '1', 'yes', 'on'])
const FALSE = new Set(['false', '0', 'no', 'off'])
const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }
const INTEGER = /^-?\d{1,16}$/
const SIZED = /^(\d{1,9})\s?(KiB|MiB|GiB)$/
const LIST_ITEMS_MAX = 10_000
const TEXT_CHARACTERS_MAX = 65_536
/** Keys that would reach a prototype; nothing of ours is called so. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

export function isForbiddenKey(key: string): boolean {
  return FORBIDDEN_KEYS.has(key)
}

/** What a text says for this leaf; a text that says nothing stays a text and fails in `problemOf`. */
export function valueOfText(leaf: AnyLeaf, raw: string): unknown {
  const text = raw.trim()
  switch (leaf.kind) {
    case 'integer':
      return integerOfText(text)
    case 'boolean': {
      const word = text.toLowerCase()
      return TRUE.has(word) ? true : FALSE.has(word) ? false : text
    }
    case 'list':
      return text.startsWith('[') ? jsonOrText(text) : splitList(text)
    case 'map':
    case 'subscriptions':
      return jsonOrText(text)
    case 'text':
      return leaf.secret === true ? raw.replace(/[\r\n]+$/, '') : text
    default:
      return text
  }
}

/** What a YAML (or JSON) value means for this leaf: sizes with a unit, lists written as one text. */
export function valueOfYaml(leaf: AnyLeaf, raw: unknown): unknown {
  if (leaf.kind === 'list' && typeof raw === 'string') return splitList(raw)
  if (leaf.kind === 'brokers' && Array.isArray(raw)) return raw.join(',')
  if (leaf.kind === 'integer' && typeof raw === 'string' && SIZED.test(raw))
    return integerOfText(raw)
  if (leaf.kind === 'map' && isPlainObject(raw)) {
    const scalars = Object.entries(raw).map(([key, value]) => [key, scalarText(value)])
    return Object.fromEntries(scalars)
  }
  // A key without a value means empty where empty is allowed, as a variable would.
  if (raw === null && leaf.mayBeEmpty === true && leaf.kind !== 'list') return ''
  return raw
}

/** Why the value is not acceptable; null when it is. */
export function problemOf(leaf: AnyLeaf, value: unknown): string | null {
  const said = leaf.secret === true ? '(value hidden)' : shown(value)
  const fail = (what: string): string => `must be ${what}, is ${said}`
  switch (leaf.kind) {
    case 'integer':
      return integerProblem(leaf, value, fail)
    case 'boolean':
      return typeof value === 'boolean' ? null : fail('true or false')
    case 'choice':
      return leaf.choices?.includes(value as string) ? null : fail(oneOf(leaf.choices ?? []))
    case 'url':
      return urlProblem(leaf, value, fail)
    case 'brokers':
      return brokersProblem(value, fail)
    case 'list':
      return listProblem(leaf, value, fail)
    case 'map':
      return mapProblem(value)
    case 'subscriptions':
      return Array.isArray(value) ? null : fail('a list of {adapter, channels, symbols}')
    default:
      return textProblem(leaf, value, fail)
  }
}

type Fail = (what: string) => string

function integerOfText(text: string): unknown {
  const sized = SIZED.exec(text)
  if (sized !== null) return Number(sized[1]) * (UNITS[sized[2] ?? ''] ?? Number.NaN)
  return INTEGER.test(text) ? Number(text) : text
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function scalarText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function oneOf(choices: readonly string[]): string {
  return `one of ${choices.join(', ')}`
}

function integerProblem(leaf: AnyLeaf, value: unknown, fail: Fail): string | null {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = leaf
  const range = `an integer from ${min} to ${max}`
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return fail(range)
  if (value < min || value > max) return fail(range)
  const isPowerOfTwo = Number.isInteger(Math.log2(value))
  if (leaf.powerOfTwo === true && !isPowerOfTwo) return fail(`a power of two from ${min} to ${max}`)
  return null
}

function textProblem(leaf: AnyLeaf, value: unknown, fail: Fail): string | null {
  if (typeof value !== 'string') return fail('a text')
  if (value === '') return leaf.mayBeEmpty === true ? null : fail('not empty')
  if (value.length > TEXT_CHARACTERS_MAX) return fail(`at most ${TEXT_CHARACTERS_MAX} characters`)
  if (hasControlCharacter(value)) return fail('without control characters')
  if (leaf.pattern !== undefined && !leaf.pattern.test(value)) {
    return fail(leaf.patternText ?? String(leaf.pattern))
  }
  return null
}

function urlProblem(leaf: AnyLeaf, value: unknown, fail: Fail): string | null {
  const schemes = leaf.schemes ?? []
  const wanted = `a URL with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`
  if (value === '') return leaf.mayBeEmpty === true ? null : fail(wanted)
  if (typeof value !== 'string' || !URL.canParse(value)) return fail(wanted)
  const url = new URL(value)
  if (!schemes.includes(url.protocol.slice(0, -1)) || url.hostname === '') return fail(wanted)
  if (url.username !== '' || url.password !== '') return fail(`${wanted} and no user or password`)
  return null
}

const BROKER =
  /^(?:(?:PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL):\/\/)?(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i

function brokersProblem(value: unknown, fail: Fail): string | null {
  const wanted = '`host:port,…`, `embedded` or `off`'
  if (typeof value !== 'string') return fail(wanted)
  if (value === '' || value === 'embedded' || value === 'off') return null
  for (const broker of value.split(',')) {
    const match = BROKER.exec(broker.trim())
    const port = Number(match?.[1] ?? 9092)
    if (match === null || port < 1 || port > 65_535) return fail(wanted)
  }
  return null
}

function listProblem(leaf: AnyLeaf, value: unknown, fail: Fail): string | null {
  if (!Array.isArray(value)) return fail('a list')
  if (value.length === 0) return leaf.mayBeEmpty === true ? null : fail('a list that is not empty')
  if (value.length > LIST_ITEMS_MAX) return `must be at most ${LIST_ITEMS_MAX} items long`
  for (const item of value) {
    if (typeof item !== 'string' || item.trim() === '' || item.length > 256) {
      return `must be a list of texts, holds ${shown(item)}`
    }
    if (hasControlCharacter(item)) return `must not hold control characters, holds ${shown(item)}`
    if (leaf.choices !== undefined && !leaf.choices.includes(item)) {
      return `must hold only ${leaf.choices.join(', ')}; holds ${shown(item)}`
    }
  }
  return null
}

const PROPERTY = /^[a-z0-9_.]{1,128}$/

function mapProblem(value: unknown): string | null {
  if (!isPlainObject(value)) return 'must be a map of names to texts'
  for (const [key, item] of Object.entries(value)) {
    if (isForbiddenKey(key) || !PROPERTY.test(key)) return `must not hold a key ${shown(key)}`
    if (typeof item !== 'string') return `must hold texts only; ${key} is not one`
  }
  return null
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/

export function hasControlCharacter(text: string): boolean {
  return CONTROL_CHARACTER.test(text)
}

/** For one thing wrong outside of any leaf. */
export function refuse(problem: string): never {
  throw new ConfigError([problem])
}
