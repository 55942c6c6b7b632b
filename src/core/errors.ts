/**
 * Every error of the project: a stable code, what to do about it, and facts. Callers switch on `code`
 * and `disposition`, never on the message or, across threads, on the class.
 */

export type Disposition = 'drop' | 'retry' | 'heal' | 'reconnect' | 'fatal'

/** code → disposition. The one table: docs/errors.md is generated from it. */
export const ERROR_CODES = {
  SLUICE_CONFIG_INVALID: 'fatal',
  SLUICE_CONFIG_UNKNOWN_KEY: 'fatal',
  SLUICE_CONFIG_FILE: 'fatal',
  SLUICE_USAGE: 'fatal',
  SLUICE_TRANSPORT_CONNECT: 'reconnect',
  SLUICE_TRANSPORT_CLOSED: 'reconnect',
  SLUICE_TRANSPORT_TIMEOUT: 'retry',
  SLUICE_TRANSPORT_HTTP: 'retry',
  SLUICE_TRANSPORT_RATE_LIMITED: 'retry',
  SLUICE_TRANSPORT_BANNED: 'retry',
  SLUICE_TRANSPORT_REFUSED: 'fatal',
  SLUICE_EXCHANGE_UNKNOWN: 'fatal',
  SLUICE_EXCHANGE_SUBSCRIPTION: 'drop',
  SLUICE_EXCHANGE_CONTROL: 'reconnect',
  SLUICE_RING_LAYOUT: 'fatal',
  SLUICE_RING_OWNERSHIP: 'fatal',
  SLUICE_SINK_CONFIG: 'fatal',
  SLUICE_SINK_UNREACHABLE: 'retry',
  SLUICE_NATIVE_MISSING: 'fatal',
  SLUICE_NATIVE_MISMATCH: 'fatal',
  SLUICE_THREAD_START: 'retry',
  SLUICE_THREAD_LOST: 'retry',
  SLUICE_THREAD_GAVE_UP: 'fatal',
  SLUICE_HTTP_LISTEN: 'fatal',
  SLUICE_CAPTURE_FORMAT: 'drop',
  SLUICE_SERVICE_STATE: 'retry',
  SLUICE_INVARIANT: 'fatal'
} as const satisfies Record<string, Disposition>
export type ErrorCode = keyof typeof ERROR_CODES

export type ErrorContext = Readonly<Record<string, string | number | boolean | null>>

/** An error as it crosses threads: `postMessage` of a subclass would lose code and fields. */
export interface WireError {
  readonly code: ErrorCode
  readonly message: string
  readonly context: ErrorContext
  readonly stack: string | null
}

export class SluiceError extends Error {
  readonly code: ErrorCode
  /** Facts for logs and API; never a secret. */
  readonly context: ErrorContext

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'SluiceError'
    this.code = code
    this.context = context
  }

  get disposition(): Disposition {
    return ERROR_CODES[this.code]
  }

  toWire(): WireError {
    return {
      code: this.code,
      message: this.message,
      context: this.context,
      stack: this.stack ?? null
    }
  }

  static fromWire(wire: WireError): SluiceError {
    const error = new SluiceError(wire.code, wire.message, wire.context)
    if (wire.stack !== null) error.stack = wire.stack
    return error
  }
}

/** Anything thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/** A condition that only a bug can break. The thread that sees it dies and is replaced. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new SluiceError('SLUICE_INVARIANT', message)
}

export function assertNever(value: never, what: string): never {
  throw new SluiceError('SLUICE_INVARIANT', `${what}: unexpected ${String(value)}`)
}
