// The kernel without Node: raw memory in, raw memory out. One instance per parser thread. Frames are read
// in place, entries are staged in the record ring, and both cursors move in one commit.
#pragma once
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "layout.h"
#include "record_stage.h"
#include "ring.h"
#include "spot_parser.h"

namespace sluice {

// Results of `Kernel::parse` below zero.
constexpr int32_t PARSE_LOST_OWNERSHIP = -1;
// An entry of the frame ring contradicts its own sizes; only a bug of its writer can do that.
constexpr int32_t PARSE_CORRUPT_RING = -2;

// Entries become visible at least this often, so that the Kafka thread works while we do.
constexpr uint32_t COMMIT_FRAMES = 256;
constexpr uint32_t COMMIT_BYTES = 64 * 1024;

struct KernelOptions {
  uint8_t* frame_ring;
  size_t frame_ring_bytes;
  uint8_t* record_ring;
  size_t record_ring_bytes;
  double* counters;
  size_t counter_words;
  double* activity;
  size_t activity_words;
  std::vector<std::string> exchanges;  // all of profile binance-spot
  int32_t epoch;
};

enum class KernelError : uint8_t { none, frame_ring, record_ring, counters, exchanges, epoch, memory };

class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  KernelError open(const KernelOptions& options) {
    Ring frames;
    Ring records;
    if (!frames.attach(options.frame_ring, options.frame_ring_bytes, RING_KIND_FRAME)) {
      return KernelError::frame_ring;
    }
    if (!records.attach(options.record_ring, options.record_ring_bytes, RING_KIND_RECORD)) {
      return KernelError::record_ring;
    }
    const size_t rows = options.activity_words / ACTIVITY_WORDS;
    if (options.counter_words < PARSER_COUNTER_WORDS || rows == 0) return KernelError::counters;
    if (options.exchanges.empty() || options.exchanges.size() > EXCHANGES_MAX) {
      return KernelError::exchanges;
    }
    if (frames.consumer_epoch() != options.epoch || records.producer_epoch() != options.epoch) {
      return KernelError::epoch;
    }
    counters_ = options.counters;
    activity_ = options.activity;
    exchanges_ = options.exchanges;
    finish_commit(frames, records);
    reader_.attach(frames, options.epoch);
    stage_.attach(records, options.epoch);
    const uint32_t frame_bytes_max = frames.capacity() >> 2;
    const uint32_t streams_max = static_cast<uint32_t>(rows < STREAMS_MAX ? rows : STREAMS_MAX);
    if (!parser_.reserve(frame_bytes_max, streams_max)) return KernelError::memory;
    return KernelError::none;
  }

  // Frames consumed, or PARSE_*. Below zero nothing of the unfinished batch was published.
  int32_t parse(uint32_t frames_max) {
    record_ring_full_ = false;
    if (!reader_.owns() || !stage_.owns()) return PARSE_LOST_OWNERSHIP;
    uint32_t consumed = 0;
    while (consumed < frames_max) {
      const uint8_t* const entry = reader_.peek();
      if (entry == nullptr) break;
      if (!sound(entry)) return commit() ? PARSE_CORRUPT_RING : PARSE_LOST_OWNERSHIP;
      if (!take(entry)) {
        record_ring_full_ = true;
        break;
      }
      reader_.advance(entry);
      consumed++;
      batch_.frames++;
      if (batch_.frames >= COMMIT_FRAMES || stage_.cursor() - published_() >= COMMIT_BYTES) {
        if (!commit()) return PARSE_LOST_OWNERSHIP;
      }
    }
    if (batch_.frames > 0 && !commit()) return PARSE_LOST_OWNERSHIP;
    if (consumed > 0) counters_[PARSER_BATCHES] += 1;
    if (record_ring_full_) counters_[PARSER_RECORD_RING_FULL] += 1;
    return static_cast<int32_t>(consumed);
  }

  bool record_ring_full() const { return record_ring_full_; }

 private:
  // Frame counts since the last commit.
  struct Batch {
    uint32_t frames = 0;
    uint32_t parsed = 0;
    uint32_t ignored = 0;
    uint32_t dead = 0;
    double bytes = 0;
    uint32_t reasons[DEAD_LETTER_REASONS_MAX] = {};
  };

  uint32_t published_() const { return stage_.ring().load_producer(); }

