/**
 * Topic names. Kafka allows ASCII letters, digits, `.`, `_` and `-`, at most 249 of them; symbols
 * may be anything. Every byte that is not allowed becomes `x` and two lower-case hex digits.
 */

export const TOPIC_BYTES_MAX = 249
/** Characters that replace the end of a name that would be longer: `-` and 16 hex digits. */
const DIGEST_BYTES = 17

export interface TopicParts {
  readonly type: string
  readonly exchange: string
  readonly symbol: string
  /** null = the stream has none: nothing is put in its place. */
  readonly interval: string | null
}

export function topicName(template: string, parts: TopicParts): string {
  const name = template.replace(/\{(type|exchange|symbol|interval)\}/g, (_, part: string) =>
    encodeForTopic(parts[part as keyof TopicParts] ?? '')
  )
  return legalName(name)
}

export function deadLetterTopic(exchange: string): string {
  return legalName(`market.deadletter.${encodeForTopic(exchange)}`)
}

export function encodeForTopic(text: string): string {
  if (/^[A-Za-z0-9._-]*$/.test(text)) return text
  let encoded = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte)
    encoded += /[A-Za-z0-9._-]/.test(character)
      ? character
      : `x${byte.toString(16).padStart(2, '0')}`
  }
  return encoded
}

/** `.`, `..` and nothing at all are no names; a longer name ends in a digest of the whole. */
function legalName(name: string): string {
  if (name === '' || name === '.' || name === '..') return `x${name.replaceAll('.', '2e')}`
  if (name.length <= TOPIC_BYTES_MAX) return name
  return `${name.slice(0, TOPIC_BYTES_MAX - DIGEST_BYTES)}-${fnv1a64(name)}`
}

/** FNV-1a, 64 bit: distinct symbols keep distinct topics although their names were cut. */
function fnv1a64(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of Buffer.from(text, 'utf8')) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  }
  return hash.toString(16).padStart(16, '0')
}
