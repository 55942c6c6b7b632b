/** `sluice replay FILE`: pushes a capture's frames into a running service's ingest listener. */
import { readFile } from 'node:fs/promises'
import { readCapture } from '../capture/capture-reader.ts'
import { asError, SluiceError } from '../core/errors.ts'
import { EXIT_OK, parseFlags, runTool, speedFlag, stopSignal } from './flags.ts'
import { ReplayFeed } from './replay-feed.ts'

const HELP = `usage: sluice replay FILE [options]

Pushes the frames of a capture into a service's ingest listener, in their order, within its credit.
Reads what sluice record writes, hftbacktest and cryptofeed captures and ndjson, plain or gzip.

  --to URL             ingest listener (ws://127.0.0.1:8080/ingest/binance)
  --token TOKEN        ingest token; --token-file FILE reads it from a file
  --speed 1|N|max      recorded pace, N times as fast, or as fast as it is taken (max)
  --help
`

const FLAGS = {
  to: { type: 'string' },
  token: { type: 'string' },
  'token-file': { type: 'string' },
  speed: { type: 'string' },
  help: { type: 'boolean' }
} as const

const URL_DEFAULT = 'ws://127.0.0.1:8080/ingest/binance'

export function run(argv: string[]): Promise<number> {
  return runTool('replay', async () => {
    const { values, positionals } = parseFlags(argv, FLAGS, true)
    if (values.help === true) {
      process.stdout.write(HELP)
      return EXIT_OK
    }
    const [path, ...more] = positionals
    if (path === undefined || more.length > 0) {
      throw new SluiceError('SLUICE_USAGE', 'expected one capture file; see --help')
    }
    const token = values.token ?? (await tokenFrom(values['token-file']))
    const url = checkedUrl(values.to ?? URL_DEFAULT)
    return replay({ path, url, token, speed: speedFlag(values.speed) ?? 'max' })
  })
}

interface Replay {
  readonly path: string
  readonly url: string
  readonly token: string
  readonly speed: number | 'max'
}

async function replay(options: Replay): Promise<number> {
  const feed = new ReplayFeed({ url: options.url, token: options.token })
  const signal = stopSignal()
  const run = new ReplayRun(options, feed)
  void signal.stopped.then(() => run.stop())
  const startMs = performance.now()
  try {
    await run.play()
  } catch (error) {
    throw cutOff(error, feed.frames)
  } finally {
    feed.abort()
    signal.cancel()
  }
  const seconds = (performance.now() - startMs) / 1000
  const rate = Math.round(feed.frames / Math.max(seconds, 1e-6))
  const left = run.replies === 0 ? '' : `, ${run.replies} REST replies left out`
  process.stdout.write(
    `replayed ${feed.frames} frames, ${feed.bytes} bytes, in ${seconds.toFixed(2)} s ` +
      `(${rate}/s)${left}\n`
  )
  return EXIT_OK
}

/** An ended connection says how far it got: frames sent, which the listener need not have taken. */
function cutOff(error: unknown, frames: number): unknown {
  if (!(error instanceof SluiceError) || error.code !== 'SLUICE_TRANSPORT_CLOSED') return error
  const message = `${error.message}; ${frames} frames were sent`
  return new SluiceError(error.code, message, { ...error.context, frames }, error)
}

/** The way through one file. No promise outlives its frame: a long replay must not grow. */
class ReplayRun {
  /** Captured REST replies, which are no frames. */
  replies = 0
  readonly #options: Replay
  readonly #feed: ReplayFeed
  #stopped = false
  #wake: (() => void) | null = null

  constructor(options: Replay, feed: ReplayFeed) {
    this.#options = options
    this.#feed = feed
  }

  /** Ends `play` soon; frames that wait for credit are not sent any more. */
  stop(): void {
    this.#stopped = true
    this.#feed.abort()
    this.#wake?.()
  }

  async play(): Promise<void> {
    try {
      await this.#feedAll()
      await this.#feed.close()
    } catch (error) {
      if (!this.#stopped) throw error
    }
  }

  async #feedAll(): Promise<void> {
    const { path, speed } = this.#options
    const startMs = performance.now()
    let firstNs: bigint | null = null
    for await (const captured of readCapture(path)) {
      if (this.#stopped) return
      if (captured.kind === 'reply') {
        this.replies += 1
        continue
      }
      if (speed !== 'max' && captured.receivedNs !== null) {
        firstNs ??= captured.receivedNs
        await this.#sleepUntil(startMs + Number(captured.receivedNs - firstNs) / 1e6 / speed)
      }
      const waiting = this.#feed.push(captured)
      if (waiting !== null) await waiting
    }
  }

  async #sleepUntil(dueMs: number): Promise<void> {
    const ms = dueMs - performance.now()
    // Timers are good to a millisecond; frames closer together go out together.
    if (ms < 1) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = null
  }
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && (url.protocol === 'ws:' || url.protocol === 'wss:')) return text
  throw new SluiceError('SLUICE_USAGE', `--to must be a ws:// or wss:// URL: ${text}`)
}

async function tokenFrom(path: string | undefined): Promise<string> {
  if (path === undefined) return ''
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    const what = asError(error).message
    throw new SluiceError('SLUICE_CONFIG_FILE', `reading the token: ${what}`, { path }, error)
  }
}
