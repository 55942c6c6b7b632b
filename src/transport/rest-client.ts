/**
 * REST requests to one exchange: bounded in time, size, number and weight, and silent while the exchange
 * has told us to be.
 */
import { gunzip } from 'node:zlib'
import { Pool } from 'undici'
import { Backoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import { asError, SluiceError } from '../core/errors.ts'
import type { Prng } from '../core/prng.ts'
import { type ExchangeErrorBody, judge } from './http-answer.ts'
import { sleep, WeightBudget } from './weight-budget.ts'

export interface RestClientOptions {
  readonly baseUrl: string
  readonly usedWeightHeader: string
  /** Weight this client may use in one calendar minute. */
  readonly weightPerMinute: number
  readonly connectMs: number
  /** One attempt, from the request to the last byte of the body. */
  readonly requestMs: number
  readonly parseError: (body: Uint8Array) => ExchangeErrorBody | null
  readonly clock: Clock
  readonly prng: Prng
}

export interface RestRequest {
  readonly weight: number
  readonly signal?: AbortSignal
  /** Larger answers are refused; default 4 MiB. */
  readonly bodyBytesMax?: number
  /** Attempts where asking again may help; default 1. */
  readonly attempts?: number
}

export interface RestResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface RestStatus {
  readonly usedWeight: number
  readonly weightPerMinute: number
  /** Remaining time of a 429 or 418, ms; 0 = none. */
  readonly silentMs: number
  readonly requests: Readonly<Record<string, number>>
}

const BODY_BYTES_MAX = 4 * 1024 * 1024
const POOL_CONNECTIONS = 4
const RETRY_BASE_MS = 250
const RETRY_MS_MAX = 4000

export class RestClient {
  private readonly options: RestClientOptions
  private readonly pool: Pool
  private readonly prefix: string
  private readonly budget: WeightBudget
  private readonly requests: Record<string, number> = { ok: 0, retried: 0, failed: 0, limited: 0 }
  private silentUntilMs = 0
  private silence: SluiceError | null = null

  /** @throws SLUICE_CONFIG_INVALID for a base URL that is none. */
  constructor(options: RestClientOptions) {
    this.options = options
    const base = parseBase(options.baseUrl)
    this.prefix = base.pathname.replace(/\/$/, '')
    this.budget = new WeightBudget(options)
    this.pool = new Pool(base.origin, {
      connections: POOL_CONNECTIONS,
      // One limit on our own clock covers the whole exchange of messages.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: options.connectMs }
    })
  }

  /**
   * @throws SLUICE_TRANSPORT_RATE_LIMITED, _BANNED (context.retryAfterMs), _REFUSED, _HTTP, _TIMEOUT or
   * _CONNECT; the signal's reason when aborted.
   */
  async get(path: string, request: RestRequest): Promise<RestResponse> {
    const { clock, prng } = this.options
    const backoff = new Backoff({ baseMs: RETRY_BASE_MS, maxMs: RETRY_MS_MAX, prng })
    backoff.nextMs()
    for (let attempt = 1; ; attempt++) {
      this.checkSilence()
      await this.budget.acquire(request.weight, request.signal)
      const outcome = await this.attempt(path, request)
      if (outcome.error === null) return this.count('ok', outcome.response)
      if (outcome.limited) throw this.count('limited', outcome.error)
      const again = outcome.retry && attempt < (request.attempts ?? 1)
      if (!again) throw this.count('failed', outcome.error)
      this.count('retried', null)
      await sleep(clock, backoff.nextMs(), request.signal)
    }
  }

  status(): RestStatus {
    return {
      usedWeight: this.budget.used(),
      weightPerMinute: this.options.weightPerMinute,
      silentMs: Math.max(0, Math.ceil(this.silentUntilMs - this.options.clock.monotonicMs())),
      requests: { ...this.requests }
    }
  }

  /** Open requests fail. */
  async close(): Promise<void> {
    await this.pool.destroy()
  }

  private count<T>(result: string, value: T): T {
    this.requests[result] = (this.requests[result] ?? 0) + 1
    return value
  }

  /** Going on asking turns a 429 into a ban: nothing leaves this process until the time is over. */
  private checkSilence(): void {
    const remainingMs = this.silentUntilMs - this.options.clock.monotonicMs()
    if (this.silence === null || remainingMs <= 0) return
    throw new SluiceError(this.silence.code, this.silence.message, {
      ...this.silence.context,
      retryAfterMs: Math.ceil(remainingMs)
    })
  }

  /** Rejects only with the caller's abort. */
  private async attempt(path: string, request: RestRequest): Promise<Outcome> {
    const { clock } = this.options
    let answer: RestResponse
    try {
      answer = await this.exchange(path, request)
    } catch (thrown) {
      if (request.signal?.aborted === true) throw request.signal.reason
      if (!(thrown instanceof SluiceError)) return failure(connectError(path, thrown), true)
      return failure(thrown, thrown.code === 'SLUICE_TRANSPORT_TIMEOUT')
    }
    const used = answer.headers[this.options.usedWeightHeader]
    if (used !== undefined) this.budget.report(Number(used))
    const verdict = judge(answer, {
      path,
      parseError: this.options.parseError,
      nowMs: clock.wallUs() / 1000
    })
    if (verdict.kind === 'ok') return { error: null, response: answer }
    if (verdict.kind !== 'wait') return failure(verdict.error, verdict.kind === 'retry')
    this.silence = verdict.error
    this.silentUntilMs = clock.monotonicMs() + verdict.waitMs
    return { error: verdict.error, retry: false, limited: true }
  }

  private async exchange(path: string, request: RestRequest): Promise<RestResponse> {
    const { clock, requestMs } = this.options
    const deadline = new AbortController()
    const timeout = new SluiceError(
      'SLUICE_TRANSPORT_TIMEOUT',
      `requesting ${path}: no complete answer within ${requestMs} ms`,
      { path, requestMs }
    )
    const timer = clock.setTimer(() => deadline.abort(timeout), requestMs)
    const onAbort = (): void => deadline.abort(request.signal?.reason)
    request.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const response = await this.pool.request({
        method: 'GET',
        path: path.startsWith(`${this.prefix}/`) ? path : this.prefix + path,
        headers: { accept: 'application/json', 'accept-encoding': 'gzip' },
        signal: deadline.signal
      })
      const headers = flatten(response.headers)
      const raw = await readBody(response.body, request.bodyBytesMax ?? BODY_BYTES_MAX, path)
      const body = await inflate(raw, headers, request.bodyBytesMax ?? BODY_BYTES_MAX)
      return { status: response.statusCode, headers, body }
    } finally {
      clock.clearTimer(timer)
      request.signal?.removeEventListener('abort', onAbort)
    }
  }
}

