/**
 * The service's log: pino behind the project's `Logger`. Main thread. Writes do not block; a reader that
 * has gone away (EPIPE) or stalls costs log lines, never the process.
 */
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { PinoPretty } from 'pino-pretty'
import type { LogFields, Logger, LogLevel } from '../core/logger.ts'

export interface LoggerOptions {
  readonly level: LogLevel
  readonly pretty: boolean
  /** Secret values that must not appear in any line, whatever field or text brings them. */
  readonly secrets?: readonly string[]
  /** Instead of standard error. */
  readonly destination?: LogDestination
}

export interface LogDestination {
  write(line: string): void
}

export interface ServiceLogger extends Logger {
  level(): LogLevel
  /** Children follow. */
  setLevel(level: LogLevel): void
  /** Writes out what is buffered; for the end of the process. */
  flush(): void
}

/** Fields that hold secrets by name; their values never reach the line. */
const REDACTED = ['apiKey', 'secretKey', 'token', 'password', 'authorization']
/** Shorter secrets would blank out ordinary text. */
const SECRET_CHARACTERS_MIN = 4
const BUFFER_BYTES_MAX = 4 * 1024 * 1024
const STDERR = 2

export function createLogger(options: LoggerOptions): ServiceLogger {
  const output = options.destination ?? standardError()
  const hidden = hidingSecrets(options.secrets ?? [])
  const write = (line: string): void => output.write(hidden(line))
  const colours = options.destination === undefined && process.stderr.isTTY === true
  const stream: DestinationStream = options.pretty ? prettyStream(write, colours) : { write }
  const root = pino(
    {
      level: 'trace',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
      redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: '***' }
    },
    stream
  )
  const shared: SharedLevel = { level: options.level, rank: RANKS[options.level] }
  return new PinoAdapter(root, shared, 'flush' in output ? (output.flush as () => void) : null)
}

const RANKS: Readonly<Record<LogLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Number.POSITIVE_INFINITY
}

/** One for a logger and all its children; pino itself would give each child a level of its own. */
interface SharedLevel {
  level: LogLevel
  rank: number
}

class PinoAdapter implements ServiceLogger {
  private readonly pino: PinoLogger
  private readonly shared: SharedLevel
  private readonly onFlush: (() => void) | null

  constructor(logger: PinoLogger, shared: SharedLevel, onFlush: (() => void) | null) {
    this.pino = logger
    this.shared = shared
    this.onFlush = onFlush
  }

  debug(message: string, fields: LogFields = {}): void {
    if (this.shared.rank <= RANKS.debug) this.pino.debug(fields, oneLine(message))
  }

  info(message: string, fields: LogFields = {}): void {
    if (this.shared.rank <= RANKS.info) this.pino.info(fields, oneLine(message))
  }

  warn(message: string, fields: LogFields = {}): void {
    if (this.shared.rank <= RANKS.warn) this.pino.warn(fields, oneLine(message))
  }

  error(message: string, fields: LogFields = {}): void {
    if (this.shared.rank <= RANKS.error) this.pino.error(fields, oneLine(message))
  }

  child(fields: LogFields): Logger {
    return new PinoAdapter(this.pino.child(fields), this.shared, this.onFlush)
  }

  level(): LogLevel {
    return this.shared.level
  }

  setLevel(level: LogLevel): void {
    this.shared.level = level
    this.shared.rank = RANKS[level]
  }

  flush(): void {
    this.onFlush?.()
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: making them visible is the purpose
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** Control characters as escapes, so that no text from outside forges a line or steers a terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(CONTROL_CHARACTERS, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function hidingSecrets(secrets: readonly string[]): (line: string) => string {
  const long = secrets.filter((secret) => secret.length >= SECRET_CHARACTERS_MIN)
  // As it stands, and as JSON or a URL writes it.
  const quoted = (text: string): string => JSON.stringify(text).slice(1, -1)
  const forms = long.flatMap((secret) => [
    secret,
    quoted(secret),
    oneLine(secret),
    quoted(oneLine(secret)),
    encodeURIComponent(secret)
  ])
  const unique = [...new Set(forms)].sort((a, b) => b.length - a.length)
  return (line) => unique.reduce((text, secret) => text.replaceAll(secret, '***'), line)
}

function prettyStream(write: (line: string) => void, colorize: boolean): DestinationStream {
  const prettify = PinoPretty.prettyFactory({
    colorize,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    // Else an error's text would be printed as it is, line breaks and all.
    errorLikeObjectKeys: [],
    ignore: 'pid,hostname'
  })
  return { write: (line) => write(prettify(line)) }
}

function standardError(): LogDestination & { flush(): void } {
  const stream = pino.destination({ fd: STDERR, sync: false, maxLength: BUFFER_BYTES_MAX })
  // Without a listener, a reader that went away would end the process.
  stream.on('error', () => undefined)
  return {
    write: (line) => {
      stream.write(line)
    },
    flush: () => {
      try {
        stream.flushSync()
      } catch {
        // The other end is gone, or was never ready: there is nobody to tell.
      }
    }
  }
}
