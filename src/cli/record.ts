/** `sluice record`: raw frames of an exchange's streams into a file, each with its receive time. */
import { CaptureWriter } from '../capture/capture-writer.ts'
import { systemClock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { WsClient, type WsEnd } from '../transport/ws-client.ts'
import { EXIT_FAILED, EXIT_OK, numberFlag, parseFlags, runTool, stopSignal } from './flags.ts'

const HELP = `usage: sluice record --streams LIST --out FILE [options]

Writes one line a frame: <receive time, ns> <frame>; with --raw <receive time, ns> <stream> <frame>.

  --streams LIST       stream names, e.g. btcusdt@trade,ethusdt@kline_1m
  --out FILE           compressed when it ends with .gz; replaced when it exists
  --url URL            the exchange (wss://stream.binance.com:9443)
  --seconds N          ends after this long; until a signal unless given
  --raw                one stream in raw form, without the combined wrapper
  --microseconds       asks the exchange for times in µs
  --help
`

const FLAGS = {
  streams: { type: 'string' },
  out: { type: 'string' },
  url: { type: 'string' },
  seconds: { type: 'string' },
  raw: { type: 'boolean' },
  microseconds: { type: 'boolean' },
  help: { type: 'boolean' }
} as const

const URL_DEFAULT = 'wss://stream.binance.com:9443'
/** The exchange refuses URLs from about 8,000 characters on. */
const URL_BYTES_MAX = 7500
const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024
const RETRY_MS = 1000

interface Recording {
  readonly url: string
  readonly stream: string | null
  readonly out: string
  readonly seconds: number | undefined
}

export function run(argv: string[]): Promise<number> {
  return runTool('record', async () => {
    const flags = parseFlags(argv, FLAGS).values
    if (flags.help === true) {
      process.stdout.write(HELP)
      return EXIT_OK
    }
    const streams = (flags.streams ?? '').split(',').filter((name) => name !== '')
    if (streams.length === 0 || flags.out === undefined) {
      throw new SluiceError('SLUICE_USAGE', '--streams and --out are needed; see --help')
    }
    if (flags.raw === true && streams.length > 1) {
      throw new SluiceError('SLUICE_USAGE', '--raw records one stream: nothing names the others')
    }
    const base = flags.url ?? URL_DEFAULT
    return record({
      url: streamUrl(base, streams, { raw: flags.raw, microseconds: flags.microseconds }),
      stream: flags.raw === true ? (streams[0] as string) : null,
      out: flags.out,
      seconds: numberFlag(flags.seconds, { flag: 'seconds', min: 0.1, max: 1e7 })
    })
  })
}

function streamUrl(
  base: string,
  streams: readonly string[],
  form: { raw: boolean | undefined; microseconds: boolean | undefined }
): string {
  const origin = URL.canParse(base) ? new URL(base) : null
  if (origin === null || (origin.protocol !== 'ws:' && origin.protocol !== 'wss:')) {
    throw new SluiceError('SLUICE_USAGE', `--url must be a ws:// or wss:// URL: ${base}`)
  }
  const names = streams.map((name) => encodeURIComponent(name).replaceAll('%40', '@')).join('/')
  const prefix = base.replace(/\/+$/, '')
  const unit = form.microseconds === true ? 'timeUnit=MICROSECOND' : ''
  const url =
    form.raw === true
      ? `${prefix}/ws/${names}${unit === '' ? '' : `?${unit}`}`
      : `${prefix}/stream?streams=${names}${unit === '' ? '' : `&${unit}`}`
  if (url.length <= URL_BYTES_MAX) return url
  throw new SluiceError('SLUICE_USAGE', '--streams names more streams than one URL can hold')
}

async function record(options: Recording): Promise<number> {
  const writer = new CaptureWriter(options.out)
  const signal = stopSignal()
  let timer: ReturnType<typeof setTimeout> | undefined
  const elapsed = new Promise<void>((resolve) => {
    if (options.seconds !== undefined) timer = setTimeout(resolve, options.seconds * 1000)
  })
  const stopped = Promise.race([signal.stopped, elapsed])
  try {
    for (;;) {
      const end = await connection(options, writer, stopped)
      if (end === null) break
      // An exchange that was never reached is an error; one that went away is dialled again.
      if (!end.wasOpen && writer.frames === 0 && end.error !== null) throw end.error
      process.stderr.write(`sluice record: connection closed (${end.code}), dialling again\n`)
      await Promise.race([new Promise((resolve) => setTimeout(resolve, RETRY_MS)), stopped])
    }
  } finally {
    clearTimeout(timer)
    signal.cancel()
    await writer.close()
  }
  const skipped = writer.skipped === 0 ? '' : `, ${writer.skipped} left out`
  if (writer.frames === 0) {
    process.stderr.write(`sluice record: no frame was recorded${skipped}\n`)
    return EXIT_FAILED
  }
  process.stdout.write(`recorded ${writer.frames} frames to ${options.out}${skipped}\n`)
  return EXIT_OK
}

/** One connection's frames; null when it was told to stop, else how it ended. */
function connection(
  options: Recording,
  writer: CaptureWriter,
  stopped: Promise<void>
): Promise<WsEnd | null> {
  return new Promise((resolve, reject) => {
    let draining = false
    const client = new WsClient({
      url: options.url,
      deflate: false,
      payloadBytesMax: PAYLOAD_BYTES_MAX,
      connectMs: 10_000,
      handshakeMs: 10_000,
      messagesPerSecondMax: 4,
      controlPerSecondMax: 2,
      clock: systemClock,
      listener: {
        opened: () => undefined,
        pinged: () => undefined,
        frame: (data, binary) => {
          if (binary) {
            writer.skipped += 1
            return
          }
          const receivedNs = BigInt(systemClock.wallUs()) * 1000n
          // A paused connection still hands over what it has read: one wait serves all of it.
          if (writer.write({ receivedNs, stream: options.stream, data }) || draining) return
          draining = true
          client.pause()
          writer.drained().then(
            () => {
              draining = false
              client.resume()
            },
            (error: unknown) => {
              client.terminate()
              reject(error)
            }
          )
        },
        closed: resolve
      }
    })
    void stopped.then(() => {
      client.terminate()
      resolve(null)
    })
  })
}
