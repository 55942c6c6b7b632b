/** Streams that flowed when their adapter was stopped: each that flows again has missed something. */
import type { ConnectionSlot } from './connection-slot.ts'
import { countGaps, type GapReason, type RunnerCounters } from './runner-counters.ts'

export class Interruption {
  private readonly names = new Set<string>()
  private reason: GapReason = 'stopped'

  /** What is noted next is a restart. */
  restarting(): void {
    this.reason = 'restart'
  }

  note(streams: ReadonlyMap<string, ConnectionSlot>): void {
    for (const [name, slot] of streams) {
      if (slot.hasFlowed) this.names.add(name)
    }
  }

  /** Counts a gap for each stream noted that is subscribed again, and starts afresh. */
  count(counters: RunnerCounters, slots: Iterable<ConnectionSlot>): void {
    for (const { streams } of slots) {
      const again = [...streams.values()].filter(({ name }) => this.names.has(name))
      countGaps(counters, this.reason, again)
    }
    this.names.clear()
    this.reason = 'stopped'
  }
}
