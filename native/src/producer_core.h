// One Kafka producer of the process. It outlives the worker that feeds it: the client, what is in
// flight, half-produced batches and stream tables live here; a worker attaches, dies, and its
// successor attaches.
//
// Threads: the worker calls attach, produce, define_stream; the producer's own poll thread takes
// delivery reports, hands failed entries over again and replaces the client after a fatal error;
// the main thread calls snapshot and close. Locks, in this order: worker_mutex_ (ring views,
// batches, stream tables), then state_mutex_ (slots, groups, counters, client). Ring memory is
// touched only by the attached worker.
#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "producer_acks.h"
#include "producer_counters.h"
#include "producer_slots.h"
#include "ring.h"

namespace sluice {

enum class Headers : uint8_t { none, exceptional, all };

struct ProducerOptions {
  std::vector<std::pair<std::string, std::string>> properties;
  double* counters = nullptr;
  Headers headers = Headers::exceptional;
  // By the exchange index that dead-letter entries carry.
  std::vector<std::string> dead_letter_topics;
  // Bytes waiting to be handed over again at which no ring is read any more.
  uint64_t pending_bytes_max = 64u << 20;
  uint32_t message_bytes_max = 1000000;
};

// What produce() returns, beside the number of entries taken in its low bits.
constexpr uint32_t PRODUCE_DEFINITION = 1u << 24;
constexpr uint32_t PRODUCE_FULL = 1u << 25;
constexpr uint32_t PRODUCE_NOT_OWNER = 1u << 26;
constexpr uint32_t PRODUCE_CORRUPT = 1u << 27;
constexpr uint32_t BATCH_MAX = 8192;

struct Snapshot {
  // Counters read in the same moment as what is in flight, so that the identity holds at any time.
  double records_taken = 0;
  double records_delivered = 0;
  double records_rejected = 0;
  double records_lost = 0;
  double dead_letters_taken = 0;
  double dead_letters_delivered = 0;
  double dead_letters_lost = 0;
  uint64_t records_in_flight = 0;
  uint64_t dead_letters_in_flight = 0;
  uint64_t records_handed_in_ring = 0;
  uint64_t dead_letters_handed_in_ring = 0;
  uint64_t pending = 0;
  uint64_t pending_bytes = 0;
  uint64_t queue_bytes = 0;
  uint64_t queue_messages = 0;
  uint64_t clients = 0;
  uint64_t possible_duplicates = 0;
  uint64_t unknown_reports = 0;
  uint64_t sequence_breaks = 0;
  bool fatal = false;
  bool all_brokers_down = false;
  std::string last_error;
  std::vector<std::string> missing_topics;
  std::vector<uint64_t> settled_through;
};

struct ProducerEvent {
  int level;  // syslog
  std::string kind;
  std::string code;
  std::string message;
};

struct Definition {
  uint32_t stream_index = 0;
  std::string json;
};

class Producer {
 public:
  // Null with *error set when librdkafka refuses a property.
  static std::shared_ptr<Producer> create(ProducerOptions options, std::string* error);
  ~Producer();

  // Worker side. `owner` tells whose ring views these are; a later attach replaces an earlier one.
  bool attach(const void* owner, const std::vector<Ring>& rings, int32_t epoch);
  void detach(const void* owner);
  uint32_t produce(const void* owner, uint32_t ring, uint32_t entries_max);
  bool pending_definition(const void* owner, uint32_t ring, Definition* definition);
  bool define_stream(const void* owner, uint32_t ring, uint32_t stream_index,
                     const std::string& topic, int32_t partition,
                     const std::string& dead_letter_topic);

  // Any thread.
  void topic_ready(const std::string& topic);
  void topic_failed(const std::string& topic);
  Snapshot snapshot();
  // Counts by walking every slot: {records, dead letters} not settled.
  std::pair<uint64_t, uint64_t> audit();
  std::vector<ProducerEvent> take_events();
  std::string statistics();
  // Returns the entries that were still in flight.
  uint64_t close();

  // Fault injection.
  void inject_fatal(rd_kafka_resp_err_t error);