  bool sound(const uint8_t* entry) const {
    const uint64_t size = load_at<uint32_t>(entry + FRAME_SIZE);
    const uint64_t payload = load_at<uint32_t>(entry + FRAME_PAYLOAD_BYTES);
    const uint64_t name = load_at<uint32_t>(entry + FRAME_NAME_BYTES);
    return (size & 7) == 0 && size <= (reader_.ring().capacity() >> 2) &&
           FRAME_HEADER_BYTES + payload + name <= size;
  }

  // Stages what becomes of one frame. False = no room in the record ring, nothing staged.
  bool take(const uint8_t* entry) {
    const uint32_t payload_bytes = load_at<uint32_t>(entry + FRAME_PAYLOAD_BYTES);
    const uint16_t flags = load_at<uint16_t>(entry + FRAME_FLAGS);
    const double received = load_at<double>(entry + FRAME_RECEIVED_TIME);
    Frame frame;
    frame.payload = reinterpret_cast<const char*>(entry + FRAME_HEADER_BYTES);
    frame.payload_bytes = payload_bytes;
    frame.name = frame.payload + payload_bytes;
    frame.name_bytes = load_at<uint32_t>(entry + FRAME_NAME_BYTES);
    // Exact below 2^53; anything else is no clock reading.
    frame.received_us = std::fabs(received) <= 9007199254740992.0 ? std::trunc(received) + 0.0 : 0;
    frame.exchange = entry[FRAME_EXCHANGE];
    frame.source = entry[FRAME_SOURCE] <= 3 ? entry[FRAME_SOURCE] : 0;

    stage_.mark();
    const uint32_t streams = parser_.streams();
    DeadLetterReason reason{};
    Outcome outcome = Outcome::dead;
    if ((flags & FRAME_FLAG_OVERSIZED) != 0) {
      reason = DeadLetterReason::oversized;
    } else if ((flags & FRAME_FLAG_BINARY) != 0) {
      reason = DeadLetterReason::binary;
    } else if (frame.exchange >= exchanges_.size()) {
      reason = DeadLetterReason::unexpected_shape;
    } else {
      frame.exchange_name = exchanges_[frame.exchange].c_str();
      outcome = parser_.parse(frame, stage_, &reason);
    }
    if (outcome == Outcome::parsed && stage_.full()) {
      stage_.take_back();
      parser_.forget_streams(streams);
      return false;
    }
    if (outcome == Outcome::dead) {
      stage_.take_back();
      parser_.forget_streams(streams);
      add_dead_letter(frame, load_at<uint32_t>(entry + FRAME_ORIGINAL_BYTES), reason);
      if (stage_.full()) {
        stage_.take_back();
        return false;
      }
      batch_.dead++;
      batch_.reasons[static_cast<uint8_t>(reason)]++;
    } else if (outcome == Outcome::ignored) {
      batch_.ignored++;
    } else {
      batch_.parsed++;
    }
    batch_.bytes += payload_bytes;
    return true;
  }

  void add_dead_letter(const Frame& frame, uint32_t original_bytes, DeadLetterReason reason) {
    uint32_t kept = (stage_.ring().capacity() >> 2) - RECORD_HEADER_BYTES;
    if (kept > DEAD_LETTER_BYTES_MAX) kept = DEAD_LETTER_BYTES_MAX;
    if (kept > frame.payload_bytes) kept = frame.payload_bytes;
    EntryHead head = {};
    head.stream_index = frame.exchange;
    head.type = ENTRY_DEAD_LETTER;
    head.source = frame.source;
    head.flags = static_cast<uint16_t>(kept < original_bytes ? RECORD_FLAG_TRUNCATED : 0);
    head.first_id = original_bytes;
    head.last_id = -1;
    head.received_time_us = static_cast<int64_t>(frame.received_us);
    head.detail = static_cast<uint32_t>(reason);
    Effect effect = {};
    effect.type = ENTRY_DEAD_LETTER;
    stage_.add(head, frame.payload, kept, effect);
  }

