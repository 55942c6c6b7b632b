// The streams a kernel instance has met: an index for each, and the head of its records as text, so that
// a known stream costs one hash and one comparison. What is in the table has passed validation.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "layout.h"

namespace sluice {

constexpr uint32_t SYMBOL_BYTES_MAX = 64;
constexpr uint32_t INTERVAL_BYTES_MAX = 16;
constexpr uint32_t STREAM_NAME_BYTES_MAX = 160;
// `@+08:00` behind the interval tells the candles of that time zone apart.
constexpr uint32_t TIME_ZONE_SUFFIX_BYTES = 7;

// What tells streams apart. The stream name is empty for raw frames without one.
struct StreamKey {
  uint8_t exchange;
  uint8_t kind;
  const char* name;
  uint32_t name_bytes;
  const char* symbol;
  uint32_t symbol_bytes;
  const char* interval;
  uint32_t interval_bytes;
};

struct Stream {
  uint32_t hash;
  uint8_t exchange;
  uint8_t kind;
  uint8_t name_bytes;
  uint8_t symbol_bytes;
  uint8_t interval_bytes;
  uint8_t head_bytes;
  uint16_t key_offset;  // of the symbol inside the value
  char name[STREAM_NAME_BYTES_MAX];
  char symbol[SYMBOL_BYTES_MAX];
  char interval[INTERVAL_BYTES_MAX + TIME_ZONE_SUFFIX_BYTES];
  char head[192];
};

class StreamTable {
 public:
  StreamTable() = default;
  ~StreamTable() {
    std::free(streams_);
    std::free(slots_);
  }
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;

  bool reserve(uint32_t streams_max) {
    max_ = streams_max;
    // calloc: pages of streams never met stay untouched.
    streams_ = static_cast<Stream*>(std::calloc(streams_max, sizeof(Stream)));
    slots_ = static_cast<uint32_t*>(std::calloc(SLOTS, sizeof(uint32_t)));
    return streams_ != nullptr && slots_ != nullptr;
  }

  uint32_t count() const { return count_; }
  bool full() const { return count_ >= max_; }
  const Stream& operator[](uint32_t index) const { return streams_[index]; }

  static uint32_t hash(const StreamKey& key) {
    const uint64_t seed = uint64_t{key.exchange} << 8 | key.kind;
    const uint64_t name = mix(seed ^ 0x9e3779b97f4a7c15ULL, key.name, key.name_bytes);
    const uint64_t symbol = mix(seed, key.symbol, key.symbol_bytes);
    uint64_t state = name ^ (symbol << 1 | symbol >> 63);
    if (key.interval_bytes > 0) state = mix(state, key.interval, key.interval_bytes);
    state *= MULTIPLIER;
    return static_cast<uint32_t>(state >> 32);
  }

  // Index of the stream, −1 when it is new.
  int32_t find(const StreamKey& key, uint32_t hash) const {
    for (uint32_t slot = hash & (SLOTS - 1);; slot = (slot + 1) & (SLOTS - 1)) {
      const uint32_t entry = slots_[slot];
      if (entry == 0) return -1;
      const Stream& stream = streams_[entry - 1];
      if (stream.hash == hash && same(stream, key)) return static_cast<int32_t>(entry - 1);
    }
  }

  // Not full, not yet present, lengths within the limits. The caller fills the head.
  Stream& add(const StreamKey& key, uint32_t hash) {
    uint32_t slot = hash & (SLOTS - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (SLOTS - 1);
    Stream& stream = streams_[count_++];
    slots_[slot] = count_;
    stream.hash = hash;
    stream.exchange = key.exchange;
    stream.kind = key.kind;
    stream.name_bytes = static_cast<uint8_t>(key.name_bytes);
    stream.symbol_bytes = static_cast<uint8_t>(key.symbol_bytes);
    stream.interval_bytes = static_cast<uint8_t>(key.interval_bytes);
    if (key.name_bytes > 0) std::memcpy(stream.name, key.name, key.name_bytes);
    std::memcpy(stream.symbol, key.symbol, key.symbol_bytes);
    if (key.interval_bytes > 0) std::memcpy(stream.interval, key.interval, key.interval_bytes);
    return stream;
  }

  // Forgets the streams added since there were `count`, newest first, so that no probe chain breaks.
  void truncate(uint32_t count) {
    while (count_ > count) {
      uint32_t slot = streams_[count_ - 1].hash & (SLOTS - 1);
      while (slots_[slot] != count_) slot = (slot + 1) & (SLOTS - 1);
      slots_[slot] = 0;
      count_--;
    }
  }

 private:
  static constexpr uint32_t SLOTS = 2 * STREAMS_MAX;

  static constexpr uint64_t MULTIPLIER = 0xff51afd7ed558ccdULL;

  static uint64_t load8(const char* at) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    return word;
  }
  static uint64_t load4(const char* at) {
    uint32_t word;
    std::memcpy(&word, at, 4);
    return word;
  }

  // The last word overlaps its predecessor, so that no length needs a loop over bytes.
  static uint64_t mix(uint64_t state, const char* at, uint32_t bytes) {
    state ^= uint64_t{bytes} * MULTIPLIER;
    if (bytes >= 8) {
      const char* const last = at + bytes - 8;
      for (; at < last; at += 8) {
        state = (state ^ load8(at)) * MULTIPLIER;
        state ^= state >> 32;
      }
      state ^= load8(last);
    } else if (bytes >= 4) {
      state ^= load4(at) << 32 | load4(at + bytes - 4);
    } else if (bytes > 0) {
      const auto byte = [&](uint32_t index) { return uint64_t{static_cast<uint8_t>(at[index])}; };
      state ^= byte(0) << 16 | byte(bytes >> 1) << 8 | byte(bytes - 1);
    }
    state *= MULTIPLIER;
    return state ^ (state >> 29);
  }

  static bool same(const Stream& stream, const StreamKey& key) {
    return stream.exchange == key.exchange && stream.kind == key.kind &&
           stream.name_bytes == key.name_bytes && stream.symbol_bytes == key.symbol_bytes &&
           stream.interval_bytes == key.interval_bytes &&
           (key.name_bytes == 0 || std::memcmp(stream.name, key.name, key.name_bytes) == 0) &&
           std::memcmp(stream.symbol, key.symbol, key.symbol_bytes) == 0 &&
           (key.interval_bytes == 0 ||
            std::memcmp(stream.interval, key.interval, key.interval_bytes) == 0);
  }

  Stream* streams_ = nullptr;
  uint32_t* slots_ = nullptr;
  uint32_t max_ = 0;
  uint32_t count_ = 0;
};

}  // namespace sluice
