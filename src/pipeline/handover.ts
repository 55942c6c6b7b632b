/**
 * From one socket of a slot to the next while both carry the same streams: what the second brings is held
 * until the first is closed, then each message goes on once and in order.
 */
import type { Clock } from '../core/clock.ts'
import type { FrameLane } from '../transport/frame-lane.ts'
import { Overlap } from '../transport/overlap.ts'
import type { RunnerCounters } from './runner-counters.ts'
import type { StreamLink } from './stream-link.ts'

export interface HandoverOptions {
  readonly lane: FrameLane
  readonly counters: RunnerCounters
  readonly clock: Clock
}

/** After the switch, messages the old socket had brought may still come on the new one. */
const TAIL_MS = 2000

export class Handover {
  private readonly options: HandoverOptions
  private readonly overlap = new Overlap()
  /** Null after the switch. */
  private coming: StreamLink | null
  private current: StreamLink
  private untilMs = Number.POSITIVE_INFINITY

  constructor(current: StreamLink, next: StreamLink, options: HandoverOptions) {
    this.options = options
    this.current = current
    this.coming = next
  }

  /** The socket that will take over; null once it has. */
  get next(): StreamLink | null {
    return this.coming
  }

  get heldFrames(): number {
    return this.overlap.heldFrames
  }

  get isOver(): boolean {
    return this.options.clock.monotonicMs() > this.untilMs
  }

  /** False: no more can be held or remembered, the switch must be made now. */
  frame(link: StreamLink, data: Buffer, binary: boolean): boolean {
    if (link === this.coming) return this.overlap.hold(data, binary)
    const isOld = link !== this.current
    // The old socket's last chunk after the switch: the new one has brought it or will.
    if (isOld || (this.coming === null && this.overlap.isRepeated(data))) {
      this.options.counters.framesDuplicate += 1
      return true
    }
    this.options.lane.offer(data, binary, link.number)
    return this.coming === null || this.overlap.remember(data)
  }

  /** Makes the next socket the current one; the caller closes the old one. */
  switchOver(): StreamLink {
    const { lane, counters, clock } = this.options
    this.current = this.coming ?? this.current
    this.coming = null
    const held = this.overlap.heldFrames
    const news = this.overlap.release()
    counters.framesDuplicate += held - news.length
    for (const { data, binary } of news) lane.offer(data, binary, this.current.number)
    this.untilMs = clock.monotonicMs() + TAIL_MS
    return this.current
  }

  /** The next socket will not come: what it held is the current one's to bring. */
  drop(): void {
    this.options.counters.framesDuplicate += this.overlap.heldFrames
    this.coming = null
  }
}