 private:
  struct Stream {
    Group* group = nullptr;
    Group* dead_letter = nullptr;
  };
  struct Entry {
    uint32_t offset;  // in the ring's data area: survives the worker that read it
    uint32_t stream_index;
    Group* group;
    Group* dead_letter;
  };
  struct RingState {
    Ring ring;
    bool attached = false;
    std::vector<Stream> streams;
    // Batch being handed over; entries stay in the ring until all of them were taken.
    std::vector<Entry> entries;
    std::vector<uint32_t> order;
    uint32_t position = 0;
    uint32_t start = 0;
    uint32_t end = 0;
    bool active = false;
    bool at_definition = false;
    uint64_t handed_records = 0;
    uint64_t handed_dead_letters = 0;
    AckWindow acks;
  };

  explicit Producer(ProducerOptions options) : options_(std::move(options)) {}

  // producer_batch.cc: worker side
  bool read_batch(RingState& state, uint32_t entries_max, bool* corrupt);
  void order_batch(RingState& state);
  bool take(uint16_t ring, RingState& state, const Entry& entry);
  Slot* fill_slot(uint16_t ring, const Entry& entry, const uint8_t* bytes);
  bool release_batch(RingState& state);

  // producer_delivery.cc: state mutex held
  rd_kafka_resp_err_t send(Slot* slot, const uint8_t* value, uint32_t value_bytes, int flags);
  void on_delivered(Slot* slot, int64_t now_us, int64_t latency_us);
  // `alone`: the error is about this entry, not about a batch that it was part of.
  void on_failed(Slot* slot, rd_kafka_resp_err_t error, const uint8_t* value, uint32_t value_bytes,
                 bool alone);
  void reject(Slot* slot, rd_kafka_resp_err_t error, const uint8_t* value, uint32_t value_bytes);
  void settle(Slot* slot, bool lost);
  void pend(Slot* slot, const uint8_t* value, uint32_t value_bytes);
  void pend_owned(Slot* slot, uint8_t* value, uint32_t value_bytes);
  void pump(int64_t now_ms);
  bool pump_group(Group* group, int64_t now_ms);
  Group* group_of(const std::string& topic, int32_t partition);

  // producer_client.cc: client and poll thread
  rd_kafka_t* open_client(std::string* error);
  void poll_loop();
  void serve(int timeout_ms);
  void on_reports(rd_kafka_event_t* event);
  void on_error(rd_kafka_event_t* event);
  void on_statistics(const char* json);
  void refresh_missing_topics();
  void replace_client();
  void note(int level, const char* kind, const std::string& code, const std::string& message);

  ProducerOptions options_;
  KafkaCounters counters_;

  std::mutex worker_mutex_;
  const void* owner_ = nullptr;
  int32_t epoch_ = 0;
  std::vector<std::unique_ptr<RingState>> rings_;
  std::vector<Group*> dead_letter_groups_;
  uint64_t batch_number_ = 0;

  std::mutex state_mutex_;
  rd_kafka_t* client_ = nullptr;
  rd_kafka_queue_t* queue_ = nullptr;
  bool usable_ = false;
  bool fatal_ = false;
  bool replace_wanted_ = false;
  SlotPool slots_;
  std::unordered_map<std::string, std::unique_ptr<Topic>> topics_;
  std::map<std::pair<std::string, int32_t>, std::unique_ptr<Group>> groups_;
  std::vector<Group*> pending_groups_;
  uint64_t pending_ = 0;
  uint64_t pending_bytes_ = 0;
  uint64_t queue_bytes_ = 0;
  uint64_t records_in_flight_ = 0;
  uint64_t dead_letters_in_flight_ = 0;
  uint64_t clients_ = 0;
  uint64_t possible_duplicates_ = 0;
  uint64_t unknown_reports_ = 0;
  bool all_brokers_down_ = false;
  std::string last_error_;

  std::mutex events_mutex_;
  std::vector<ProducerEvent> events_;
  std::string statistics_;

  std::atomic<bool> closing_{false};
  std::mutex close_mutex_;
  std::thread poller_;
};

}  // namespace sluice
