// The librdkafka client behind a producer and the poll thread that serves it. Reports, errors,
// statistics and log lines end here, in C++; JavaScript reads counters, snapshots and a bounded
// list of events.
#include <cstring>

#include "producer_core.h"

namespace sluice {
namespace {

constexpr int POLL_MS = 100;
constexpr int POLL_PENDING_MS = 10;
constexpr uint32_t REPORTS_PER_LOCK = 256;
constexpr int64_t PURGE_MS_MAX = 30000;
constexpr int64_t IN_FLIGHT_MS_MAX = 2000;
constexpr size_t EVENTS_MAX = 256;
constexpr int METADATA_MS_MAX = 1000;

}  // namespace

std::shared_ptr<Producer> Producer::create(ProducerOptions options, std::string* error) {
  std::shared_ptr<Producer> producer(new Producer(std::move(options)));
  producer->counters_.attach(producer->options_.counters);
  {
    std::lock_guard<std::mutex> lock(producer->state_mutex_);
    if (producer->options_.dead_letter_topics.empty()) {
      producer->options_.dead_letter_topics.push_back("market.deadletter.unknown");
    }
    for (const std::string& topic : producer->options_.dead_letter_topics) {
      producer->dead_letter_groups_.push_back(producer->group_of(topic, RD_KAFKA_PARTITION_UA));
    }
    producer->client_ = producer->open_client(error);
    if (producer->client_ == nullptr) return nullptr;
    producer->queue_ = rd_kafka_queue_get_main(producer->client_);
    producer->usable_ = true;
  }
  Producer* self = producer.get();
  producer->poller_ = std::thread([self] { self->poll_loop(); });
  return producer;
}

Producer::~Producer() { close(); }

rd_kafka_t* Producer::open_client(std::string* error) {
  char message[512] = "";
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [key, value] : options_.properties) {
    const rd_kafka_conf_res_t result =
        rd_kafka_conf_set(conf, key.c_str(), value.c_str(), message, sizeof message);
    if (result != RD_KAFKA_CONF_OK) {
      *error = message;
      rd_kafka_conf_destroy(conf);
      return nullptr;
    }
  }
  rd_kafka_conf_set(conf, "log.queue", "true", nullptr, 0);
  rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS |
                                     RD_KAFKA_EVENT_LOG);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, message, sizeof message);
  if (client == nullptr) {
    *error = message;
    rd_kafka_conf_destroy(conf);
    return nullptr;
  }
  rd_kafka_set_log_queue(client, nullptr);
  clients_++;
  return client;
}

void Producer::poll_loop() {
  int timeout_ms = POLL_MS;
  int64_t refreshed_ms = 0;
  while (!closing_.load()) {
    serve(timeout_ms);
    bool refresh = false;
    bool replace = false;
    {
      std::lock_guard<std::mutex> lock(state_mutex_);
      const int64_t now = monotonic_ms();
      if (!pending_groups_.empty() && now - refreshed_ms >= METADATA_MS_MAX) {
        for (const Group* group : pending_groups_) refresh = refresh || group->topic->missing;
        if (refresh) refreshed_ms = now;
      }
      replace = fatal_ || replace_wanted_;
    }
    if (refresh) refresh_missing_topics();
    if (replace) replace_client();
    if (client_ == nullptr) return;
    std::lock_guard<std::mutex> lock(state_mutex_);
    if (!pending_groups_.empty()) pump(monotonic_ms());
    timeout_ms = pending_groups_.empty() ? POLL_MS : POLL_PENDING_MS;
  }
}

void Producer::serve(int timeout_ms) {
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue_, timeout_ms);
  if (event == nullptr) return;
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
      on_reports(event);
      break;
    case RD_KAFKA_EVENT_ERROR:
      on_error(event);
      break;
    case RD_KAFKA_EVENT_STATS:
      on_statistics(rd_kafka_event_stats(event));
      break;
    case RD_KAFKA_EVENT_LOG: {
      const char* facility = nullptr;
      const char* text = nullptr;
      int level = 6;
      if (rd_kafka_event_log(event, &facility, &text, &level) == 0) {
        note(level, "log", facility, text);
      }
      break;
    }
    default:
      break;
  }
  rd_kafka_event_destroy(event);
}

void Producer::on_reports(rd_kafka_event_t* event) {
  const rd_kafka_message_t* report = rd_kafka_event_message_next(event);
  while (report != nullptr) {
    std::lock_guard<std::mutex> lock(state_mutex_);
    const int64_t now = wall_us();
    for (uint32_t n = 0; n < REPORTS_PER_LOCK && report != nullptr; n++) {
      auto* slot = static_cast<Slot*>(report->_private);
      Group* group = slot->group;
      group->in_flight--;
      queue_bytes_ -= report->len;
      if (slot->suspect) group->probing = false;
      if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        all_brokers_down_ = false;
        on_delivered(slot, now, rd_kafka_message_latency(report));
      } else {
        if (rd_kafka_message_status(report) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED) {
          possible_duplicates_++;
        }
        on_failed(slot, report->err, static_cast<const uint8_t*>(report->payload),
                  static_cast<uint32_t>(report->len), slot->suspect);
      }
      report = rd_kafka_event_message_next(event);
    }
  }
}

