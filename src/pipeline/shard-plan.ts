/** Which shard carries a symbol, for good, and how a shard's streams are spread over connections. */
import type { StreamSpec } from '../adapters/adapter.ts'

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/**
 * The shard of everything one symbol of one exchange brings. A function of its arguments alone: were it
 * to follow the load, records of one key could overtake those still waiting in the ring they came from.
 * FNV-1a, then mixed, because its low bits are hardly more than a parity.
 */
export function shardOf(exchange: string, symbol: string, shards: number): number {
  const key = `${exchange} ${symbol}`
  let hash = FNV_OFFSET
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), FNV_PRIME)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return ((hash ^ (hash >>> 16)) >>> 0) % shards
}

/** A stream of all symbols has no symbol: its own name decides. */
export function shardOfStream(exchange: string, stream: StreamSpec, shards: number): number {
  return shardOf(exchange, stream.symbol === '' ? stream.name : stream.symbol, shards)
}

/**
 * Groups streams of one shard into connections of about the same size: as few as the limit allows.
 * Streams of one symbol stay together.
 */
export function groupStreams(
  streams: readonly StreamSpec[],
  streamsPerConnection: number
): readonly (readonly StreamSpec[])[] {
  const count = Math.ceil(streams.length / streamsPerConnection)
  const bySymbol = new Map<string, StreamSpec[]>()
  for (const stream of streams) {
    const group = bySymbol.get(stream.symbol)
    if (group === undefined) bySymbol.set(stream.symbol, [stream])
    else group.push(stream)
  }
  const ordered = [...bySymbol.values()].flat()
  const groups: (readonly StreamSpec[])[] = []
  let taken = 0
  for (let index = 0; index < count; index++) {
    const end = Math.round(((index + 1) * ordered.length) / count)
    groups.push(ordered.slice(taken, end))
    taken = end
  }
  return groups
}
