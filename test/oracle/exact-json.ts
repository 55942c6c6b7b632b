/**
 * JSON without losing what JSON.parse loses: the digits of numbers, the spelling of strings, repeated
 * keys. JSON.parse stays the judge of what is well-formed; then the same text is rewritten token by token
 * into a longer JSON text that says everything, and JSON.parse reads that.
 */

export type ExactValue = ExactString | ExactNumber | ExactObject | ExactValue[] | boolean | null
export interface ExactString {
  readonly s: string
  /** As written, quotes included. */
  readonly raw: string
}
export interface ExactNumber {
  /** As written. */
  readonly n: string
}
export interface ExactObject {
  /** In order, repeated keys included. */
  readonly o: readonly (readonly [string, ExactValue])[]
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/gs
const DEPTH_MAX = 1024

/** Throws SyntaxError when the bytes are not one JSON document in UTF-8. */
export function parseExact(bytes: Uint8Array): ExactValue {
  const text = decodeUtf8(bytes)
  JSON.parse(text)
  const out: string[] = []
  const objects: { isObject: boolean; expectsKey: boolean; pairs: number }[] = []
  for (const [token] of text.matchAll(TOKEN)) {
    const top = objects.at(-1)
    const first = token[0]
    if (first === '{' || first === '[') {
      if (objects.length >= DEPTH_MAX) throw new SyntaxError('too deep')
      objects.push({ isObject: first === '{', expectsKey: first === '{', pairs: 0 })
      out.push(first === '{' ? '{"o":[' : '[')
    } else if (first === '}' || first === ']') {
      objects.pop()
      out.push(first === ']' ? ']' : (top?.pairs ?? 0) > 0 ? ']]}' : ']}')
    } else if (first === ',') {
      if (top?.isObject === true) top.expectsKey = true
      out.push(top?.isObject === true ? '],' : ',')
    } else if (first === ':') {
      out.push(',')
    } else if (top?.isObject === true && top.expectsKey) {
      top.expectsKey = false
      top.pairs++
      out.push('[', token)
    } else if (first === '"') {
      out.push('{"s":', token, ',"raw":', JSON.stringify(token), '}')
    } else if (first === '-' || (first !== undefined && first >= '0' && first <= '9')) {
      out.push('{"n":"', token, '"}')
    } else {
      out.push(token)
    }
  }
  return JSON.parse(out.join('')) as ExactValue
}

export function isObject(value: ExactValue | undefined): value is ExactObject {
  return typeof value === 'object' && value !== null && 'o' in value
}

export function isString(value: ExactValue | undefined): value is ExactString {
  return typeof value === 'object' && value !== null && 's' in value
}

export function isNumber(value: ExactValue | undefined): value is ExactNumber {
  return typeof value === 'object' && value !== null && 'n' in value
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new SyntaxError('not UTF-8')
  }
}
