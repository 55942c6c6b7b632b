// Entries of the frames since the last publish, staged in the record ring: claimed and written, visible
// to nobody. A frame that fails, or finds no room, is taken back without a trace.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "crc32c.h"
#include "layout.h"
#include "ring.h"

namespace sluice {

struct EntryHead {
  uint32_t stream_index;
  uint8_t type;
  uint8_t source;
  uint16_t flags;
  int64_t first_id;
  int64_t last_id;
  int64_t event_time_us;
  int64_t received_time_us;
  uint16_t key_offset;
  uint16_t key_bytes;
  uint32_t detail;
};

// What a staged entry changes in counters and activity rows once it is published.
struct Effect {
  uint32_t stream_index;
  uint8_t type;
  bool suspect;
  bool has_lag;
  uint8_t exchange;
  double received_us;
  double mark;    // last id, or a time
  double lag_us;  // received − event
};

class RecordStage {
 public:
  void attach(const Ring& ring, int32_t epoch) {
    writer_.attach(ring, epoch);
    sequence_ = static_cast<uint64_t>(ring.next_sequence());
    effects_.reserve(4096);
    mark();
  }

  // A frame begins: everything up to here stays whatever becomes of the frame.
  void mark() {
    frame_cursor_ = writer_.staged();
    frame_sequence_ = sequence_;
    frame_effects_ = effects_.size();
    frame_bytes_ = 0;
    full_ = oversized_ = false;
  }
  void take_back() {
    writer_.rollback(frame_cursor_);
    sequence_ = frame_sequence_;
    effects_.resize(frame_effects_);
    frame_bytes_ = 0;
    full_ = oversized_ = false;
  }

  // The frame found no room / can never find room.
  bool full() const { return full_; }
  bool oversized() const { return oversized_; }

  // Room to write a value of at most `bytes` before its size is known, or nullptr.
  char* preview_value(uint32_t bytes) {
    if (full_) return nullptr;
    uint8_t* at = writer_.preview(RECORD_HEADER_BYTES + bytes);
    return at == nullptr ? nullptr : reinterpret_cast<char*>(at + RECORD_HEADER_BYTES);
  }

  // Stages one entry; `value` may already lie where the entry's value will be. After a failure the rest
  // of the frame is only measured, so that "can never fit" does not depend on what was free.
  void add(const EntryHead& head, const char* value, uint32_t value_bytes, const Effect& effect) {
    const Ring& ring = writer_.ring();
    const uint64_t entry_bytes = (uint64_t{RECORD_HEADER_BYTES} + value_bytes + 7) & ~uint64_t{7};
    frame_bytes_ += entry_bytes;
    if (entry_bytes > (ring.capacity() >> 2) || frame_bytes_ > (ring.capacity() >> 1)) {
      oversized_ = true;
    }
    if (oversized_ || full_) return;
    uint8_t* entry = nullptr;
    const uint32_t size = static_cast<uint32_t>(entry_bytes);
    if (writer_.claim(size, &entry) != RingWriter::Claim::ok) {
      full_ = true;
      return;
    }
    uint8_t* to = entry + RECORD_HEADER_BYTES;
    if (reinterpret_cast<const uint8_t*>(value) != to) std::memcpy(to, value, value_bytes);
    // Padding is zero: the entry's bytes are the spool's bytes and must depend on the frame alone.
    for (uint8_t* pad = to + value_bytes; pad < entry + size; pad++) *pad = 0;
    write_head(entry, size, value_bytes, head);
    if (head.type != ENTRY_STREAM_DEFINITION) sequence_++;
    effects_.push_back(effect);
  }

  bool owns() const { return writer_.owns(); }
  const Ring& ring() const { return writer_.ring(); }
  uint32_t cursor() const { return writer_.staged(); }
  uint64_t next_sequence() const { return sequence_; }
  const std::vector<Effect>& effects() const { return effects_; }
  void forget_effects() { effects_.clear(); }

 private:
  void write_head(uint8_t* entry, uint32_t size, uint32_t value_bytes, const EntryHead& head) {
    store_at<uint32_t>(entry + RECORD_SIZE, size);
    store_at<uint32_t>(entry + RECORD_VALUE_BYTES, value_bytes);
    store_at<uint32_t>(entry + RECORD_STREAM_INDEX, head.stream_index);
    entry[RECORD_TYPE] = head.type;
    entry[RECORD_SOURCE] = head.source;
    store_at<uint16_t>(entry + RECORD_FLAGS, head.flags);
    store_at<uint64_t>(entry + RECORD_SEQUENCE, sequence_);
    store_at<int64_t>(entry + RECORD_FIRST_ID, head.first_id);
    store_at<int64_t>(entry + RECORD_LAST_ID, head.last_id);
    store_at<int64_t>(entry + RECORD_EVENT_TIME, head.event_time_us);
    store_at<int64_t>(entry + RECORD_RECEIVED_TIME, head.received_time_us);
    store_at<uint16_t>(entry + RECORD_KEY_OFFSET, head.key_offset);
    store_at<uint16_t>(entry + RECORD_KEY_BYTES, head.key_bytes);
    store_at<uint32_t>(entry + RECORD_DETAIL, head.detail);
    store_at<uint32_t>(entry + RECORD_VALUE_CRC, crc32c(entry + RECORD_HEADER_BYTES, value_bytes));
    store_at<uint32_t>(entry + RECORD_HEADER_CRC, crc32c(entry, RECORD_HEADER_CRC));
  }

  RingWriter writer_;
  uint64_t sequence_ = 0;
  std::vector<Effect> effects_;
  uint32_t frame_cursor_ = 0;
  uint64_t frame_sequence_ = 0;
  size_t frame_effects_ = 0;
  uint64_t frame_bytes_ = 0;
  bool full_ = false;
  bool oversized_ = false;
};

}  // namespace sluice
