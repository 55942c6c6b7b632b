// Written by `npm run layout` from src/ring and src/model. Do not edit.
#pragma once
#include <cstdint>

namespace sluice {

// src/ring/layout.ts
constexpr uint32_t ACTIVITY_ADVANCED = 2u;
constexpr uint32_t ACTIVITY_LAST_ID = 3u;
constexpr uint32_t ACTIVITY_RECEIVED = 1u;
constexpr uint32_t ACTIVITY_RECORDS = 0u;
constexpr uint32_t ACTIVITY_WORDS = 4u;
constexpr uint32_t DEAD_LETTER_BYTES_MAX = 524288u;
constexpr uint32_t DOORBELL_BYTES = 128u;
constexpr uint32_t DOORBELL_SIGNAL = 0u;
constexpr uint32_t DOORBELL_SLEEPING = 4u;
constexpr uint32_t FRAME_CONNECTION = 16u;
constexpr uint32_t FRAME_EXCHANGE = 22u;
constexpr uint32_t FRAME_FLAGS = 20u;
constexpr uint32_t FRAME_FLAG_BINARY = 2u;
constexpr uint32_t FRAME_FLAG_OVERSIZED = 1u;
constexpr uint32_t FRAME_HEADER_BYTES = 32u;
constexpr uint32_t FRAME_NAME_BYTES = 24u;
constexpr uint32_t FRAME_ORIGINAL_BYTES = 28u;
constexpr uint32_t FRAME_PAYLOAD_BYTES = 4u;
constexpr uint32_t FRAME_RECEIVED_TIME = 8u;
constexpr uint32_t FRAME_SIZE = 0u;
constexpr uint32_t FRAME_SOURCE = 23u;
constexpr uint32_t HISTOGRAM_BUCKETS = 240u;
constexpr uint32_t HISTOGRAM_COUNT = 241u;
constexpr uint32_t HISTOGRAM_SUM = 240u;
constexpr uint32_t HISTOGRAM_WORDS = 242u;
constexpr uint32_t OFFSET_CAPACITY = 8u;
constexpr uint32_t OFFSET_CONSUMER_CURSOR = 256u;
constexpr uint32_t OFFSET_CONSUMER_EPOCH = 384u;
constexpr uint32_t OFFSET_INTENT_FRAME_CURSOR = 580u;
constexpr uint32_t OFFSET_INTENT_RECORD_CURSOR = 584u;
constexpr uint32_t OFFSET_INTENT_SEQUENCE = 592u;
constexpr uint32_t OFFSET_INTENT_STATE = 576u;
constexpr uint32_t OFFSET_KIND = 12u;
constexpr uint32_t OFFSET_MAGIC = 0u;
constexpr uint32_t OFFSET_NEXT_SEQUENCE = 512u;
constexpr uint32_t OFFSET_PRODUCER_CURSOR = 128u;
constexpr uint32_t OFFSET_PRODUCER_EPOCH = 388u;
constexpr uint32_t OFFSET_SHARD = 16u;
constexpr uint32_t OFFSET_STOP = 392u;
constexpr uint32_t OFFSET_VERSION = 4u;
constexpr uint32_t PAD = 4294967295u;
constexpr uint32_t RECORD_DETAIL = 60u;
constexpr uint32_t RECORD_EVENT_TIME = 40u;
constexpr uint32_t RECORD_FIRST_ID = 24u;
constexpr uint32_t RECORD_FLAGS = 14u;
constexpr uint32_t RECORD_FLAG_SUSPECT = 1u;
constexpr uint32_t RECORD_FLAG_TRUNCATED = 2u;
constexpr uint32_t RECORD_HEADER_BYTES = 72u;
constexpr uint32_t RECORD_HEADER_CRC = 68u;
constexpr uint32_t RECORD_KEY_BYTES = 58u;
constexpr uint32_t RECORD_KEY_OFFSET = 56u;
constexpr uint32_t RECORD_LAST_ID = 32u;
constexpr uint32_t RECORD_RECEIVED_TIME = 48u;
constexpr uint32_t RECORD_SEQUENCE = 16u;
constexpr uint32_t RECORD_SIZE = 0u;
constexpr uint32_t RECORD_SOURCE = 13u;
constexpr uint32_t RECORD_STREAM_INDEX = 8u;
constexpr uint32_t RECORD_TYPE = 12u;
constexpr uint32_t RECORD_VALUE_BYTES = 4u;
constexpr uint32_t RECORD_VALUE_CRC = 64u;
constexpr uint32_t RING_HEADER_BYTES = 1024u;
constexpr uint32_t RING_KIND_FRAME = 1u;
constexpr uint32_t RING_KIND_RECORD = 2u;
constexpr uint32_t RING_LAYOUT_VERSION = 1u;
constexpr uint32_t RING_MAGIC = 1397510727u;
constexpr uint32_t RING_SLACK_BYTES = 128u;
constexpr uint32_t STREAMS_MAX = 16384u;

// src/ring/counters.ts
constexpr uint32_t EXCHANGES_MAX = 8u;
constexpr uint32_t KAFKA_ATTACHES = 9u;
constexpr uint32_t KAFKA_BATCHES = 5u;
constexpr uint32_t KAFKA_BROKERS_UP = 24u;
constexpr uint32_t KAFKA_BUSY_US = 6u;
constexpr uint32_t KAFKA_BYTES_DELIVERED = 18u;
constexpr uint32_t KAFKA_BYTES_PRODUCED = 3u;
constexpr uint32_t KAFKA_COUNTER_WORDS = 516u;
constexpr uint32_t KAFKA_DEAD_LETTERS_DELIVERED = 17u;
constexpr uint32_t KAFKA_DEAD_LETTERS_LOST = 26u;
constexpr uint32_t KAFKA_DEAD_LETTERS_TAKEN = 1u;
constexpr uint32_t KAFKA_DELIVERY = 274u;
constexpr uint32_t KAFKA_END_TO_END = 32u;
constexpr uint32_t KAFKA_ERRORS_FATAL = 22u;
constexpr uint32_t KAFKA_ERRORS_PERMANENT = 21u;
constexpr uint32_t KAFKA_ERRORS_RETRIABLE = 20u;
constexpr uint32_t KAFKA_ERRORS_TRANSPORT = 23u;
constexpr uint32_t KAFKA_IDLE_US = 7u;
constexpr uint32_t KAFKA_PRODUCED = 2u;
constexpr uint32_t KAFKA_QUEUE_FULL = 4u;
constexpr uint32_t KAFKA_RECORDS_DELIVERED = 16u;
constexpr uint32_t KAFKA_RECORDS_LOST = 25u;
constexpr uint32_t KAFKA_RECORDS_REJECTED = 19u;
constexpr uint32_t KAFKA_RECORDS_TAKEN = 0u;
constexpr uint32_t KAFKA_REQUEUED = 8u;
constexpr uint32_t PARSER_ATTACHES = 12u;
constexpr uint32_t PARSER_BATCHES = 8u;
constexpr uint32_t PARSER_BUSY_US = 10u;
constexpr uint32_t PARSER_BYTES_CONSUMED = 4u;
constexpr uint32_t PARSER_COUNTER_WORDS = 2016u;
constexpr uint32_t PARSER_DEAD_LETTERS_BY_REASON = 48u;
constexpr uint32_t PARSER_EXCHANGE_LAG = 80u;
constexpr uint32_t PARSER_FRAMES_CONSUMED = 0u;
constexpr uint32_t PARSER_FRAMES_DEAD_LETTERED = 3u;
constexpr uint32_t PARSER_FRAMES_IGNORED = 2u;
constexpr uint32_t PARSER_FRAMES_PARSED = 1u;
constexpr uint32_t PARSER_IDLE_US = 11u;
constexpr uint32_t PARSER_RECORDS_BY_TYPE = 16u;
constexpr uint32_t PARSER_RECORDS_EMITTED = 5u;
constexpr uint32_t PARSER_RECORDS_SUSPECT = 6u;
constexpr uint32_t PARSER_RECORD_RING_FULL = 9u;
constexpr uint32_t PARSER_STREAMS_DEFINED = 7u;

// src/model/record.ts
constexpr uint32_t DEAD_LETTER_REASONS_MAX = 32u;
constexpr uint32_t ENTRY_DEAD_LETTER = 30u;
constexpr uint32_t ENTRY_STREAM_DEFINITION = 31u;
constexpr uint32_t RECORD_TYPES_MAX = 32u;
constexpr uint32_t SCHEMA_VERSION = 1u;

enum class RecordType : uint8_t {
  trade = 1,
  aggTrade = 2,
  blockTrade = 3,
  kline = 4,
  ticker = 5,
  miniTicker = 6,
  bookTicker = 7,
  depth = 8,
  book = 9,
  avgPrice = 10,
  referencePrice = 11,
  markPrice = 12,
  liquidation = 13,
  gap = 14,
};
constexpr const char* RecordType_NAMES[15] = {
    nullptr,
    "trade",
    "aggTrade",
    "blockTrade",
    "kline",
    "ticker",
    "miniTicker",
    "bookTicker",
    "depth",
    "book",
    "avgPrice",
    "referencePrice",
    "markPrice",
    "liquidation",
    "gap",
};

enum class RecordSource : uint8_t {
  live = 0,
  heal = 1,
  backfill = 2,
  aggregate = 3,
};
constexpr const char* RecordSource_NAMES[4] = {
    "live",
    "heal",
    "backfill",
    "aggregate",
};

enum class DeadLetterReason : uint8_t {
  invalid_json = 1,
  unexpected_shape = 2,
  missing_field = 3,
  duplicate_key = 4,
  bad_number = 5,
  bad_symbol = 6,
  unknown_type = 7,
  stream_mismatch = 8,
  no_stream = 9,
  oversized = 10,
  binary = 11,
  too_many_streams = 12,
};
constexpr const char* DeadLetterReason_NAMES[13] = {
    nullptr,
    "invalid_json",
    "unexpected_shape",
    "missing_field",
    "duplicate_key",
    "bad_number",
    "bad_symbol",
    "unknown_type",
    "stream_mismatch",
    "no_stream",
    "oversized",
    "binary",
    "too_many_streams",
};

}  // namespace sluice
