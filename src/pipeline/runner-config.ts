/** What a runner takes from the configuration, as plain values. */

export interface RunnerConfig {
  readonly wsUrl: string
  readonly restUrl: string
  readonly deflate: boolean
  readonly streamsPerConnection: number
  readonly connectsPer5Minutes: number
  readonly controlMessagesPerSecond: number
  readonly subscribeBytesMax: number
  readonly timeouts: {
    readonly connectMs: number
    readonly handshakeMs: number
    /** A connection without frames and pings is dead after this. */
    readonly idleMs: number
    readonly requestMs: number
    readonly acknowledgeMs: number
  }
  readonly reconnect: { readonly baseMs: number; readonly maxMs: number }
}

/** Limits nobody configures; tests do. */
export interface RunnerTuning {
  /** Pause after which a connection is closed on purpose; the exchange would cut it at 60 s. */
  readonly stallMs: number
  readonly waitingFramesMax: number
  readonly waitingBytesMax: number
  readonly payloadBytesMax: number
  /** Beat of the watchdogs. */
  readonly tickMs: number
  /** A busy stream is suspect after max(this, 20 × its mean gap). */
  readonly staleMs: number
  /** A stream that never spoke is suspect after this. */
  readonly muteMs: number
  /** Time between replacements of one connection for stale streams; doubles while it does not help. */
  readonly replaceMs: number
  /** REST weight a minute: for everything, and for the watchdog's questions alone. */
  readonly restWeightPerMinute: number
  readonly probeWeightPerMinute: number
  /** A symbol list this fresh is not fetched again because of an unknown symbol. */
  readonly symbolsFreshMs: number
}

export const DEFAULT_TUNING: RunnerTuning = {
  stallMs: 40_000,
  waitingFramesMax: 65_536,
  waitingBytesMax: 16 * 1024 * 1024,
  payloadBytesMax: 16 * 1024 * 1024,
  tickMs: 1000,
  staleMs: 5000,
  muteMs: 30_000,
  replaceMs: 60_000,
  restWeightPerMinute: 3000,
  probeWeightPerMinute: 600,
  symbolsFreshMs: 30_000
}
