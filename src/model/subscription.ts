/** What a user asks for: one adapter, some channels, some symbols. The same shape in YAML and in the API. */
export interface DataSubscription {
  readonly adapter: string
  /** Channel names as in SLUICE_CHANNELS: trade, kline_1m, depth@100ms, … */
  readonly channels: readonly string[]
  /** Symbols as the exchange writes them; empty only for all-market channels (names that start with `!`). */
  readonly symbols: readonly string[]
}

/** One flow of records, as a parser defines it in its record ring. */
export interface StreamDefinition {
  /** The exchange's stream name when the frame carried one. */
  readonly stream: string | null
  readonly exchange: string
  readonly type: string
  readonly symbol: string
  readonly interval: string | null
  readonly window: string | null
}
