/** Judges an HTTP answer of an exchange's REST endpoint. Pure. */
import { SluiceError } from '../core/errors.ts'

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What the exchange's own error body says. */
export interface ExchangeErrorBody {
  readonly code: number
  readonly message: string
  readonly retry: boolean
  readonly bannedUntilMs: number | null
}

export type Verdict =
  | { readonly kind: 'ok' }
  /** Asking again may work. */
  | { readonly kind: 'retry'; readonly error: SluiceError }
  /** Nothing may be asked before this long has passed. */
  | { readonly kind: 'wait'; readonly error: SluiceError; readonly waitMs: number }
  | { readonly kind: 'refused'; readonly error: SluiceError }

/** 429 without Retry-After: the weight window is a minute. */
const LIMITED_DEFAULT_MS = 60_000
/** 418 without Retry-After: bans begin at two minutes. */
const BANNED_DEFAULT_MS = 120_000
/** The longest ban the exchange speaks of is three days; anything beyond is taken for nonsense. */
const WAIT_MS_MAX = 3 * 24 * 3600 * 1000

export interface JudgeOptions {
  readonly path: string
  readonly parseError: (body: Uint8Array) => ExchangeErrorBody | null
  /** ms since the epoch. */
  readonly nowMs: number
}

export function judge(answer: HttpAnswer, options: JudgeOptions): Verdict {
  const { status } = answer
  const what = `requesting ${options.path}`
  const exchangeError = status === 200 ? null : options.parseError(answer.body)
  const said = exchangeError?.message ?? (isHtml(answer) ? 'an HTML page, not JSON' : 'no reason')
  const context = { path: options.path, status, code: exchangeError?.code ?? null }
  if (status === 429 || status === 418) {
    const waitMs = waitOf(answer, exchangeError, options.nowMs)
    const code = status === 429 ? 'SLUICE_TRANSPORT_RATE_LIMITED' : 'SLUICE_TRANSPORT_BANNED'
    const state = status === 429 ? 'rate limited' : 'banned'
    const message = `${what}: ${state} for ${Math.ceil(waitMs / 1000)} s (${said})`
    const error = new SluiceError(code, message, { ...context, retryAfterMs: waitMs })
    return { kind: 'wait', error, waitMs }
  }
  if (status === 403 || status === 451) {
    const why = status === 403 ? "by the exchange's firewall" : 'for legal reasons'
    const message = `${what}: refused with ${status} ${why} (${said})`
    return { kind: 'refused', error: new SluiceError('SLUICE_TRANSPORT_REFUSED', message, context) }
  }
  const message = `${what}: status ${status} (${said})`
  const error = new SluiceError('SLUICE_TRANSPORT_HTTP', message, context)
  if (status >= 500 || exchangeError?.retry === true) return { kind: 'retry', error }
  if (status !== 200) return { kind: 'refused', error }
  if (looksLikeJson(answer.body)) return { kind: 'ok' }
  // A captive portal or a proxy answers 200 with a page: not the exchange, but it may come back.
  return {
    kind: 'retry',
    error: new SluiceError('SLUICE_TRANSPORT_HTTP', `${what}: the answer is not JSON`, context)
  }
}

function waitOf(answer: HttpAnswer, error: ExchangeErrorBody | null, nowMs: number): number {
  const fallbackMs = answer.status === 429 ? LIMITED_DEFAULT_MS : BANNED_DEFAULT_MS
  const header = answer.headers['retry-after']
  // Seconds by the exchange's documentation; the date form of HTTP is not used by it.
  const headerMs = header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : null
  const bodyMs = error?.bannedUntilMs == null ? null : error.bannedUntilMs - nowMs
  const waitMs = headerMs ?? bodyMs ?? fallbackMs
  if (waitMs > WAIT_MS_MAX) return WAIT_MS_MAX
  return waitMs > 0 ? waitMs : fallbackMs
}

function isHtml(answer: HttpAnswer): boolean {
  return answer.headers['content-type']?.includes('html') === true || answer.body[0] === 0x3c
}

function looksLikeJson(body: Uint8Array): boolean {
  for (const byte of body.subarray(0, 64)) {
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue
    return byte === 0x7b || byte === 0x5b
  }
  return false
}
