// The Kafka sink's counter block (src/ring/counters.ts): f64 words in memory that the creating
// thread keeps alive. Written under Producer's state mutex only, read by anyone at any time.
#pragma once
#include <atomic>
#include <cmath>
#include <cstdint>
#include <ctime>

#include "layout.h"

namespace sluice {

inline int64_t wall_us() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000;
}

inline int64_t monotonic_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

class KafkaCounters {
 public:
  void attach(double* words) { words_ = words; }

  void add(uint32_t index, double count) { set(index, words_[index] + count); }

  void set(uint32_t index, double value) {
    std::atomic_ref<double>(words_[index]).store(value, std::memory_order_relaxed);
  }

  double get(uint32_t index) const { return words_[index]; }

  // The bucket rule stands in src/ring/layout.ts.
  void observe(uint32_t histogram, int64_t us) {
    uint32_t bucket = 0;
    if (us >= 8) {
      const uint32_t exponent = 63u - static_cast<uint32_t>(__builtin_clzll(us));
      bucket = (exponent - 2) * 8 + ((us >> (exponent - 3)) & 7);
      if (bucket >= HISTOGRAM_BUCKETS) bucket = HISTOGRAM_BUCKETS - 1;
    } else if (us > 0) {
      bucket = static_cast<uint32_t>(us);
    }
    add(histogram + bucket, 1);
    add(histogram + HISTOGRAM_SUM, static_cast<double>(us));
    add(histogram + HISTOGRAM_COUNT, 1);
  }

 private:
  double* words_ = nullptr;
};

}  // namespace sluice
