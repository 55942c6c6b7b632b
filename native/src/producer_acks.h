// Which sequences of one record ring Kafka has settled (delivered, dead-lettered or lost): one bit
// each, in chunks that are freed as soon as they are full, so that one record stuck for hours costs
// one chunk.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>

namespace sluice {

class AckWindow {
 public:
  // Called with every sequence once, ascending. A hole (which a parser never leaves) counts as
  // settled.
  void open(uint64_t sequence) {
    if (!started_ || (next_ != sequence && chunks_.empty())) {
      base_ = sequence & ~MASK;
      next_ = base_;
      chunks_.clear();
      for (; next_ < sequence; next_++) settle_new(next_);
      through_ = sequence;
      started_ = true;
    }
    if (sequence < next_) {
      breaks_++;
      return;
    }
    if (sequence > next_) breaks_++;
    while (next_ < sequence && sequence - next_ <= HOLE_MAX) settle_new(next_++);
    if (next_ != sequence) return;
    reserve(sequence);
    next_ = sequence + 1;
  }

  // False when the sequence was settled before or never opened.
  bool settle(uint64_t sequence) {
    if (!started_ || sequence < base_ || sequence >= next_) return false;
    Chunk* chunk = chunks_[(sequence - base_) >> SHIFT].get();
    if (chunk == nullptr) return false;
    uint64_t& word = chunk->bits[(sequence & MASK) >> 6];
    const uint64_t bit = uint64_t{1} << (sequence & 63);
    if ((word & bit) != 0) return false;
    word |= bit;
    if (++chunk->settled == CHUNK) {
      chunks_[(sequence - base_) >> SHIFT].reset();
      while (!chunks_.empty() && chunks_.front() == nullptr) {
        chunks_.pop_front();
        base_ += CHUNK;
      }
    }
    return true;
  }

  // Every sequence below it is settled. Walks at most one chunk.
  uint64_t through() {
    if (through_ < base_) through_ = base_;
    if (chunks_.empty()) return through_ = next_;
    const Chunk* chunk = chunks_.front().get();
    while (through_ < next_ && through_ - base_ < CHUNK &&
           ((chunk->bits[(through_ & MASK) >> 6] >> (through_ & 63)) & 1) != 0) {
      through_++;
    }
    return through_;
  }

  uint64_t next() const { return next_; }
  // Sequences that did not follow their predecessor: a bug upstream.
  uint64_t breaks() const { return breaks_; }

 private:
  static constexpr uint32_t SHIFT = 12;
  static constexpr uint64_t CHUNK = uint64_t{1} << SHIFT;
  static constexpr uint64_t MASK = CHUNK - 1;
  static constexpr uint64_t HOLE_MAX = 1 << 20;

  struct Chunk {
    std::array<uint64_t, CHUNK / 64> bits{};
    uint32_t settled = 0;
  };

  void reserve(uint64_t sequence) {
    while (sequence - base_ >= chunks_.size() * CHUNK) {
      chunks_.push_back(std::make_unique<Chunk>());
    }
  }

  void settle_new(uint64_t sequence) {
    reserve(sequence);
    next_ = sequence + 1;
    settle(sequence);
    next_ = sequence;
  }

  std::deque<std::unique_ptr<Chunk>> chunks_;
  uint64_t base_ = 0;
  uint64_t next_ = 0;
  uint64_t through_ = 0;
  uint64_t breaks_ = 0;
  bool started_ = false;
};

}  // namespace sluice
