/** Names for how a connection ended or was not opened. Pure. */
import { asError, SluiceError } from '../core/errors.ts'
import type { WsEnd } from '../transport/ws-client.ts'
import type { ConnectResult, ReconnectReason } from './runner-counters.ts'

/** Ends from this share of the exchange's maximal age on are put down to it. */
const AGE_SHARE = 0.98
const REFUSING_STATUSES: ReadonlySet<number> = new Set([403, 418, 429, 451])

export function classifyConnect(end: WsEnd): ConnectResult {
  if (end.httpStatus !== null) return REFUSING_STATUSES.has(end.httpStatus) ? 'rejected' : 'failed'
  if (end.error?.code === 'SLUICE_TRANSPORT_TIMEOUT') return 'timeout'
  const cause = end.error?.cause as { readonly code?: unknown } | undefined
  return cause?.code === 'ECONNREFUSED' ? 'refused' : 'failed'
}

export function classifyEnd(end: WsEnd, ageMs: number, ageMsMax: number): ReconnectReason {
  if (ageMs >= ageMsMax * AGE_SHARE) return 'max_age'
  return end.code === 1006 || end.error !== null ? 'reset' : 'closed'
}

/** What a socket that could not even be made leaves behind. */
export function dialError(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  return new SluiceError('SLUICE_TRANSPORT_CONNECT', asError(thrown).message, {}, thrown)
}
