/**
 * A small strict JSON reader that loses nothing: number text, duplicate keys and their order stay.
 * RFC 8259, no byte order mark, with a limit on depth.
 */
import { isUtf8 } from 'node:buffer'

export type JsonValue =
  | { readonly kind: 'string'; readonly raw: string; readonly text: string }
  | { readonly kind: 'number'; readonly raw: string }
  | { readonly kind: 'true' | 'false' | 'null' }
  | { readonly kind: 'array'; readonly items: readonly JsonValue[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, JsonValue])[] }
export type JsonObject = Extract<JsonValue, { kind: 'object' }>

const TRUE: JsonValue = { kind: 'true' }
const FALSE: JsonValue = { kind: 'false' }
const NULL: JsonValue = { kind: 'null' }

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
/** One escape, where `lastIndex` points. */
const ESCAPE_HERE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const QUOTE = 0x22
const BACKSLASH = 0x5c
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(.))/g
const ESCAPED: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  '/': '/'
}

/** The document, or null when the bytes are not one JSON value in valid UTF-8. */
export function readExactJson(bytes: Uint8Array, depthMax: number): JsonValue | null {
  if (!isUtf8(bytes)) return null
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  return new Reader(text, depthMax).document()
}

class Reader {
  private readonly text: string
  private readonly depthMax: number
  private at = 0

  constructor(text: string, depthMax: number) {
    this.text = text
    this.depthMax = depthMax
  }

  document(): JsonValue | null {
    const value = this.value(0)
    this.space()
    return this.at === this.text.length ? value : null
  }

  private value(depth: number): JsonValue | null {
    this.space()
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth + 1)
      case '[':
        return this.array(depth + 1)
      case '"':
        return this.string()
      case 't':
        return this.literal('true', TRUE)
      case 'f':
        return this.literal('false', FALSE)
      case 'n':
        return this.literal('null', NULL)
      default: {
        const raw = this.match(NUMBER)
        return raw === null ? null : { kind: 'number', raw }
      }
    }
  }

  private object(depth: number): JsonValue | null {
    if (depth > this.depthMax) return null
    const entries: [string, JsonValue][] = []
    this.at += 1
    this.space()
    if (this.skip('}')) return { kind: 'object', entries }
    do {
      this.space()
      if (this.text[this.at] !== '"') return null
      const key = this.string()
      this.space()
      if (key === null || key.kind !== 'string' || !this.skip(':')) return null
      const value = this.value(depth)
      if (value === null) return null
      entries.push([key.text, value])
      this.space()
    } while (this.skip(','))
    return this.skip('}') ? { kind: 'object', entries } : null
  }

  private array(depth: number): JsonValue | null {
    if (depth > this.depthMax) return null
    const items: JsonValue[] = []
    this.at += 1
    this.space()
    if (this.skip(']')) return { kind: 'array', items }
    do {
      const value = this.value(depth)
      if (value === null) return null
      items.push(value)
      this.space()
    } while (this.skip(','))
    return this.skip(']') ? { kind: 'array', items } : null
  }

  /** By hand: a pattern would need stack for every character of a long string. */
  private string(): JsonValue | null {
    const start = this.at + 1
    let hasEscape = false
    for (let at = start; at < this.text.length; at++) {
      const unit = this.text.charCodeAt(at)
      if (unit === QUOTE) {
        const raw = this.text.slice(start, at)
        this.at = at + 1
        return { kind: 'string', raw, text: hasEscape ? decodeEscapes(raw) : raw }
      }
      if (unit < 0x20) return null
      if (unit !== BACKSLASH) continue
      ESCAPE_HERE.lastIndex = at
      if (!ESCAPE_HERE.test(this.text)) return null
      hasEscape = true
      // The escape's letter or its last hex digit; the loop moves past it.
      at = ESCAPE_HERE.lastIndex - 1
    }
    return null
  }

  private literal(word: string, value: JsonValue): JsonValue | null {
    if (!this.text.startsWith(word, this.at)) return null
    this.at += word.length
    return value
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (found === null) return null
    this.at = pattern.lastIndex
    return found[0]
  }

  private space(): void {
    for (;;) {
      const unit = this.text.charCodeAt(this.at)
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return
      this.at += 1
    }
  }

  private skip(character: string): boolean {
    if (this.text[this.at] !== character) return false
    this.at += 1
    return true
  }
}

function decodeEscapes(raw: string): string {
  return raw.replace(ESCAPE, (_, hex: string | undefined, simple: string | undefined) =>
    hex === undefined
      ? (ESCAPED[simple ?? ''] ?? '')
      : String.fromCharCode(Number.parseInt(hex, 16))
  )
}
