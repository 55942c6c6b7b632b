/** Fires faults, planned or by hand, and counts what they did. */
import type { Clock, TimerHandle } from '../core/clock.ts'
import { assertNever } from '../core/errors.ts'
import type { Prng } from '../core/prng.ts'
import type { Connection } from './connection.ts'
import type {
  AckFault,
  DisconnectFault,
  Fault,
  FaultPlan,
  FaultStep,
  RestFault
} from './fault-plan.ts'
import { type FrameFault, type FrameFaultCounts, FrameFaults } from './frame-faults.ts'

/** What faults act on. */
export interface FaultTarget {
  connections(): readonly Connection[]
  stopListening(): void
  listenAgain(): void
  shutdownNotice(): void
}

export interface FaultCounts extends FrameFaultCounts {
  disconnects: number
  acksHit: number
  restHit: number
}

export class FaultControl {
  readonly frameFaults: FrameFaults
  readonly #clock: Clock
  readonly #prng: Prng
  readonly #target: FaultTarget
  readonly #timers = new Set<TimerHandle>()
  readonly #counts = { disconnects: 0, acksHit: 0, restHit: 0 }
  #ack: { delayMs: number | null; left: number } | null = null
  #rest: (RestFault & { left: number })[] = []
  #readingDelayMs = 0
  #refusing = 0

  constructor(options: { clock: Clock; prng: Prng; target: FaultTarget }) {
    this.#clock = options.clock
    this.#prng = options.prng
    this.#target = options.target
    this.frameFaults = new FrameFaults(options.prng.fork('frames'))
  }

  get counts(): Readonly<FaultCounts> {
    return { ...this.frameFaults.counts, ...this.#counts }
  }

  start(plan: FaultPlan): void {
    for (const step of plan.steps) this.#schedule(step, step.atMs ?? 0, step.times)
  }

  /** Fires one fault now. */
  fire(fault: Fault): void {
    switch (fault.kind) {
      case 'disconnect':
        this.disconnect(fault)
        return
      case 'refuseConnects':
        this.refuseConnects(fault.forMs)
        return
      case 'frames':
        this.frames(fault)
        return
      case 'mute':
        this.mute(fault.streams, fault.forMs)
        return
      case 'acks':
        this.acks(fault)
        return
      case 'slowReading':
        this.slowReading(fault.delayMs, fault.forMs)
        return
      case 'rest':
        this.rest(fault)
        return
      case 'serverShutdown':
        this.#target.shutdownNotice()
        if (fault.closeAfterMs !== undefined) {
          this.#after(fault.closeAfterMs, () => this.disconnect({ how: 'clean' }))
        }
        return
      case 'clear':
        this.clear()
        return
      default:
        assertNever(fault, 'firing a fault')
    }
  }

  disconnect(fault: DisconnectFault): void {
    for (const connection of this.#select(fault.connections ?? 'all')) {
      this.#counts.disconnects += 1
      if (fault.how === 'clean') connection.end(1001, 'Going away')
      else if (fault.how === 'reset') connection.reset()
      else if (fault.how === 'silent') connection.silent = true
      else connection.mute = true
    }
  }

  /** New connections are refused by the kernel for a time; those that stand are left alone. */
  refuseConnects(forMs: number): void {
    if (this.#refusing++ === 0) this.#target.stopListening()
    this.#after(forMs, () => {
      this.#refusing -= 1
      if (this.#refusing === 0) this.#target.listenAgain()
    })
  }

  frames(fault: FrameFault): void {
    this.frameFaults.add(fault)
  }

  mute(streams: string, forMs?: number): void {
    const undo = this.frameFaults.mute(streams)
    if (forMs !== undefined) this.#after(forMs, undo)
  }

  acks(fault: AckFault): void {
    this.#ack = { delayMs: fault.delayMs, left: fault.count ?? Number.POSITIVE_INFINITY }
  }

  /** Whatever clients send is looked at only after a delay, pongs excepted. */
  slowReading(delayMs: number, forMs?: number): void {
    this.#readingDelayMs = delayMs
    if (forMs !== undefined) this.#after(forMs, () => (this.#readingDelayMs = 0))
  }

  rest(fault: RestFault): void {
    this.#rest.push({ ...fault, left: fault.count ?? Number.POSITIVE_INFINITY })
  }

  /** Ends every fault that lasts; closed and silent connections stay as they are. */
  clear(): void {
    this.frameFaults.clear()
    this.#ack = null
    this.#rest = []
    this.#readingDelayMs = 0
  }

  get readingDelayMs(): number {
    return this.#readingDelayMs
  }

  /** Delay of the next reply, null for none; counts it. */
  takeAckDelayMs(): number | null {
    const ack = this.#ack
    if (ack === null) return 0
    ack.left -= 1
    this.#counts.acksHit += 1
    if (ack.left <= 0) this.#ack = null
    return ack.delayMs
  }

  /** The fault that hits a request to `path`, if any; counts it. */
  takeRest(path: string): RestFault | null {
    const rule = this.#rest.find((each) => each.path === undefined || each.path === path)
    if (rule === undefined) return null
    rule.left -= 1
    this.#counts.restHit += 1
    if (rule.left <= 0) this.#rest = this.#rest.filter((other) => other !== rule)
    return rule
  }

  close(): void {
    for (const timer of this.#timers) this.#clock.clearTimer(timer)
    this.#timers.clear()
  }

  #schedule(step: FaultStep, inMs: number, times: number | undefined): void {
    if (times !== undefined && times <= 0) return
    this.#after(inMs, () => {
      this.fire(step.fault)
      if (step.everyMs === undefined) return
      this.#schedule(step, step.everyMs, times === undefined ? undefined : times - 1)
    })
  }

  #select(which: 'all' | 'oldest' | 'random' | number): readonly Connection[] {
    const all = this.#target.connections()
    if (which === 'all' || all.length === 0) return all
    if (which === 'oldest') return all.slice(0, 1)
    if (which === 'random') return [all[this.#prng.int(all.length)] as Connection]
    return all.filter((connection) => connection.id === which)
  }

  #after(ms: number, action: () => void): void {
    const timer = this.#clock.setTimer(() => {
      this.#timers.delete(timer)
      action()
    }, ms)
    this.#timers.add(timer)
  }
}
