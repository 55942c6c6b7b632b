/** Spreads connections over shards and streams over connections. */
import type { StreamSpec } from '../adapters/adapter.ts'

/** Streams per shard, of all runners that share the plan. */
export class ShardPlan {
  private readonly loads: number[]

  constructor(shards: number) {
    this.loads = new Array<number>(shards).fill(0)
  }

  get shards(): number {
    return this.loads.length
  }

  /** The shard with the fewest streams; the first of equals. */
  leastLoaded(): number {
    let best = 0
    for (let shard = 1; shard < this.loads.length; shard++) {
      if ((this.loads[shard] as number) < (this.loads[best] as number)) best = shard
    }
    return best
  }

  /** `streams` may be negative. */
  add(shard: number, streams: number): void {
    this.loads[shard] = (this.loads[shard] ?? 0) + streams
  }

  load(shard: number): number {
    return this.loads[shard] ?? 0
  }
}

export interface GroupOptions {
  readonly streamsPerConnection: number
  readonly shards: number
}

/**
 * Groups new streams into connections: as few as the limit allows, but one per shard where there are
 * streams enough, so that every parser has work. Streams of one symbol stay together.
 */
export function groupStreams(
  streams: readonly StreamSpec[],
  options: GroupOptions
): readonly (readonly StreamSpec[])[] {
  if (streams.length === 0) return []
  const needed = Math.ceil(streams.length / options.streamsPerConnection)
  const count = Math.max(needed, Math.min(options.shards, streams.length))
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