type Outcome =
  | { readonly error: null; readonly response: RestResponse }
  | { readonly error: SluiceError; readonly retry: boolean; readonly limited: boolean }

function failure(error: SluiceError, retry: boolean): Outcome {
  return { error, retry, limited: false }
}

function parseBase(baseUrl: string): URL {
  let url: URL | null = null
  try {
    url = new URL(baseUrl)
  } catch {}
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `not an http or https URL: ${baseUrl}`)
  }
  return url
}

function flatten(
  headers: Readonly<Record<string, string | string[] | undefined>>
): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? (value[0] ?? '') : value
  }
  return flat
}

async function readBody(
  chunks: AsyncIterable<Buffer>,
  bytesMax: number,
  path: string
): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    // Leaving the loop destroys the body and with it the socket.
    if (bytes > bytesMax) throw tooLarge(path, bytesMax)
    parts.push(chunk)
  }
  return Buffer.concat(parts, bytes)
}

function inflate(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  bytesMax: number
): Promise<Buffer> {
  if (headers['content-encoding'] !== 'gzip') return Promise.resolve(body)
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: bytesMax }, (error, inflated) => {
      if (error === null) resolve(inflated)
      else reject(error)
    })
  })
}

function tooLarge(path: string, bytesMax: number): SluiceError {
  const message = `requesting ${path}: the answer exceeds ${bytesMax} bytes`
  return new SluiceError('SLUICE_TRANSPORT_HTTP', message, { path, bytesMax })
}

function connectError(path: string, thrown: unknown): SluiceError {
  const cause = asError(thrown)
  const message = `requesting ${path}: ${cause.message || cause.name}`
  return new SluiceError('SLUICE_TRANSPORT_CONNECT', message, { path }, cause)
}
