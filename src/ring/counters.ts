/**
 * Shared counter blocks: f64 words with exactly one writing thread each, next to the rings, copied
 * into prom-client at scrape. The indexes are a contract with the native code (`npm run layout`).
 */
import { HISTOGRAM_WORDS } from './layout.ts'

/** Exchanges one process can name in ring entries. */
export const EXCHANGES_MAX = 8

/** Words of a parser's block (one per shard, written by that shard's parser thread). */
export const PARSER_FRAMES_CONSUMED = 0
export const PARSER_FRAMES_PARSED = 1
export const PARSER_FRAMES_IGNORED = 2
export const PARSER_FRAMES_DEAD_LETTERED = 3
export const PARSER_BYTES_CONSUMED = 4
export const PARSER_RECORDS_EMITTED = 5
export const PARSER_RECORDS_SUSPECT = 6
export const PARSER_STREAMS_DEFINED = 7
export const PARSER_BATCHES = 8
/** Batches that ended because the record ring had no room. */
export const PARSER_RECORD_RING_FULL = 9
/** Time inside kernel calls and time asleep, µs, written by the worker's loop. */
export const PARSER_BUSY_US = 10
export const PARSER_IDLE_US = 11
/** Number of times a parser attached to this shard. */
export const PARSER_ATTACHES = 12
/** 32 words by record type number. */
export const PARSER_RECORDS_BY_TYPE = 16
/** 32 words by dead-letter reason number. */
export const PARSER_DEAD_LETTERS_BY_REASON = 48
/** EXCHANGES_MAX histograms of received − event time, µs. */
export const PARSER_EXCHANGE_LAG = 80
export const PARSER_COUNTER_WORDS = 80 + EXCHANGES_MAX * HISTOGRAM_WORDS

/** Words of the Kafka sink's block. [w] = written by the Kafka worker, [p] = by the producer's poll thread. */
export const KAFKA_RECORDS_TAKEN = 0 // [w] records read from record rings
export const KAFKA_DEAD_LETTERS_TAKEN = 1 // [w] dead-letter entries read from record rings
export const KAFKA_PRODUCED = 2 // [w] handed to librdkafka, records and dead letters, retries not counted again
export const KAFKA_BYTES_PRODUCED = 3 // [w] value bytes
export const KAFKA_QUEUE_FULL = 4 // [w] batches that ended because librdkafka's queue was full
export const KAFKA_BATCHES = 5 // [w]
export const KAFKA_BUSY_US = 6 // [w]
export const KAFKA_IDLE_US = 7 // [w]
export const KAFKA_REQUEUED = 8 // [w] failed reports queued again
export const KAFKA_ATTACHES = 9 // [w]
export const KAFKA_RECORDS_DELIVERED = 16 // [p]
export const KAFKA_DEAD_LETTERS_DELIVERED = 17 // [p]
export const KAFKA_BYTES_DELIVERED = 18 // [p]
export const KAFKA_RECORDS_REJECTED = 19 // [p] records Kafka refused for good, sent to the dead-letter topic
export const KAFKA_ERRORS_RETRIABLE = 20 // [p] failed reports that are queued again
export const KAFKA_ERRORS_PERMANENT = 21 // [p]
export const KAFKA_ERRORS_FATAL = 22 // [p]
export const KAFKA_ERRORS_TRANSPORT = 23 // [p] error callbacks: broker down, resolve, authentication, …
export const KAFKA_BROKERS_UP = 24 // [p] gauge, from librdkafka's statistics
export const KAFKA_RECORDS_LOST = 25 // [p] neither delivered nor dead-lettered; must stay 0
export const KAFKA_DEAD_LETTERS_LOST = 26 // [p] dead letters that even the dead-letter topic refused; must stay 0
/** Received (our clock) → acknowledged, µs. [p] */
export const KAFKA_END_TO_END = 32
/** Produced → acknowledged, µs. [p] */
export const KAFKA_DELIVERY = 32 + HISTOGRAM_WORDS
export const KAFKA_COUNTER_WORDS = 32 + 2 * HISTOGRAM_WORDS
