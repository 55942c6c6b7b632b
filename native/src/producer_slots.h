// What one entry is while Kafka has not settled it: its slot, the topic-partition it goes to and,
// when it waits to be handed over again, its bytes. Guarded by Producer's state mutex unless said
// otherwise.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "producer_rdkafka.h"

namespace sluice {

struct Topic {
  std::string name;
  // Made on first use and again after the client was replaced.
  rd_kafka_topic_t* handle = nullptr;
  // The main thread gave up creating it: an unknown topic is then permanent.
  bool creation_failed = false;
  // Some stream of it was defined before its partitions were known. From then on librdkafka's own
  // partitioner (the same murmur2) chooses for all: an explicit partition could overtake what still
  // waits.
  bool unassigned = false;
  // Kafka said it does not exist; metadata is asked for before the next attempt.
  bool missing = false;
};

struct Slot;

// An entry that waits to be handed (again) to librdkafka, with its own copy of the bytes.
struct Pending {
  Slot* slot;
  uint8_t* value;
  uint32_t value_bytes;
};

// All entries for one topic and partition (or for a topic's unassigned queue) keep their order
// here.
struct Group {
  Topic* topic = nullptr;
  int32_t partition = RD_KAFKA_PARTITION_UA;
  // Never overtaken: while it holds anything, newer entries queue up behind it.
  std::deque<Pending> pending;
  bool sorted = true;
  bool listed = false;
  // A record of a refused batch is on its way alone; nothing else may join its batch.
  bool probing = false;
  uint32_t in_flight = 0;
  int64_t not_before_ms = 0;
  int64_t backoff_ms = 0;

  // Scratch of the Kafka worker while it groups a batch; no mutex.
  uint64_t batch = 0;
  uint32_t head = 0;
  uint32_t tail = 0;
};

enum class Kind : uint8_t { record, dead_letter, rejected };
enum class SlotState : uint8_t { free, queued, pending };

struct Slot {
  uint64_t sequence;
  int64_t received_us;
  int64_t timestamp_ms;
  Group* group;
  Group* dead_letter_group;
  Slot* next_free;
  // Of the entry as it stood in the ring; the value handed over may be shorter (truncated dead
  // letter).
  uint32_t value_bytes;
  uint32_t original_bytes;
  uint32_t sent_bytes;
  uint16_t key_offset;
  uint16_t key_bytes;
  uint16_t ring;
  // Dead letter: reason number. Rejected: Kafka's error code.
  int16_t detail;
  uint8_t type;
  uint8_t source;
  uint8_t flags;
  Kind kind;
  SlotState state;
  // Its batch was refused as a whole; the next attempt goes alone, to find the culprit.
  bool suspect;
};

class SlotPool {
 public:
  Slot* take() {
    if (free_ == nullptr) grow();
    Slot* slot = free_;
    free_ = slot->next_free;
    return slot;
  }

  void give(Slot* slot) {
    slot->state = SlotState::free;
    slot->next_free = free_;
    free_ = slot;
  }

  template <typename Visit>
  void each(Visit visit) {
    for (auto& block : blocks_) {
      for (uint32_t index = 0; index < BLOCK; index++) {
        if (block[index].state != SlotState::free) visit(&block[index]);
      }
    }
  }

 private:
  static constexpr uint32_t BLOCK = 1024;

  void grow() {
    blocks_.push_back(std::make_unique<Slot[]>(BLOCK));
    Slot* block = blocks_.back().get();
    for (uint32_t index = BLOCK; index-- > 0;) give(&block[index]);
  }

  std::vector<std::unique_ptr<Slot[]>> blocks_;
  Slot* free_ = nullptr;
};

}  // namespace sluice