void Producer::on_error(rd_kafka_event_t* event) {
  const rd_kafka_resp_err_t error = rd_kafka_event_error(event);
  const char* text = rd_kafka_event_error_string(event);
  const bool fatal = error == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_event_error_is_fatal(event);
  {
    std::lock_guard<std::mutex> lock(state_mutex_);
    last_error_ = std::string(rd_kafka_err2name(error)) + ": " + (text != nullptr ? text : "");
    counters_.add(fatal ? KAFKA_ERRORS_FATAL : KAFKA_ERRORS_TRANSPORT, 1);
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
      all_brokers_down_ = true;
      counters_.set(KAFKA_BROKERS_UP, 0);
    }
    if (fatal) {
      fatal_ = true;
      usable_ = false;
    }
  }
  note(fatal ? 2 : 4, fatal ? "fatal" : "error", rd_kafka_err2name(error),
       text != nullptr ? text : "");
}

// Counts the brokers (not the bootstrap addresses, whose node id is negative) that are up.
void Producer::on_statistics(const char* json) {
  uint32_t up = 0;
  const char* end = std::strstr(json, "\"topics\":");
  for (const char* at = json; (at = std::strstr(at, "\"nodeid\":")) != nullptr;) {
    if (end != nullptr && at > end) break;
    at += 9;
    if (*at == '-') continue;
    const char* state = std::strstr(at, "\"state\":");
    if (state != nullptr && std::strncmp(state + 8, "\"UP\"", 4) == 0) up++;
  }
  {
    std::lock_guard<std::mutex> lock(state_mutex_);
    counters_.set(KAFKA_BROKERS_UP, up);
    if (up > 0) all_brokers_down_ = false;
  }
  std::lock_guard<std::mutex> lock(events_mutex_);
  statistics_ = json;
}

// A topic known to be missing would only be asked for again minutes later. Blocks, without any
// lock.
void Producer::refresh_missing_topics() {
  std::vector<rd_kafka_topic_t*> handles;
  {
    std::lock_guard<std::mutex> lock(state_mutex_);
    for (const Group* group : pending_groups_) {
      Topic* topic = group->topic;
      if (topic->missing && topic->handle != nullptr) handles.push_back(topic->handle);
    }
  }
  // Only this thread destroys handles.
  for (rd_kafka_topic_t* handle : handles) {
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(client_, 0, handle, &metadata, METADATA_MS_MAX) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_metadata_destroy(metadata);
    } else {
      return;
    }
  }
}

