/** One frame on its way to one connection or more. */
import type { TimeUnit } from './payloads.ts'

export interface Frame {
  /** Null for frames that belong to no stream. */
  readonly stream: string | null
  readonly data: string | Uint8Array
  /** The ids the frame covers, as in the record header; −1 when its kind has none. */
  readonly firstId: number
  readonly lastId: number
  /** Set on frames that the fault plan broke. */
  readonly malformed?: boolean
}

/** Renders one message at most once for each form and time unit that somebody listens in. */
export class FrameForms {
  readonly #stream: string
  readonly #firstId: number
  readonly #lastId: number
  readonly #render: (unit: TimeUnit) => string
  readonly #forms: (Frame | undefined)[] = [undefined, undefined, undefined, undefined]
  readonly #payloads: (string | undefined)[] = [undefined, undefined]

  constructor(stream: string, ids: readonly [number, number], render: (unit: TimeUnit) => string) {
    this.#stream = stream
    this.#firstId = ids[0]
    this.#lastId = ids[1]
    this.#render = render
  }

  frame(combined: boolean, unit: TimeUnit): Frame {
    const index = (combined ? 2 : 0) + (unit === 'us' ? 1 : 0)
    const known = this.#forms[index]
    if (known !== undefined) return known
    const payload = this.#payload(unit)
    const frame: Frame = {
      stream: this.#stream,
      data: combined ? `{"stream":"${this.#stream}","data":${payload}}` : payload,
      firstId: this.#firstId,
      lastId: this.#lastId
    }
    this.#forms[index] = frame
    return frame
  }

  #payload(unit: TimeUnit): string {
    const index = unit === 'us' ? 1 : 0
    const known = this.#payloads[index]
    if (known !== undefined) return known
    const payload = this.#render(unit)
    this.#payloads[index] = payload
    return payload
  }
}
