/** Faults on frames about to be sent: missing, doubled, reordered, broken, or a stream gone mute. */
import type { Prng } from '../core/prng.ts'
import type { Frame } from './frame.ts'
import { frameBytes } from './journal.ts'

export type FrameAction = 'drop' | 'duplicate' | 'reorder' | 'malform'

export interface FrameFault {
  readonly action: FrameAction
  /** Chance for each frame; 1 unless given. */
  readonly probability?: number
  /** Ends after so many frames were hit; unlimited unless given. */
  readonly count?: number
  /** Stream name, `*` standing for anything; all streams unless given. */
  readonly streams?: string
}

/** What a fault did to frames, counted in frames. */
export interface FrameFaultCounts {
  dropped: number
  duplicated: number
  reordered: number
  malformed: number
  muted: number
}

interface Rule {
  readonly action: FrameAction
  readonly probability: number
  readonly pattern: RegExp
  left: number
}

/** The frame of one connection that waits for the next of its stream to overtake it. */
export interface HeldFrames {
  held: Frame | null
}

export function streamPattern(glob: string): RegExp {
  const escaped = glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${escaped}$`, 'u')
}

export class FrameFaults {
  readonly counts: FrameFaultCounts = {
    dropped: 0,
    duplicated: 0,
    reordered: 0,
    malformed: 0,
    muted: 0
  }
  readonly #prng: Prng
  #rules: Rule[] = []
  #muted: RegExp[] = []

  constructor(prng: Prng) {
    this.#prng = prng
  }

  get idle(): boolean {
    return this.#rules.length === 0 && this.#muted.length === 0
  }

  add(fault: FrameFault): void {
    this.#rules.push({
      action: fault.action,
      probability: fault.probability ?? 1,
      pattern: streamPattern(fault.streams ?? '*'),
      left: fault.count ?? Number.POSITIVE_INFINITY
    })
  }

  mute(streams: string): () => void {
    const pattern = streamPattern(streams)
    this.#muted.push(pattern)
    return () => {
      this.#muted = this.#muted.filter((other) => other !== pattern)
    }
  }

  clear(): void {
    this.#rules = []
    this.#muted = []
  }

  /** Passes on to `send` what is left of the frame, and the frame that waited for it. */
  apply(frame: Frame, connection: HeldFrames, send: (frame: Frame) => void): void {
    const name = frame.stream ?? ''
    if (this.#muted.some((pattern) => pattern.test(name))) {
      this.counts.muted += 1
      return
    }
    const waiting = connection.held
    if (waiting !== null && waiting.stream === frame.stream) {
      // No second fault on the frame that overtakes: the swap must really happen.
      connection.held = null
      send(frame)
      send(waiting)
      return
    }
    const rule = this.#rules.find(
      (each) =>
        each.pattern.test(name) &&
        (each.action !== 'reorder' || waiting === null) &&
        this.#prng.next() < each.probability
    )
    if (rule === undefined) send(frame)
    else this.#hit(rule, frame, connection, send)
  }

  #hit(rule: Rule, frame: Frame, connection: HeldFrames, send: (frame: Frame) => void): void {
    rule.left -= 1
    if (rule.left <= 0) this.#rules = this.#rules.filter((other) => other !== rule)
    switch (rule.action) {
      case 'drop':
        this.counts.dropped += 1
        return
      case 'duplicate':
        this.counts.duplicated += 1
        send(frame)
        send(frame)
        return
      case 'reorder':
        this.counts.reordered += 1
        connection.held = frame
        return
      case 'malform':
        this.counts.malformed += 1
        send({ ...frame, data: malform(frameBytes(frame), this.#prng), malformed: true })
        return
    }
  }
}

/** The frame's bytes broken so that no reader may accept them. */
export function malform(bytes: Uint8Array, prng: Prng): Uint8Array {
  const text = Buffer.from(bytes)
  switch (prng.int(5)) {
    case 0:
      // A proper prefix of an object is never a document.
      return text.subarray(0, 1 + prng.int(text.length - 1))
    case 1:
      return Buffer.concat([text, Buffer.from('}')])
    case 2:
      return Buffer.concat([text, text])
    case 3: {
      // 0xFF stands in no UTF-8 text.
      const at = 1 + prng.int(text.length - 1)
      return Buffer.concat([text.subarray(0, at), Buffer.from([0xff]), text.subarray(at)])
    }
    default: {
      const colon = text.indexOf(':')
      return Buffer.concat([text.subarray(0, colon), text.subarray(colon + 1)])
    }
  }
}