// After a fatal error a client never sends again; after any other failed report what is queued
// behind the failed entries would overtake them. Everything the client holds comes back as failed
// reports, then a new client takes its place and the waiting entries are handed over in sequence
// order.
void Producer::replace_client() {
  const auto serve_until_empty = [this](int64_t ms_max) {
    const int64_t deadline = monotonic_ms() + ms_max;
    while (rd_kafka_outq_len(client_) > 0 && monotonic_ms() < deadline && !closing_.load()) {
      serve(10);
    }
  };
  rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE);
  // What is sent already may still be acknowledged; purged, it would be written twice.
  if (!fatal_) serve_until_empty(IN_FLIGHT_MS_MAX);
  rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  serve_until_empty(PURGE_MS_MAX);
  rd_kafka_t* client = nullptr;
  rd_kafka_queue_t* queue = nullptr;
  {
    std::lock_guard<std::mutex> lock(state_mutex_);
    for (auto& [name, topic] : topics_) {
      if (topic->handle != nullptr) rd_kafka_topic_destroy(topic->handle);
      topic->handle = nullptr;
    }
    // Their reports cannot come any more. It takes a defect of librdkafka to get here.
    std::vector<Slot*> silent;
    slots_.each([&silent](Slot* slot) {
      if (slot->state == SlotState::queued) silent.push_back(slot);
    });
    for (Slot* slot : silent) settle(slot, true);
    for (auto& [key, group] : groups_) {
      group->in_flight = 0;
      group->probing = false;
      group->not_before_ms = 0;
    }
    queue_bytes_ = 0;
    usable_ = false;
    std::swap(client, client_);
    std::swap(queue, queue_);
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  std::string error;
  rd_kafka_t* fresh = nullptr;
  while (fresh == nullptr && !closing_.load()) {
    fresh = open_client(&error);
    if (fresh != nullptr) break;
    note(2, "fatal", "client", error);
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  std::lock_guard<std::mutex> lock(state_mutex_);
  client_ = fresh;
  if (fresh == nullptr) return;
  queue_ = rd_kafka_queue_get_main(fresh);
  fatal_ = false;
  replace_wanted_ = false;
  usable_ = true;
}

void Producer::note(int level, const char* kind, const std::string& code,
                    const std::string& message) {
  std::lock_guard<std::mutex> lock(events_mutex_);
  // A burst of the same event is one event; the counters have the number.
  for (auto at = events_.rbegin(); at != events_.rend() && at - events_.rbegin() < 16; ++at) {
    if (at->kind == kind && at->code == code && at->message == message) return;
  }
  if (events_.size() < EVENTS_MAX) events_.push_back({level, kind, code, message});
}

std::vector<ProducerEvent> Producer::take_events() {
  std::lock_guard<std::mutex> lock(events_mutex_);
  std::vector<ProducerEvent> taken;
  taken.swap(events_);
  return taken;
}

std::string Producer::statistics() {
  std::lock_guard<std::mutex> lock(events_mutex_);
  return statistics_;
}

void Producer::topic_ready(const std::string& name) {
  std::lock_guard<std::mutex> lock(state_mutex_);
  const auto found = topics_.find(name);
  if (found == topics_.end()) return;
  found->second->creation_failed = false;
  for (Group* group : pending_groups_) {
    if (group->topic == found->second.get()) group->not_before_ms = 0;
  }
  if (queue_ != nullptr) rd_kafka_queue_yield(queue_);
}

void Producer::topic_failed(const std::string& name) {
  std::lock_guard<std::mutex> lock(state_mutex_);
  const auto found = topics_.find(name);
  if (found != topics_.end()) found->second->creation_failed = true;
}

Snapshot Producer::snapshot() {
  std::lock_guard<std::mutex> lock(state_mutex_);
  Snapshot view;
  view.records_taken = counters_.get(KAFKA_RECORDS_TAKEN);
  view.records_delivered = counters_.get(KAFKA_RECORDS_DELIVERED);
  view.records_rejected = counters_.get(KAFKA_RECORDS_REJECTED);
  view.records_lost = counters_.get(KAFKA_RECORDS_LOST);
  view.dead_letters_taken = counters_.get(KAFKA_DEAD_LETTERS_TAKEN);
  view.dead_letters_delivered = counters_.get(KAFKA_DEAD_LETTERS_DELIVERED);
  view.dead_letters_lost = counters_.get(KAFKA_DEAD_LETTERS_LOST);
  view.records_in_flight = records_in_flight_;
  view.dead_letters_in_flight = dead_letters_in_flight_;
  view.pending = pending_;
  view.pending_bytes = pending_bytes_;
  view.queue_bytes = queue_bytes_;
  view.queue_messages = records_in_flight_ + dead_letters_in_flight_ - pending_;
  view.clients = clients_;
  view.possible_duplicates = possible_duplicates_;
  view.unknown_reports = unknown_reports_;
  view.fatal = fatal_;
  view.all_brokers_down = all_brokers_down_;
  view.last_error = last_error_;
  for (const auto& state : rings_) {
    view.records_handed_in_ring += state->handed_records;
    view.dead_letters_handed_in_ring += state->handed_dead_letters;
    view.sequence_breaks += state->acks.breaks();
    view.settled_through.push_back(state->acks.through());
  }
  for (const Group* group : pending_groups_) {
    if (group->topic->missing) view.missing_topics.push_back(group->topic->name);
  }
  return view;
}

std::pair<uint64_t, uint64_t> Producer::audit() {
  std::lock_guard<std::mutex> lock(state_mutex_);
  std::pair<uint64_t, uint64_t> found{0, 0};
  slots_.each([&found](const Slot* slot) {
    (slot->kind == Kind::dead_letter ? found.second : found.first)++;
  });
  return found;
}

void Producer::inject_fatal(rd_kafka_resp_err_t error) {
  std::lock_guard<std::mutex> lock(state_mutex_);
  if (usable_) rd_kafka_test_fatal_error(client_, error, "injected");
}

uint64_t Producer::close() {
  std::lock_guard<std::mutex> once(close_mutex_);
  if (!poller_.joinable()) return 0;
  closing_.store(true);
  poller_.join();
  std::lock_guard<std::mutex> worker(worker_mutex_);
  std::lock_guard<std::mutex> lock(state_mutex_);
  usable_ = false;
  owner_ = nullptr;
  const uint64_t left = records_in_flight_ + dead_letters_in_flight_;
  for (auto& [name, topic] : topics_) {
    if (topic->handle != nullptr) rd_kafka_topic_destroy(topic->handle);
    topic->handle = nullptr;
  }
  for (Group* group : pending_groups_) {
    for (const Pending& waiting : group->pending) std::free(waiting.value);
    group->pending.clear();
  }
  if (client_ != nullptr) {
    rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy_flags(client_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    client_ = nullptr;
  }
  return left;
}

}  // namespace sluice
