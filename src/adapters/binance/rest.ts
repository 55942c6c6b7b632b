/** Shapes of spot REST answers that the pipeline reads: the symbol list and error bodies. */
import { SluiceError } from '../../core/errors.ts'
import type { RestErrorBody, RestQuestion, SymbolInfo } from '../adapter.ts'

/**
 * The whole list was about 17.6 MB in 2026-09; without permission sets it is much smaller, but an
 * endpoint that ignores the parameter must not break the start.
 */
export const SYMBOLS_QUESTION: RestQuestion = {
  path: '/api/v3/exchangeInfo?showPermissionSets=false',
  weight: 20,
  bodyBytesMax: 64 * 1024 * 1024
}

/** Errors (error codes, read 2026-07-21) that say "ask again", not "you asked wrongly". */
const RETRY_CODES: ReadonlySet<number> = new Set([-1000, -1001, -1007, -1008, -1016])
const BANNED_UNTIL = /banned until (\d{13})/

const decoder = new TextDecoder()

export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body))
  } catch {
    return undefined
  }
}

export function asObject(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return value as Readonly<Record<string, unknown>>
}

export function parseSymbols(body: Uint8Array): readonly SymbolInfo[] {
  const rows = asObject(parseJson(body))?.['symbols']
  if (!Array.isArray(rows)) {
    throw new SluiceError('SLUICE_TRANSPORT_HTTP', 'reading exchangeInfo: no symbol list in it', {
      bodyBytes: body.length
    })
  }
  const symbols: SymbolInfo[] = []
  for (const row of rows) {
    const entry = asObject(row)
    const symbol = entry?.['symbol']
    if (typeof symbol !== 'string') continue
    symbols.push({ symbol, trading: entry?.['status'] === 'TRADING' })
  }
  return symbols
}

export function parseRestError(body: Uint8Array): RestErrorBody | null {
  const error = asObject(parseJson(body))
  const code = error?.['code']
  const message = error?.['msg']
  if (typeof code !== 'number' || typeof message !== 'string') return null
  const until = BANNED_UNTIL.exec(message)?.[1]
  return {
    code,
    message,
    retry: RETRY_CODES.has(code),
    bannedUntilMs: until === undefined ? null : Number(until)
  }
}
