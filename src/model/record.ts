/** Record types, sources and dead-letter reasons: their wire names and the numbers used in ring entries. */

/** The numbers are a contract with the native kernel and the spool: append, never renumber. */
export const RecordType = {
  trade: 1,
  aggTrade: 2,
  blockTrade: 3,
  kline: 4,
  ticker: 5,
  miniTicker: 6,
  bookTicker: 7,
  depth: 8,
  book: 9,
  avgPrice: 10,
  referencePrice: 11,
  markPrice: 12,
  liquidation: 13,
  gap: 14
} as const
export type RecordTypeName = keyof typeof RecordType

/** Entries in the record ring that are not records. */
export const ENTRY_DEAD_LETTER = 30
export const ENTRY_STREAM_DEFINITION = 31

/** Counter rows are indexed by type number; entries included. */
export const RECORD_TYPES_MAX = 32

export const RecordSource = { live: 0, heal: 1, backfill: 2, aggregate: 3 } as const
export type RecordSourceName = keyof typeof RecordSource

/** Why a frame was dead-lettered. Append, never renumber. */
export const DeadLetterReason = {
  /** Not one well-formed JSON document (syntax, truncation, trailing bytes, bad UTF-8, too deep). */
  invalid_json: 1,
  /** The document's shape is not the one the stream's messages have. */
  unexpected_shape: 2,
  /** A field the record needs is missing. */
  missing_field: 3,
  /** A key stands twice in one object. */
  duplicate_key: 4,
  /** A number, price or id is not a number of the required form or range. */
  bad_number: 5,
  /** The symbol is empty, longer than 64 bytes, or holds quotes, backslashes or control characters. */
  bad_symbol: 6,
  /** An event type nobody knows. */
  unknown_type: 7,
  /** The stream name and the payload contradict each other. */
  stream_mismatch: 8,
  /** A payload that does not name its symbol came without a stream name. */
  no_stream: 9,
  /** The frame is larger than the ring or the exchange's limit allows. */
  oversized: 10,
  /** A binary message where only text is expected. */
  binary: 11,
  /** The shard's stream table is full. */
  too_many_streams: 12
} as const
export type DeadLetterReasonName = keyof typeof DeadLetterReason
export const DEAD_LETTER_REASONS_MAX = 32

export const SCHEMA_VERSION = 1
