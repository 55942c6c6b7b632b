/**
 * Byte layout of everything that crosses threads. The one home of these numbers: `native/src/layout.h`
 * is written from here by `npm run layout` and a test fails when the two differ.
 *
 * A ring is one SharedArrayBuffer:
 *
 *      0 ┌──────────────────────────────────────────────┐
 *        │ magic, version, capacity, kind, shard         │
 *    128 │ producer cursor   i32   (bytes, modulo 2^32)  │  written by the producer only
 *    256 │ consumer cursor   i32   (bytes, modulo 2^32)  │  written by the consumer only
 *    384 │ consumer epoch, producer epoch, stop mark     │  written by the supervisor only
 *    512 │ next sequence f64, intent block               │  written by the producer only
 *   1024 ├──────────────────────────────────────────────┤
 *        │ data, `capacity` bytes, a power of two        │
 *        ├──────────────────────────────────────────────┤
 *        │ slack: readable, never written past payloads  │  simdjson reads up to 64 bytes beyond a payload
 *        └──────────────────────────────────────────────┘
 *
 * Cursors only ever grow (modulo 2^32); an entry lives at `cursor & (capacity - 1)`; the ring is empty
 * when the cursors are equal and holds `(producer - consumer) >>> 0` bytes. Entries are contiguous and
 * 8-byte aligned. Where an entry does not fit before the end of the data area, a pad marker
 * {u32 size, u32 PAD} fills it up and the entry starts at offset 0. No entry exceeds capacity / 4.
 *
 * Cursors sit 128 bytes apart, so that the two sides never share a cache line or a prefetched pair.
 */

export const RING_MAGIC = 0x534c5247 // 'SLRG'
export const RING_LAYOUT_VERSION = 1

/** Byte offsets inside the ring's control block. */
export const RING_HEADER_BYTES = 1024
export const RING_SLACK_BYTES = 128
export const OFFSET_MAGIC = 0
export const OFFSET_VERSION = 4
export const OFFSET_CAPACITY = 8
export const OFFSET_KIND = 12
export const OFFSET_SHARD = 16
export const OFFSET_PRODUCER_CURSOR = 128
export const OFFSET_CONSUMER_CURSOR = 256
export const OFFSET_CONSUMER_EPOCH = 384
export const OFFSET_PRODUCER_EPOCH = 388
export const OFFSET_STOP = 392
/** Record ring: the sequence of the next record, f64 (exact below 2^53). Written before the cursor that publishes it. */
export const OFFSET_NEXT_SEQUENCE = 512
/**
 * Record ring: redo note of the parser's two-cursor commit. State 1 is stored after the four values and
 * before the first cursor moves, 0 after the second moved. A successor that finds state 1 finishes the move.
 */
export const OFFSET_INTENT_STATE = 576
export const OFFSET_INTENT_FRAME_CURSOR = 580
export const OFFSET_INTENT_RECORD_CURSOR = 584
export const OFFSET_INTENT_SEQUENCE = 592

export const RING_KIND_FRAME = 1
export const RING_KIND_RECORD = 2

/** Second word of a pad marker, where an entry has its payload bytes. */
export const PAD = 0xffffffff

/**
 * Frame entry (frame ring):
 *
 *   0 u32 size            whole entry, multiple of 8
 *   4 u32 payloadBytes    bytes kept in the ring
 *   8 f64 receivedTimeUs  µs since the epoch
 *  16 u32 connection      number of the connection, unique in the process
 *  20 u16 flags           FRAME_FLAG_*
 *  22 u8  exchange        index into the list of exchanges given to the kernel
 *  23 u8  source          RecordSource
 *  24 u32 nameBytes       length of the stream name after the payload; 0 = combined form
 *  28 u32 originalBytes   size on the wire; differs from payloadBytes when truncated
 *  32     payload, then the stream name (raw form only), then padding to 8
 */
export const FRAME_HEADER_BYTES = 32
export const FRAME_SIZE = 0
export const FRAME_PAYLOAD_BYTES = 4
export const FRAME_RECEIVED_TIME = 8
export const FRAME_CONNECTION = 16
export const FRAME_FLAGS = 20
export const FRAME_EXCHANGE = 22
export const FRAME_SOURCE = 23
export const FRAME_NAME_BYTES = 24
export const FRAME_ORIGINAL_BYTES = 28

