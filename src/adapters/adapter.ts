/**
 * What one exchange is to the rest of the system: names, limits and message shapes. An adapter is pure:
 * no sockets, no timers, no state of connections; `src/pipeline` drives it and `src/transport` carries.
 */
import type { RecordTypeName } from '../model/record.ts'
import type { DataSubscription } from '../model/subscription.ts'

/** Raised when the interface changes incompatibly; an adapter built for another one is refused. */
export const ADAPTER_API_VERSION = 1

export interface ExchangeLimits {
  readonly streamsPerConnectionMax: number
  /** Connection attempts the exchange allows in `connectWindowMs`. */
  readonly connectsMax: number
  readonly connectWindowMs: number
  /** Messages client → server in one second on one connection, pongs included. */
  readonly messagesPerSecondMax: number
  /** Longest control message, bytes. */
  readonly controlBytesMax: number
  /** Longest connection URL, bytes. */
  readonly urlBytesMax: number
  /** Pings the server sends are at most this far apart, ms. */
  readonly serverPingMs: number
  /** The exchange ends a connection at this age, ms. */
  readonly connectionAgeMsMax: number
  /** REST request weight in one calendar minute. */
  readonly restWeightPerMinute: number
}

export interface SymbolInfo {
  readonly symbol: string
  /** False: known, but nothing is traded now (halted, delisted): its streams stay silent. */
  readonly trading: boolean
}

/** One stream to subscribe to. */
export interface StreamSpec {
  /** The exchange's stream name. */
  readonly name: string
  readonly channel: string
  /** Empty for all-market streams. */
  readonly symbol: string
}

/** The record type a stream brings, and what of it can stand in a topic's name. */
export interface StreamRecord {
  readonly type: RecordTypeName
  readonly symbol: string
  /** Candles only. */
  readonly interval: string | null
}

/** What a list of subscriptions names; `unknown…` lists everything that is wrong, not the first only. */
export interface StreamResolution {
  readonly streams: readonly StreamSpec[]
  readonly unknownChannels: readonly string[]
  readonly unknownSymbols: readonly string[]
  /** Sentences for what is neither: a channel without symbols, … */
  readonly problems: readonly string[]
}

export interface ConnectionPlan {
  readonly url: string
  /** Streams that did not fit into the URL and need a SUBSCRIBE after the opening. */
  readonly remaining: readonly string[]
}

export interface ControlRequest {
  readonly id: number
  readonly text: string
  readonly streams: readonly string[]
}

export type ControlMethod = 'subscribe' | 'unsubscribe'

/** A frame that does not begin as data, looked at. */
export type ControlFrame =
  | { readonly kind: 'ack'; readonly id: number | null }
  | { readonly kind: 'list'; readonly id: number | null; readonly streams: readonly string[] }
  | {
      readonly kind: 'error'
      readonly id: number | null
      readonly code: number
      readonly message: string
    }
  | { readonly kind: 'shutdown' }
  /** Data after all (an odd key order), or nothing this side understands: the parser judges it. */
  | { readonly kind: 'data' }

/** What the service knows of a stream's records; see the activity rows in `src/ring/layout.ts`. */
export interface StreamActivity {
  readonly records: number
  /** Receive time of the last record, µs. */
  readonly receivedTimeUs: number
  /** Receive time of the last record whose id (or event time) grew, µs. */
  readonly advancedTimeUs: number
  /** Last id, or event time µs where the stream has no ids. */
  readonly lastId: number
}

/** A REST question whose answer tells whether the exchange moved on while a stream did not. */
export interface StreamProbe {
  readonly path: string
  readonly weight: number
  /** Time a record that the answer shows may still need to arrive, ms. */
  readonly graceMs: number
  /**
   * `position`: one answer decides. `change`: two answers `graceMs` apart are compared by
   * `fingerprint`, for streams whose records carry nothing that REST shows too.
   */
  readonly kind: 'position' | 'change'
  /** Is the exchange beyond `seen`? `seen` is null for a stream that never spoke since `sinceUs`. */
  isAhead(body: Uint8Array, seen: StreamActivity | null, sinceUs: number): boolean
  fingerprint(body: Uint8Array): string | null
}

export interface RestQuestion {
  readonly path: string
  readonly weight: number
  readonly bodyBytesMax: number
}

export interface RestErrorBody {
  readonly code: number
  readonly message: string
  /** The exchange's own trouble: asking again later may work. */
  readonly retry: boolean
  /** A ban the text speaks of ends then, ms since the epoch. */
  readonly bannedUntilMs: number | null
}

export interface ExchangeAdapter {
  readonly apiVersion: number
  /** Name in records, topics and metrics. */
  readonly exchange: string
  /** Which rules of the kernel its frames follow. */
  readonly profile: string
  readonly limits: ExchangeLimits
  /** Response header with the weight used in the current minute. */
  readonly usedWeightHeader: string
  readonly symbolsQuestion: RestQuestion

  /** @throws SLUICE_TRANSPORT_HTTP when the body is not the expected list. */
  parseSymbols(body: Uint8Array): readonly SymbolInfo[]
  /** With `symbols` null only what needs no symbol list is checked. */
  resolve(
    subscriptions: readonly DataSubscription[],
    symbols: ReadonlyMap<string, SymbolInfo> | null
  ): StreamResolution
  /**
   * What the stream's records are, for their topic's name; null when that is known only record by
   * record, as in all-market streams.
   */
  recordOf(stream: StreamSpec): StreamRecord | null
  /** Where to connect for these streams. @throws SLUICE_CONFIG_INVALID for a base URL that is none. */
  connectionPlan(baseUrl: string, streams: readonly string[]): ConnectionPlan
  /** Requests of at most `bytesMax` bytes each; `nextId` gives ids unique on the connection. */
  controlRequests(
    method: ControlMethod,
    streams: readonly string[],
    options: { readonly bytesMax: number; readonly nextId: () => number }
  ): readonly ControlRequest[]
  listRequest(id: number): ControlRequest
  /**
   * By its first bytes: is the frame surely data? Called for every frame, allocates nothing. False
   * means "look at it with `parseControl`", not "is control".
   */
  isData(frame: Uint8Array): boolean
  parseControl(frame: Uint8Array): ControlFrame
  /** Null: nothing at the exchange can tell, so this stream is never found stale. */
  probe(stream: StreamSpec): StreamProbe | null
  /** Null: not an error body of this exchange. */
  parseRestError(body: Uint8Array): RestErrorBody | null
}

/** What an adapter module exports: `createAdapter`, or the same as its default. */
export interface AdapterModule {
  createAdapter(name: string): ExchangeAdapter
}
