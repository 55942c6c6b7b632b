// C++ view of one ring over shared memory (src/ring/layout.ts draws it). Header-only, owns nothing: the
// memory belongs to a SharedArrayBuffer that JavaScript keeps alive for as long as a view is used.
// Single producer, single consumer. Cursor accesses are sequentially consistent, as JavaScript's
// Atomics on the other side are, because the doorbell's check needs a total order on both sides.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "layout.h"

namespace sluice {

inline uint32_t align8(uint32_t bytes) { return (bytes + 7u) & ~7u; }

// Little-endian loads and stores; every field of an entry is naturally aligned or goes through memcpy.
template <typename T>
inline T load_at(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <typename T>
inline void store_at(uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

class Ring {
 public:
  // False when the memory is not a ring of this kind and version, or not 8-byte aligned.
  bool attach(uint8_t* memory, size_t bytes, uint32_t kind) {
    if (memory == nullptr || bytes < RING_HEADER_BYTES + RING_SLACK_BYTES) return false;
    if ((reinterpret_cast<uintptr_t>(memory) & 7u) != 0) return false;
    const uint32_t capacity = load_at<uint32_t>(memory + OFFSET_CAPACITY);
    if (load_at<uint32_t>(memory + OFFSET_MAGIC) != RING_MAGIC ||
        load_at<uint32_t>(memory + OFFSET_VERSION) != RING_LAYOUT_VERSION ||
        load_at<uint32_t>(memory + OFFSET_KIND) != kind || capacity < 64 ||
        (capacity & (capacity - 1)) != 0 ||
        bytes != size_t{RING_HEADER_BYTES} + capacity + RING_SLACK_BYTES) {
      return false;
    }
    base_ = memory;
    capacity_ = capacity;
    return true;
  }

  uint32_t capacity() const { return capacity_; }
  uint32_t mask() const { return capacity_ - 1; }
  uint32_t shard() const { return load_at<uint32_t>(base_ + OFFSET_SHARD); }
  uint8_t* base() const { return base_; }
  // First byte of the data area; an entry at cursor c starts at data() + (c & mask()).
  uint8_t* data() const { return base_ + RING_HEADER_BYTES; }

  uint32_t load_producer() const { return load_word(OFFSET_PRODUCER_CURSOR); }
  uint32_t load_consumer() const { return load_word(OFFSET_CONSUMER_CURSOR); }
  // Releases everything written to the data area before it to whoever loads this cursor.
  void store_producer(uint32_t cursor) const { store_word(OFFSET_PRODUCER_CURSOR, cursor); }
  // From here on the producer may overwrite the bytes behind the cursor.
  void store_consumer(uint32_t cursor) const { store_word(OFFSET_CONSUMER_CURSOR, cursor); }
  int32_t consumer_epoch() const { return static_cast<int32_t>(load_word(OFFSET_CONSUMER_EPOCH)); }
  int32_t producer_epoch() const { return static_cast<int32_t>(load_word(OFFSET_PRODUCER_EPOCH)); }
  bool stop_requested() const { return load_word(OFFSET_STOP) != 0; }

  // Record rings: the sequence the next record gets. Written by the producer only.
  double next_sequence() const { return load_at<double>(base_ + OFFSET_NEXT_SEQUENCE); }
  void store_next_sequence(double sequence) const {
    store_at<double>(base_ + OFFSET_NEXT_SEQUENCE, sequence);
  }

  uint32_t load_word(uint32_t offset) const {
    return static_cast<uint32_t>(
        __atomic_load_n(reinterpret_cast<int32_t*>(base_ + offset), __ATOMIC_SEQ_CST));
  }
  void store_word(uint32_t offset, uint32_t value) const {
    __atomic_store_n(reinterpret_cast<int32_t*>(base_ + offset), static_cast<int32_t>(value),
                     __ATOMIC_SEQ_CST);
  }

 private:
  uint8_t* base_ = nullptr;
  uint32_t capacity_ = 0;
};

// The consumer's half: walk entries in place, then release them. Nothing is freed before `release`.
class RingReader {
 public:
  void attach(const Ring& ring, int32_t epoch) {
    ring_ = ring;
    epoch_ = epoch;
    position_ = ring.load_consumer();
    producer_seen_ = position_;
  }

  // The next entry in place, or nullptr when there is none; does not advance.
  uint8_t* peek() {
    for (;;) {
      if (position_ == producer_seen_) {
        producer_seen_ = ring_.load_producer();
        if (position_ == producer_seen_) return nullptr;
      }
      uint8_t* entry = ring_.data() + (position_ & ring_.mask());
      if (load_at<uint32_t>(entry + 4) != PAD) return entry;
      position_ += load_at<uint32_t>(entry);
    }
  }

  // Moves past the entry that `peek` returned.
  void advance(const uint8_t* entry) { position_ += load_at<uint32_t>(entry); }

  bool owns() const { return ring_.consumer_epoch() == epoch_; }

  // Frees everything before the current position. False when this owner's epoch has passed.
  bool release() const {
    if (!owns()) return false;
    ring_.store_consumer(position_);
    return true;
  }

  // Frees only what lies before `cursor`, a former value of `cursor()`.
  bool release_to(uint32_t cursor) const {
    if (!owns()) return false;
    ring_.store_consumer(cursor);
    return true;
  }

  // Cursor that `release` would store.
  uint32_t cursor() const { return position_; }
  void rewind() { position_ = ring_.load_consumer(); }
  const Ring& ring() const { return ring_; }

 private:
  Ring ring_;
  int32_t epoch_ = 0;
  uint32_t position_ = 0;
  uint32_t producer_seen_ = 0;
};

// The producer's half: claim contiguous room, fill it, publish. Claims become visible together.
class RingWriter {
 public:
  enum class Claim : uint8_t { ok, full, too_large };

  void attach(const Ring& ring, int32_t epoch) {
    ring_ = ring;
    epoch_ = epoch;
    staged_ = ring.load_producer();
    consumer_seen_ = ring.load_consumer();
  }

  // Claims `entry_bytes` rounded up to 8; the room starts at *entry. At most a quarter of the ring.
  Claim claim(uint32_t entry_bytes, uint8_t** entry) {
    const uint32_t capacity = ring_.capacity();
    if (entry_bytes > (capacity >> 2)) return Claim::too_large;
    const uint32_t size = align8(entry_bytes);
    const uint32_t offset = staged_ & ring_.mask();
    const uint32_t tail_room = capacity - offset;
    const uint32_t pad = size > tail_room ? tail_room : 0;
    if (size + pad > room()) {
      consumer_seen_ = ring_.load_consumer();
      if (size + pad > room()) return Claim::full;
    }
    uint8_t* at = ring_.data() + offset;
    if (pad > 0) {
      store_at<uint32_t>(at, pad);
      store_at<uint32_t>(at + 4, PAD);
      at = ring_.data();
    }
    staged_ += size + pad;
    *entry = at;
    return Claim::ok;
  }

  // Where the next claim of at most `bytes` will lie without a pad, or nullptr when that is not certain.
  // The room may be written before it is claimed.
  uint8_t* preview(uint32_t bytes) {
    const uint32_t offset = staged_ & ring_.mask();
    if (bytes > ring_.capacity() - offset) return nullptr;
    if (bytes > room()) {
      consumer_seen_ = ring_.load_consumer();
      if (bytes > room()) return nullptr;
    }
    return ring_.data() + offset;
  }

  bool owns() const { return ring_.producer_epoch() == epoch_; }

  // Makes every claim so far visible. False when this owner's epoch has passed: nothing was published.
  bool publish() const {
    if (!owns()) return false;
    ring_.store_producer(staged_);
    return true;
  }

  // Forgets the claims after `cursor`, a former value of `staged()` not yet published.
  void rollback(uint32_t cursor) { staged_ = cursor; }
  void abort() { staged_ = ring_.load_producer(); }
  // Cursor that `publish` would store.
  uint32_t staged() const { return staged_; }
  const Ring& ring() const { return ring_; }

 private:
  uint32_t room() const { return ring_.capacity() - (staged_ - consumer_seen_); }

  Ring ring_;
  int32_t epoch_ = 0;
  uint32_t staged_ = 0;
  uint32_t consumer_seen_ = 0;
};

}  // namespace sluice