/** The frame was larger than the ring takes; the payload is its beginning and can only be dead-lettered. */
export const FRAME_FLAG_OVERSIZED = 1
/** The frame came as a binary message, which no JSON stream sends. */
export const FRAME_FLAG_BINARY = 2

/**
 * Record entry (record ring, and byte for byte the spool's frame):
 *
 *   0 u32 size            whole entry, multiple of 8
 *   4 u32 valueBytes
 *   8 u32 streamIndex     as defined by an earlier STREAM_DEFINITION entry of the same ring
 *  12 u8  type            RecordType
 *  13 u8  source          RecordSource
 *  14 u16 flags           RECORD_FLAG_*
 *  16 u64 sequence        per ring, without holes; definitions carry the sequence of the next record
 *  24 i64 firstId         −1 where the stream has none
 *  32 i64 lastId          −1 where the stream has none
 *  40 i64 eventTimeUs     0 where the stream has none
 *  48 i64 receivedTimeUs
 *  56 u16 keyOffset       key = value[keyOffset, keyOffset + keyBytes): the symbol inside the value
 *  58 u16 keyBytes
 *  60 u32 detail          dead letter: reason; else 0
 *  64 u32 valueCrc        CRC32C of the value
 *  68 u32 headerCrc       CRC32C of bytes [0, 68)
 *  72     value, then padding to 8
 *
 * DEAD_LETTER entries: value = the frame's bytes (at most DEAD_LETTER_BYTES_MAX), firstId = its size on
 * the wire, streamIndex = the exchange's index, key empty.
 * STREAM_DEFINITION entries: value = JSON {"stream","exchange","type","symbol","interval","window"}
 * (stream, interval and window may be null); streamIndex = the index it defines from here on in this
 * ring; a later definition of the same index replaces it (a restarted parser starts again at 0).
 */
export const RECORD_HEADER_BYTES = 72
export const RECORD_SIZE = 0
export const RECORD_VALUE_BYTES = 4
export const RECORD_STREAM_INDEX = 8
export const RECORD_TYPE = 12
export const RECORD_SOURCE = 13
export const RECORD_FLAGS = 14
export const RECORD_SEQUENCE = 16
export const RECORD_FIRST_ID = 24
export const RECORD_LAST_ID = 32
export const RECORD_EVENT_TIME = 40
export const RECORD_RECEIVED_TIME = 48
export const RECORD_KEY_OFFSET = 56
export const RECORD_KEY_BYTES = 58
export const RECORD_DETAIL = 60
export const RECORD_VALUE_CRC = 64
export const RECORD_HEADER_CRC = 68

/** A price, quantity or time in the record cannot be true; it is delivered unaltered. */
export const RECORD_FLAG_SUSPECT = 1
/** The dead letter's value is only the beginning of the frame. */
export const RECORD_FLAG_TRUNCATED = 2

export const DEAD_LETTER_BYTES_MAX = 512 * 1024

/** Doorbells: one 128-byte slot per consumer in one SharedArrayBuffer. */
export const DOORBELL_BYTES = 128
export const DOORBELL_SIGNAL = 0
export const DOORBELL_SLEEPING = 4

/**
 * Stream activity, written by the parser, read by the main thread's watchdog: one row of
 * ACTIVITY_WORDS f64 per stream index of a shard.
 *   0 records   1 receivedTimeUs of the last one   2 receivedTimeUs of the last one that advanced
 *   (its last id, or else its event time, grew)   3 last id (or event time µs where there is no id)
 */
export const ACTIVITY_WORDS = 4
export const ACTIVITY_RECORDS = 0
export const ACTIVITY_RECEIVED = 1
export const ACTIVITY_ADVANCED = 2
export const ACTIVITY_LAST_ID = 3

/** Streams one shard can hold; a frame that would need one more is dead-lettered as `too_many_streams`. */
export const STREAMS_MAX = 16384

/**
 * Histogram of microseconds as f64 words: log-linear, 8 buckets per octave.
 * value < 8 → bucket value; else e = floor(log2 value), bucket = (e − 2) * 8 + ((value >> (e − 3)) & 7),
 * capped at HISTOGRAM_BUCKETS − 1; negative values count in bucket 0. Then the sum, then the count.
 */
export const HISTOGRAM_BUCKETS = 240
export const HISTOGRAM_SUM = 240
export const HISTOGRAM_COUNT = 241
export const HISTOGRAM_WORDS = 242
