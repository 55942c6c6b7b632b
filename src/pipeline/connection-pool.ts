/** The connections of one exchange: which stream lives on which, added and removed one by one. */
import type { StreamSpec } from '../adapters/adapter.ts'
import { ConnectionSlot, type SlotContext, type SlotState } from './connection-slot.ts'
import { groupStreams, shardOfStream } from './shard-plan.ts'

export interface PoolOptions extends Omit<SlotContext, 'events'> {
  /** The slot's streams flow on a new socket. */
  readonly live: (slot: ConnectionSlot) => void
}

export interface PoolTotals {
  readonly framesWaiting: number
  readonly framesOverflowed: number
  readonly framesAbandoned: number
  readonly framesAccepted: number
  readonly pauses: number
  readonly pausedMs: number
}

interface Waiter {
  readonly isDone: () => boolean
  readonly resolve: () => void
}

const NOTHING: PoolTotals = {
  framesWaiting: 0,
  framesOverflowed: 0,
  framesAbandoned: 0,
  framesAccepted: 0,
  pauses: 0,
  pausedMs: 0
}

export class ConnectionPool {
  private readonly options: PoolOptions
  private readonly active = new Set<ConnectionSlot>()
  private readonly byStream = new Map<string, ConnectionSlot>()
  /** Without streams, until the last of their frames is in the ring. */
  private readonly retiring = new Set<ConnectionSlot>()
  /** Where a stream that was removed lived, while frames of it may still wait there. */
  private readonly former = new Map<string, ConnectionSlot>()
  private retired = NOTHING
  private lastSlotId = 0
  private waiters: Waiter[] = []

  constructor(options: PoolOptions) {
    this.options = options
  }

  slotOf(streamName: string): ConnectionSlot | undefined {
    return this.byStream.get(streamName)
  }

  slots(): Iterable<ConnectionSlot> {
    return this.active
  }

  streams(): ReadonlyMap<string, ConnectionSlot> {
    return this.byStream
  }

  /**
   * Streams that are new go to connections of their shard with room, the emptiest first, else to new
   * ones; those that were here before, back to their own, if it is still there and has room.
   */
  add(streams: readonly StreamSpec[]): void {
    const missing = streams.filter((stream) => !this.byStream.has(stream.name))
    const byShard = new Map<number, StreamSpec[]>()
    for (const stream of this.bringBack(missing)) {
      const shard = shardOfStream(this.options.adapter.exchange, stream, this.options.sink.shards)
      const group = byShard.get(shard)
      if (group === undefined) byShard.set(shard, [stream])
      else group.push(stream)
    }
    for (const [shard, group] of byShard) {
      for (const part of groupStreams(this.fill(shard, group), this.streamsMax)) {
        this.assign(this.createSlot(shard), part)
      }
    }
  }

  remove(names: readonly string[]): void {
    const bySlot = new Map<ConnectionSlot, string[]>()
    for (const name of names) {
      const slot = this.byStream.get(name)
      if (slot === undefined) continue
      this.byStream.delete(name)
      this.former.set(name, slot)
      const group = bySlot.get(slot)
      if (group === undefined) bySlot.set(slot, [name])
      else group.push(name)
    }
    for (const [slot, group] of bySlot) {
      if (slot.streams.size === group.length) this.retire(slot)
      else slot.remove(group)
    }
  }

  tick(): void {
    for (const slot of this.active) slot.tick()
  }

  /**
   * Closes everything; resolves when all sockets are closed. What waits for a ring then is taken by it
   * in its own time: `drained`.
   */
  async stop(): Promise<void> {
    this.remove([...this.byStream.keys()])
    await this.until(() => [...this.retiring].every((slot) => slot.current === null))
  }

  /** Resolves when nothing of retired connections waits for a ring. */
  async drained(): Promise<void> {
    await this.until(() => this.retiring.size === 0)
  }

  /** Gives up on what retired connections still have waiting. */
  abandon(): void {
    for (const slot of [...this.retiring]) slot.abandon()
  }

  /** Frames of connections without streams that wait for a ring. */
  framesRetiring(): number {
    let frames = 0
    for (const slot of this.retiring) frames += slot.waitingFrames
    return frames
  }

