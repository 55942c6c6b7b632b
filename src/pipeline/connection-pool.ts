/** The connections of one exchange: which stream lives on which, added and removed one by one. */
import type { StreamSpec } from '../adapters/adapter.ts'
import { ConnectionSlot, type SlotContext, type SlotState } from './connection-slot.ts'
import { groupStreams, type ShardPlan } from './shard-plan.ts'

export interface PoolOptions extends Omit<SlotContext, 'events'> {
  readonly plan: ShardPlan
  /** The slot's streams flow on a new socket. */
  readonly live: (slot: ConnectionSlot) => void
}

export interface PoolTotals {
  readonly framesWaiting: number
  readonly framesShed: number
  readonly framesAccepted: number
  readonly pauses: number
  readonly pausedMs: number
}

export class ConnectionPool {
  private readonly options: PoolOptions
  private readonly active = new Set<ConnectionSlot>()
  private readonly byStream = new Map<string, ConnectionSlot>()
  /** Without streams, until the last of their frames is in the ring. */
  private readonly retiring = new Set<ConnectionSlot>()
  private retired = { framesShed: 0, framesAccepted: 0, pauses: 0, pausedMs: 0 }
  private lastSlotId = 0
  private whenEmpty: (() => void) | null = null

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

  /** Streams that are new go to connections with room, the emptiest first, else to new ones. */
  add(streams: readonly StreamSpec[]): void {
    const missing = streams.filter((stream) => !this.byStream.has(stream.name))
    const rest = this.fill(missing)
    const { plan, config, adapter } = this.options
    const limit = Math.min(config.streamsPerConnection, adapter.limits.streamsPerConnectionMax)
    const shards = this.active.size > 0 ? 1 : plan.shards
    for (const group of groupStreams(rest, { streamsPerConnection: limit, shards })) {
      this.assign(this.createSlot(), group)
    }
  }

  remove(names: readonly string[]): void {
    const bySlot = new Map<ConnectionSlot, string[]>()
    for (const name of names) {
      const slot = this.byStream.get(name)
      if (slot === undefined) continue
      this.byStream.delete(name)
      const group = bySlot.get(slot)
      if (group === undefined) bySlot.set(slot, [name])
      else group.push(name)
    }
    for (const [slot, group] of bySlot) {
      this.options.plan.add(slot.lane.shard, -group.length)
      if (slot.streams.size === group.length) this.retire(slot)
      else slot.remove(group)
    }
  }

  tick(): void {
    for (const slot of this.active) slot.tick()
  }

  /** Closes everything; resolves when all sockets are closed and nothing waits for a ring. */
  async stop(): Promise<void> {
    this.remove([...this.byStream.keys()])
    if (this.retiring.size === 0) return
    await new Promise<void>((resolve) => {
      this.whenEmpty = resolve
    })
  }

  /** Gives up on what still waits for a ring. */
  abandon(): void {
    for (const slot of [...this.retiring]) {
      slot.lane.abandon()
      this.bury(slot)
    }
  }

  totals(): PoolTotals {
    let framesWaiting = 0
    let { framesShed, framesAccepted, pauses, pausedMs } = this.retired
    for (const slots of [this.active, this.retiring]) {
      for (const slot of slots) {
        framesWaiting += slot.waitingFrames
        framesShed += slot.lane.shed
        framesAccepted += slot.lane.accepted
        pauses += slot.lane.pauses
        pausedMs += slot.lane.pausedMs
      }
    }
    return { framesWaiting, framesShed, framesAccepted, pauses, pausedMs }
  }

  byState(): Record<SlotState, number> {
    const counts = { waiting: 0, connecting: 0, subscribing: 0, live: 0, paused: 0, stopped: 0 }
    for (const slot of this.active) counts[slot.state] += 1
    counts.stopped = this.retiring.size
    return counts
  }

  /** The streams that found no room. */
  private fill(streams: readonly StreamSpec[]): readonly StreamSpec[] {
    const { config, adapter } = this.options
    const limit = Math.min(config.streamsPerConnection, adapter.limits.streamsPerConnectionMax)
    let rest = streams
    while (rest.length > 0) {
      const slot = this.emptiest()
      if (slot === null || slot.streams.size >= limit) break
      const others = [...this.active].filter(
        (other) => other !== slot && other.streams.size < limit
      )
      // In turns of equal size, so that several connections with room fill evenly.
      const share = others.length === 0 ? limit : Math.ceil(rest.length / (others.length + 1))
      const count = Math.min(share, limit - slot.streams.size, rest.length)
      this.assign(slot, rest.slice(0, count))
      rest = rest.slice(count)
    }
    return rest
  }

  private emptiest(): ConnectionSlot | null {
    let best: ConnectionSlot | null = null
    for (const slot of this.active) {
      if (best === null || slot.streams.size < best.streams.size) best = slot
    }
    return best
  }

  private createSlot(): ConnectionSlot {
    const slot = new ConnectionSlot(++this.lastSlotId, this.options.plan.leastLoaded(), {
      ...this.options,
      events: { live: this.options.live, drained: (drained) => this.bury(drained) }
    })
    this.active.add(slot)
    return slot
  }

  private assign(slot: ConnectionSlot, streams: readonly StreamSpec[]): void {
    for (const stream of streams) this.byStream.set(stream.name, slot)
    this.options.plan.add(slot.lane.shard, streams.length)
    slot.add(streams)
  }

  private retire(slot: ConnectionSlot): void {
    this.active.delete(slot)
    this.retiring.add(slot)
    slot.stop()
  }

  private bury(slot: ConnectionSlot): void {
    if (!this.retiring.delete(slot)) return
    this.retired.framesShed += slot.lane.shed
    this.retired.framesAccepted += slot.lane.accepted
    this.retired.pauses += slot.lane.pauses
    this.retired.pausedMs += slot.lane.pausedMs
    if (this.retiring.size > 0 || this.whenEmpty === null) return
    this.whenEmpty()
    this.whenEmpty = null
  }
}
