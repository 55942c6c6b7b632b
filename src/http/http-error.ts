/** Errors as HTTP says them: a status, a code, one sentence. */
import { type ErrorCode, SluiceError } from '../core/errors.ts'

export class HttpError extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    reply: {
      readonly code: string
      readonly message: string
      readonly headers?: Readonly<Record<string, string>>
    }
  ) {
    super(reply.message)
    this.name = 'HttpError'
    this.status = status
    this.code = reply.code
    this.headers = reply.headers ?? {}
  }
}

/** Errors of ours that are the caller's fault, or that pass; all others are 500. */
const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  SLUICE_USAGE: 400,
  SLUICE_CONFIG_INVALID: 400,
  SLUICE_CONFIG_UNKNOWN_KEY: 400,
  SLUICE_EXCHANGE_SUBSCRIPTION: 400,
  SLUICE_EXCHANGE_UNKNOWN: 404,
  SLUICE_TRANSPORT_CONNECT: 502,
  SLUICE_TRANSPORT_CLOSED: 502,
  SLUICE_TRANSPORT_HTTP: 502,
  SLUICE_TRANSPORT_REFUSED: 502,
  SLUICE_TRANSPORT_TIMEOUT: 504,
  SLUICE_TRANSPORT_RATE_LIMITED: 503,
  SLUICE_TRANSPORT_BANNED: 503,
  SLUICE_EXCHANGE_CONTROL: 502,
  SLUICE_SINK_UNREACHABLE: 503,
  SLUICE_SERVICE_STATE: 503
}

/** What the client is told; a bug's message stays in the log. */
export function httpErrorOf(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  if (error instanceof SluiceError) {
    const status = STATUS_OF[error.code]
    if (status !== undefined) {
      return new HttpError(status, { code: error.code, message: error.message })
    }
    return new HttpError(500, { code: error.code, message: 'the service failed; its log says why' })
  }
  return new HttpError(500, {
    code: 'internal_error',
    message: 'the service failed; its log says why'
  })
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  202: 'Accepted',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout'
}

/** A status line's text, as uWebSockets.js wants it. */
export function statusLine(status: number): string {
  return `${status} ${REASONS[status] ?? 'Error'}`
}