  // Publishes everything staged and frees its frames. The note in the record ring lets a successor finish
  // the move if this thread ends between the two cursors. False = this owner's time has passed.
  bool commit() {
    const Ring& records = stage_.ring();
    const Ring& frames = reader_.ring();
    if (!reader_.owns() || !stage_.owns()) return false;
    const double sequence = static_cast<double>(stage_.next_sequence());
    store_at<uint32_t>(records.base() + OFFSET_INTENT_FRAME_CURSOR, reader_.cursor());
    store_at<uint32_t>(records.base() + OFFSET_INTENT_RECORD_CURSOR, stage_.cursor());
    store_at<double>(records.base() + OFFSET_INTENT_SEQUENCE, sequence);
    records.store_word(OFFSET_INTENT_STATE, 1);
    records.store_next_sequence(sequence);
    records.store_producer(stage_.cursor());
    frames.store_consumer(reader_.cursor());
    records.store_word(OFFSET_INTENT_STATE, 0);
    count_frames();
    for (const Effect& effect : stage_.effects()) count_entry(effect);
    stage_.forget_effects();
    return true;
  }

  static void finish_commit(const Ring& frames, const Ring& records) {
    if (records.load_word(OFFSET_INTENT_STATE) != 1) return;
    records.store_next_sequence(load_at<double>(records.base() + OFFSET_INTENT_SEQUENCE));
    records.store_producer(load_at<uint32_t>(records.base() + OFFSET_INTENT_RECORD_CURSOR));
    frames.store_consumer(load_at<uint32_t>(records.base() + OFFSET_INTENT_FRAME_CURSOR));
    records.store_word(OFFSET_INTENT_STATE, 0);
  }

  void count_frames() {
    counters_[PARSER_FRAMES_CONSUMED] += batch_.frames;
    counters_[PARSER_FRAMES_PARSED] += batch_.parsed;
    counters_[PARSER_FRAMES_IGNORED] += batch_.ignored;
    counters_[PARSER_BYTES_CONSUMED] += batch_.bytes;
    if (batch_.dead > 0) {
      counters_[PARSER_FRAMES_DEAD_LETTERED] += batch_.dead;
      for (uint32_t reason = 0; reason < DEAD_LETTER_REASONS_MAX; reason++) {
        counters_[PARSER_DEAD_LETTERS_BY_REASON + reason] += batch_.reasons[reason];
      }
    }
    batch_ = Batch{};
  }

  void count_entry(const Effect& effect) {
    counters_[PARSER_RECORDS_BY_TYPE + effect.type] += 1;
    if (effect.type == ENTRY_DEAD_LETTER) return;
    double* const row = activity_ + size_t{effect.stream_index} * ACTIVITY_WORDS;
    if (effect.type == ENTRY_STREAM_DEFINITION) {
      counters_[PARSER_STREAMS_DEFINED] += 1;
      for (uint32_t word = 0; word < ACTIVITY_WORDS; word++) row[word] = 0;
      return;
    }
    counters_[PARSER_RECORDS_EMITTED] += 1;
    if (effect.suspect) counters_[PARSER_RECORDS_SUSPECT] += 1;
    // The first record of a stream always counts as progress.
    if (row[ACTIVITY_RECORDS] == 0 || effect.mark > row[ACTIVITY_LAST_ID]) {
      row[ACTIVITY_ADVANCED] = effect.received_us;
    }
    row[ACTIVITY_RECORDS] += 1;
    row[ACTIVITY_RECEIVED] = effect.received_us;
    row[ACTIVITY_LAST_ID] = effect.mark;
    if (!effect.has_lag) return;
    double* const histogram =
        counters_ + PARSER_EXCHANGE_LAG + size_t{effect.exchange} * HISTOGRAM_WORDS;
    histogram[histogram_bucket(effect.lag_us)] += 1;
    histogram[HISTOGRAM_SUM] += effect.lag_us;
    histogram[HISTOGRAM_COUNT] += 1;
  }

  static uint32_t histogram_bucket(double us) {
    if (us < 8) return us < 0 ? 0 : static_cast<uint32_t>(us);
    if (us >= 4294967296.0) return HISTOGRAM_BUCKETS - 1;
    const uint32_t value = static_cast<uint32_t>(us);
    const uint32_t exponent = 31u - static_cast<uint32_t>(__builtin_clz(value));
    const uint32_t bucket = (exponent - 2) * 8 + ((value >> (exponent - 3)) & 7);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
  }

  RingReader reader_;
  RecordStage stage_;
  SpotParser parser_;
  double* counters_ = nullptr;
  double* activity_ = nullptr;
  std::vector<std::string> exchanges_;
  Batch batch_;
  bool record_ring_full_ = false;
};

}  // namespace sluice
