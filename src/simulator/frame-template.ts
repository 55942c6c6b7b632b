/** One stream's frame as bytes, stepped from id to id by changing only the digits that change. */
import { invariant } from '../core/errors.ts'
import { aggregateTradePayload, type TimeUnit, tradePayload, wireTime } from './payloads.ts'
import type { SymbolSpec } from './symbols.ts'

export interface FrameTemplateOptions {
  readonly stream: string
  readonly channel: 'aggTrade' | 'trade'
  readonly spec: SymbolSpec
  readonly combined: boolean
  readonly timeUnit: TimeUnit
  /** Ten digits. */
  readonly firstId: number
}

const NINE = 0x39
const ZERO = 0x30
/** Any time of today's length; replaced before the first frame leaves. */
const PLACEHOLDER_US = 1_700_000_000_000_000

export class FrameTemplate {
  readonly stream: string
  /** Frames stepped so far. */
  count = 0
  readonly #bytes: Buffer
  readonly #timeUnit: TimeUnit
  /** Positions of the last digits of what goes up by one with every frame. */
  readonly #counters: readonly number[]
  readonly #times: readonly number[]
  readonly #timeDigits: number
  #lastTime = 0

  constructor(options: FrameTemplateOptions) {
    this.stream = options.stream
    this.#timeUnit = options.timeUnit
    const payload = render(options)
    const text = options.combined ? `{"stream":"${options.stream}","data":${payload}}` : payload
    this.#bytes = Buffer.from(text)
    this.#timeDigits = String(wireTime(PLACEHOLDER_US, options.timeUnit)).length
    this.#times = [this.#find('"E":'), this.#find('"T":')]
    const ids = options.channel === 'trade' ? ['"t":'] : ['"a":', '"f":', '"l":']
    const counters = ids.map((key) => this.#find(key) + 9)
    // The quantity's digits move too, so that no two frames of a stream are alike but in their ids.
    counters.push(
      this.#bytes.indexOf('"', this.#find('"q":"')) - 1 - (8 - options.spec.stepDecimals)
    )
    this.#counters = counters
  }

  /** The next frame; the bytes are valid until the next call. Data plane: no allocation. */
  step(timeUs: number): Uint8Array {
    if (this.count > 0) {
      for (let index = 0; index < this.#counters.length; index++) {
        this.#increment(this.#counters[index] as number)
      }
    }
    this.count += 1
    const time = wireTime(timeUs, this.#timeUnit)
    if (time !== this.#lastTime) this.#setTime(time)
    return this.#bytes
  }

  /** Adds one to the decimal number that ends at `position`, passing over its point. */
  #increment(position: number): void {
    const bytes = this.#bytes
    for (let at = position; ; at--) {
      const digit = bytes[at] as number
      if (digit < ZERO || digit > NINE) {
        // A point, or the number's front: nine digits and more never overflow in a run.
        if (digit === 0x2e) continue
        return
      }
      if (digit < NINE) {
        bytes[at] = digit + 1
        return
      }
      bytes[at] = ZERO
    }
  }

  #setTime(time: number): void {
    this.#lastTime = time
    let rest = time
    for (let digit = this.#timeDigits - 1; digit >= 0; digit--) {
      const value = ZERO + (rest % 10)
      rest = Math.floor(rest / 10)
      for (let index = 0; index < this.#times.length; index++) {
        this.#bytes[(this.#times[index] as number) + digit] = value
      }
    }
  }

  #find(key: string): number {
    const at = this.#bytes.indexOf(key)
    invariant(at >= 0, `finding ${key} in a frame template`)
    return at + key.length
  }
}

function render(options: FrameTemplateOptions): string {
  const { spec, firstId, timeUnit } = options
  const trade = {
    id: firstId,
    timeUs: PLACEHOLDER_US,
    priceTicks: spec.startTicks,
    quantitySteps: 10_000_001,
    buyerIsMaker: true,
    firstId,
    lastId: firstId
  }
  return options.channel === 'trade'
    ? tradePayload(spec, trade, PLACEHOLDER_US, timeUnit)
    : aggregateTradePayload(spec, trade, PLACEHOLDER_US, timeUnit)
}
