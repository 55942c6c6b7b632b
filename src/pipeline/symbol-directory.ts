/** The exchange's symbols, fetched over REST: tried until they are there, refreshed on demand. */
import type { ExchangeAdapter, SymbolInfo } from '../adapters/adapter.ts'
import { Backoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import { asError, SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Prng } from '../core/prng.ts'
import type { RestClient } from '../transport/rest-client.ts'
import { sleep } from '../transport/weight-budget.ts'

export interface SymbolDirectoryOptions {
  readonly adapter: ExchangeAdapter
  readonly rest: RestClient
  /** A younger list is not fetched again. */
  readonly freshMs: number
  readonly clock: Clock
  readonly prng: Prng
  readonly logger: Logger
}

const RETRY_BASE_MS = 500
/** Within five seconds of the exchange being reachable the list is asked for again. */
const RETRY_MS_MAX = 4000
/** A refusal does not pass within seconds. */
const REFUSED_MS = 60_000

export class SymbolDirectory {
  private readonly options: SymbolDirectoryOptions
  private known: ReadonlyMap<string, SymbolInfo> | null = null
  private loadedAtMs = 0
  private error: SluiceError | null = null

  constructor(options: SymbolDirectoryOptions) {
    this.options = options
  }

  /** Null until the first load. */
  get symbols(): ReadonlyMap<string, SymbolInfo> | null {
    return this.known
  }

  /** Why the last attempt failed; null after a success. */
  get lastError(): SluiceError | null {
    return this.error
  }

  /** Tries until it has the list. Rejects only with the signal's reason. */
  async load(signal: AbortSignal): Promise<ReadonlyMap<string, SymbolInfo>> {
    const { clock, prng, logger } = this.options
    const backoff = new Backoff({ baseMs: RETRY_BASE_MS, maxMs: RETRY_MS_MAX, prng })
    backoff.nextMs()
    for (;;) {
      try {
        return await this.fetch(signal)
      } catch (thrown) {
        if (signal.aborted) throw signal.reason
        const error = this.note(thrown)
        logger.warn('symbol list not loaded', { error: error.message, code: error.code })
        await sleep(clock, waitOf(error) ?? backoff.nextMs(), signal)
      }
    }
  }

  /** One attempt, unless the list is fresh. On failure the old list stays. */
  async refresh(signal: AbortSignal): Promise<void> {
    const ageMs = this.options.clock.monotonicMs() - this.loadedAtMs
    if (this.known !== null && ageMs < this.options.freshMs) return
    try {
      await this.fetch(signal)
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      this.note(thrown)
    }
  }

  private async fetch(signal: AbortSignal): Promise<ReadonlyMap<string, SymbolInfo>> {
    const { adapter, rest, clock } = this.options
    const { path, weight, bodyBytesMax } = adapter.symbolsQuestion
    const response = await rest.get(path, { weight, bodyBytesMax, signal })
    const symbols = adapter.parseSymbols(response.body)
    const known = new Map(symbols.map((info) => [info.symbol, info]))
    this.known = known
    this.loadedAtMs = clock.monotonicMs()
    this.error = null
    return known
  }

  private note(thrown: unknown): SluiceError {
    const error =
      thrown instanceof SluiceError
        ? thrown
        : new SluiceError('SLUICE_TRANSPORT_HTTP', asError(thrown).message, {}, thrown)
    this.error = error
    return error
  }
}

function waitOf(error: SluiceError): number | null {
  const retryAfterMs = error.context['retryAfterMs']
  if (typeof retryAfterMs === 'number') return retryAfterMs
  return error.code === 'SLUICE_TRANSPORT_REFUSED' ? REFUSED_MS : null
}
