/** Serves a recording to the connections that subscribed to its streams, or to all of them. */
import type { Clock } from '../core/clock.ts'
import type { Connection } from './connection.ts'
import { inForm, type RecordedFrame, type Recording } from './recording.ts'

export interface PlaybackOptions {
  /** 1 keeps the recorded pace, N is N times as fast, `max` as fast as the clients take it. */
  readonly speed?: number | 'max'
  /** Begins when this many connections listen; 1 unless given. */
  readonly connections?: number
  /** Frames go to those that subscribed (default), or to every connection whatever it asked for. */
  readonly route?: 'subscribed' | 'all'
  /** At the end of the recording; connections stay open unless given. */
  readonly atEnd?: 'idle' | 'close'
  /** Reads the whole file into memory before the first frame leaves. */
  readonly preload?: boolean
}

export interface PlaybackResult {
  /** Frames of the recording that were played. */
  readonly frames: number
  /** Frames put on the wire, counted once for each connection. */
  readonly sent: number
  readonly seconds: number
}

export interface PlaybackContext {
  readonly clock: Clock
  readonly closed: () => boolean
  connections(): readonly Connection[]
  flush(): void
  onPosition(line: number): void
}

const FLUSH_FRAMES = 256
const BUFFERED_BYTES_MAX = 4 * 1024 * 1024
const POLL_MS = 2

export async function runPlayback(
  recording: Recording,
  options: PlaybackOptions,
  context: PlaybackContext
): Promise<PlaybackResult> {
  const all = options.route === 'all'
  const source = options.preload === true ? await preload(recording) : recording.read()
  await waitForListeners(options.connections ?? 1, all, context)
  const pacer = new Pacer(options.speed ?? 1, context)
  const startMs = context.clock.monotonicMs()
  let frames = 0
  let sent = 0
  for await (const frame of source) {
    if (context.closed()) break
    if (pacer.isAhead(frame)) {
      context.flush()
      await pacer.wait(frame)
    }
    for (const connection of context.connections()) {
      if (!all && frame.stream !== null && !connection.has(frame.stream)) continue
      const data = inForm(frame, connection.combined)
      connection.enqueue({ stream: frame.stream, data, firstId: -1, lastId: -1 })
      sent += 1
    }
    context.onPosition(frame.line)
    frames += 1
    if (frames % FLUSH_FRAMES === 0) {
      context.flush()
      await settle(context, BUFFERED_BYTES_MAX)
    }
  }
  context.flush()
  await settle(context, 0)
  const seconds = (context.clock.monotonicMs() - startMs) / 1000
  if (options.atEnd === 'close') for (const each of context.connections()) each.end(1000, '')
  return { frames, sent, seconds }
}

/** When each frame is due, by the recorder's receive times. */
class Pacer {
  readonly #speed: number | 'max'
  readonly #context: PlaybackContext
  readonly #startMs: number
  #firstNs: bigint | null = null

  constructor(speed: number | 'max', context: PlaybackContext) {
    this.#speed = speed
    this.#context = context
    this.#startMs = context.clock.monotonicMs()
  }

  isAhead(frame: RecordedFrame): boolean {
    return this.#aheadMs(frame) >= 1
  }

  wait(frame: RecordedFrame): Promise<void> {
    const ms = this.#aheadMs(frame)
    return new Promise((resolve) => {
      this.#context.clock.setTimer(resolve, ms)
    })
  }

  #aheadMs(frame: RecordedFrame): number {
    if (this.#speed === 'max' || frame.receivedNs === null) return 0
    this.#firstNs ??= frame.receivedNs
    const offsetMs = Number(frame.receivedNs - this.#firstNs) / 1e6 / this.#speed
    return this.#startMs + offsetMs - this.#context.clock.monotonicMs()
  }
}

async function preload(recording: Recording): Promise<RecordedFrame[]> {
  const frames: RecordedFrame[] = []
  for await (const frame of recording.read()) {
    // A copy of its own: a slice would keep the reader's whole chunk alive.
    frames.push({ ...frame, data: Buffer.from(frame.data) })
  }
  return frames
}

async function waitForListeners(
  count: number,
  all: boolean,
  context: PlaybackContext
): Promise<void> {
  const listening = (): number =>
    context.connections().filter((each) => all || each.streamNames.length > 0).length
  while (!context.closed() && listening() < count) await sleep()
}

async function settle(context: PlaybackContext, bytes: number): Promise<void> {
  const busy = (): boolean => context.connections().some((each) => each.bufferedBytes > bytes)
  while (!context.closed() && busy()) await sleep()
}

function sleep(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, POLL_MS)
  })
}