  totals(): PoolTotals {
    let totals = this.retired
    for (const slots of [this.active, this.retiring]) {
      for (const slot of slots) totals = withSlot(totals, slot)
    }
    return totals
  }

  byState(): Record<SlotState, number> {
    const counts = { waiting: 0, connecting: 0, subscribing: 0, live: 0, paused: 0, stopped: 0 }
    for (const slot of this.active) counts[slot.state] += 1
    counts.stopped = this.retiring.size
    return counts
  }

  private get streamsMax(): number {
    const { config, adapter } = this.options
    return Math.min(config.streamsPerConnection, adapter.limits.streamsPerConnectionMax)
  }

  /** Back to the lanes that may still hold older frames of theirs. Returns the streams without one. */
  private bringBack(streams: readonly StreamSpec[]): readonly StreamSpec[] {
    const groups = new Map<ConnectionSlot, StreamSpec[]>()
    const others: StreamSpec[] = []
    for (const stream of streams) {
      const slot = this.former.get(stream.name)
      const group = slot === undefined ? [] : (groups.get(slot) ?? [])
      const present = slot === undefined || this.retiring.has(slot) ? 0 : slot.streams.size
      if (slot === undefined || present + group.length >= this.streamsMax) {
        others.push(stream)
        continue
      }
      group.push(stream)
      groups.set(slot, group)
    }
    for (const [slot, group] of groups) {
      if (this.retiring.delete(slot)) {
        slot.revive()
        this.active.add(slot)
      }
      this.assign(slot, group)
    }
    this.settle()
    return others
  }

  /** The streams that found no room in the shard's connections. */
  private fill(shard: number, streams: readonly StreamSpec[]): readonly StreamSpec[] {
    const limit = this.streamsMax
    let rest = streams
    while (rest.length > 0) {
      const roomy = [...this.active].filter(
        (slot) => slot.lane.shard === shard && slot.streams.size < limit
      )
      const [first, ...others] = roomy
      if (first === undefined) break
      const slot = others.reduce(
        (best, other) => (other.streams.size < best.streams.size ? other : best),
        first
      )
      // In turns of equal size, so that several connections with room fill evenly.
      const share = others.length === 0 ? limit : Math.ceil(rest.length / roomy.length)
      const count = Math.min(share, limit - slot.streams.size, rest.length)
      this.assign(slot, rest.slice(0, count))
      rest = rest.slice(count)
    }
    return rest
  }

  private createSlot(shard: number): ConnectionSlot {
    const slot = new ConnectionSlot(++this.lastSlotId, shard, {
      ...this.options,
      events: {
        live: this.options.live,
        closed: () => this.settle(),
        drained: (drained) => this.bury(drained)
      }
    })
    this.active.add(slot)
    return slot
  }

  private assign(slot: ConnectionSlot, streams: readonly StreamSpec[]): void {
    for (const { name } of streams) {
      this.byStream.set(name, slot)
      this.former.delete(name)
    }
    slot.add(streams)
  }

  private retire(slot: ConnectionSlot): void {
    this.active.delete(slot)
    this.retiring.add(slot)
    slot.stop()
  }

  private bury(slot: ConnectionSlot): void {
    if (!this.retiring.delete(slot)) return
    for (const [name, former] of this.former) {
      if (former === slot) this.former.delete(name)
    }
    this.retired = withSlot(this.retired, slot)
    this.settle()
  }

  private async until(isDone: () => boolean): Promise<void> {
    if (isDone()) return
    await new Promise<void>((resolve) => {
      this.waiters.push({ isDone, resolve })
    })
  }

  private settle(): void {
    const done = this.waiters.filter((waiter) => waiter.isDone())
    if (done.length === 0) return
    this.waiters = this.waiters.filter((waiter) => !done.includes(waiter))
    for (const { resolve } of done) resolve()
  }
}

function withSlot(totals: PoolTotals, { lane, waitingFrames }: ConnectionSlot): PoolTotals {
  return {
    framesWaiting: totals.framesWaiting + waitingFrames,
    framesOverflowed: totals.framesOverflowed + lane.shedOverflow,
    framesAbandoned: totals.framesAbandoned + lane.shedAbandoned,
    framesAccepted: totals.framesAccepted + lane.accepted,
    pauses: totals.pauses + lane.pauses,
    pausedMs: totals.pausedMs + lane.pausedMs
  }
}
