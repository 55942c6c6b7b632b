/**
 * Which shard an ingested frame belongs to: that of its symbol, as for the exchange's own connections,
 * so that a relay that comes back, or several relays, cannot overtake one another on different rings.
 * The only look at a frame's content on the main thread: the stream name at its beginning.
 */
import { shardOf } from './shard-plan.ts'

/** How combined frames begin; one in another key order is told by no name and has a shard of its own. */
const PREFIX = Buffer.from('{"stream":"')
const NAME_BYTES_MAX = 160
const QUOTE = 0x22
/** Beyond this many symbols the cache starts afresh: names come from clients. */
const CACHE_MAX = 16_384

export class IngestSharding {
  private readonly exchange: string
  private readonly shards: number
  private readonly cache = new Map<string, number>()

  constructor(exchange: string, shards: number) {
    this.exchange = exchange
    this.shards = shards
  }

  /** @param streamName of raw-form frames; null = the frame is in combined form */
  shardOf(frame: Uint8Array, streamName: string | null): number {
    if (this.shards === 1) return 0
    return this.ofSymbol(streamName === null ? symbolOf(frame) : symbolOfName(streamName))
  }

  private ofSymbol(symbol: string): number {
    const known = this.cache.get(symbol)
    if (known !== undefined) return known
    const upper = symbol.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
    const shard = shardOf(this.exchange, upper, this.shards)
    if (this.cache.size >= CACHE_MAX) this.cache.clear()
    this.cache.set(symbol, shard)
    return shard
  }
}

/** All-market streams are their own symbol: `!miniTicker@arr`. */
function symbolOfName(name: string): string {
  const at = name.indexOf('@')
  return at < 0 || name.startsWith('!') ? name : name.slice(0, at)
}

/** The stream's symbol, '' where the frame does not begin with a stream name. */
function symbolOf(frame: Uint8Array): string {
  if (frame.length < PREFIX.length) return ''
  for (let index = 0; index < PREFIX.length; index++) {
    if (frame[index] !== PREFIX[index]) return ''
  }
  const start = PREFIX.length
  const end = frame.indexOf(QUOTE, start)
  if (end < 0 || end - start > NAME_BYTES_MAX) return ''
  return symbolOfName(Buffer.from(frame.subarray(start, end)).toString('utf8'))
}
