// What becomes of an entry after it was taken: sent, delivered, queued again, dead-lettered, lost.
// Everything here runs with the state mutex held, on the worker's or on the poll thread.
#include <algorithm>
#include <cctype>
#include <cstring>

#include "producer_core.h"

namespace sluice {
namespace {

constexpr int64_t BACKOFF_MS_MIN = 100;
constexpr int64_t BACKOFF_MS_MAX = 1000;
// A dead letter that is itself too large is cut to a quarter, down to this size, before it counts
// as lost.
constexpr uint32_t DEAD_LETTER_BYTES_MIN = 4096;
// Room that key, headers and framing take of a message's maximal size.
constexpr uint32_t MESSAGE_OVERHEAD_BYTES = 1024;

enum class Verdict { again, batch_refused, refused };

Verdict judge(rd_kafka_resp_err_t error, const Slot* slot, bool alone) {
  switch (error) {
    // The broker answers these for a whole batch; one record of it may be the cause.
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
      return alone ? Verdict::refused : Verdict::batch_refused;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return Verdict::refused;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return slot->group->topic->creation_failed ? Verdict::refused : Verdict::again;
    default:
      // Purged, fatal, transport, anything new: nothing that may pass is ever given up.
      return Verdict::again;
  }
}

bool is_unknown_topic(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
         error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

// Errors that only this process caused, by purging; the next attempt need not wait.
bool is_own_doing(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__PURGE_QUEUE || error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
         error == RD_KAFKA_RESP_ERR__FATAL || error == RD_KAFKA_RESP_ERR__DESTROY;
}

void add_header(rd_kafka_headers_t* headers, const char* name, const char* value) {
  rd_kafka_header_add(headers, name, -1, value, -1);
}

const char* type_name(const Slot* slot) {
  if (slot->type == ENTRY_DEAD_LETTER) return "deadLetter";
  const size_t count = sizeof RecordType_NAMES / sizeof *RecordType_NAMES;
  const char* name = slot->type < count ? RecordType_NAMES[slot->type] : nullptr;
  return name != nullptr ? name : "unknown";
}

std::string reason_of(const Slot* slot) {
  if (slot->kind == Kind::rejected) {
    std::string name = rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(slot->detail));
    for (char& letter : name) letter = static_cast<char>(std::tolower(letter));
    return "kafka_" + name;
  }
  const int count = sizeof DeadLetterReason_NAMES / sizeof *DeadLetterReason_NAMES;
  const char* name =
      slot->detail >= 0 && slot->detail < count ? DeadLetterReason_NAMES[slot->detail] : nullptr;
  return name != nullptr ? name : "unknown";
}

rd_kafka_headers_t* build_headers(const Slot* slot, Headers mode) {
  const bool dead = slot->kind != Kind::record;
  const bool exceptional = dead || slot->source != static_cast<uint8_t>(RecordSource::live);
  const bool described =
      mode == Headers::all || (mode == Headers::exceptional && exceptional);
  if (!described && !dead) return nullptr;
  rd_kafka_headers_t* headers = rd_kafka_headers_new(6);
  if (described) {
    const size_t count = sizeof RecordSource_NAMES / sizeof *RecordSource_NAMES;
    add_header(headers, "source", slot->source < count ? RecordSource_NAMES[slot->source] : "live");
    add_header(headers, "schema", std::to_string(SCHEMA_VERSION).c_str());
    add_header(headers, "type", type_name(slot));
  }
  if (dead) {
    // In every mode: a dead letter's value is raw bytes that do not say why they are here.
    add_header(headers, "reason", reason_of(slot).c_str());
    add_header(headers, "originalSize", std::to_string(slot->original_bytes).c_str());
    if (slot->sent_bytes < slot->original_bytes) add_header(headers, "truncated", "true");
  }
  return headers;
}

}  // namespace

Group* Producer::group_of(const std::string& name, int32_t partition) {
  auto& topic = topics_[name];
  if (topic == nullptr) {
    topic = std::make_unique<Topic>();
    topic->name = name;
  }
  if (partition < 0) topic->unassigned = true;
  const int32_t kept = topic->unassigned ? RD_KAFKA_PARTITION_UA : partition;
  auto& group = groups_[{name, kept}];
  if (group == nullptr) {
    group = std::make_unique<Group>();
    group->topic = topic.get();
    group->partition = kept;
  }
  return group.get();
}

rd_kafka_resp_err_t Producer::send(Slot* slot, const uint8_t* value, uint32_t value_bytes,
                                   int flags) {
  Topic* topic = slot->group->topic;
  if (topic->handle == nullptr) {
    topic->handle = rd_kafka_topic_new(client_, topic->name.c_str(), nullptr);
    if (topic->handle == nullptr) return rd_kafka_last_error();
  }
  slot->sent_bytes = value_bytes;
  rd_kafka_vu_t fields[7];
  fields[0].vtype = RD_KAFKA_VTYPE_RKT;
  fields[0].u.rkt = topic->handle;
  fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  fields[1].u.i32 = slot->group->partition;
  fields[2].vtype = RD_KAFKA_VTYPE_VALUE;
  fields[2].u.mem = {const_cast<uint8_t*>(value), value_bytes};
  fields[3].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  fields[3].u.i64 = slot->timestamp_ms;
  fields[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
  fields[4].u.ptr = slot;
  fields[5].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[5].u.i = flags;
  size_t count = 6;
  rd_kafka_vu_t key_and_headers[2];
  size_t extra = 0;
  if (slot->key_bytes > 0 && uint32_t{slot->key_offset} + slot->key_bytes <= value_bytes) {
    key_and_headers[extra].vtype = RD_KAFKA_VTYPE_KEY;
    key_and_headers[extra++].u.mem = {const_cast<uint8_t*>(value + slot->key_offset),
                                      slot->key_bytes};
  }
  rd_kafka_headers_t* headers = build_headers(slot, options_.headers);
  if (headers != nullptr) {
    key_and_headers[extra].vtype = RD_KAFKA_VTYPE_HEADERS;
    key_and_headers[extra++].u.headers = headers;
  }
  rd_kafka_vu_t all[8];
  std::copy_n(fields, count, all);
  std::copy_n(key_and_headers, extra, all + count);
  rd_kafka_error_t* failure = rd_kafka_produceva(client_, all, count + extra);
  if (failure == nullptr) {
    slot->state = SlotState::queued;
    slot->group->in_flight++;
    queue_bytes_ += value_bytes;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  const rd_kafka_resp_err_t error = rd_kafka_error_code(failure);
  rd_kafka_error_destroy(failure);
  if (headers != nullptr) rd_kafka_headers_destroy(headers);
  return error;
}

void Producer::on_delivered(Slot* slot, int64_t now_us, int64_t latency_us) {
  slot->group->backoff_ms = 0;
  slot->group->topic->missing = false;
  if (slot->kind == Kind::record) {
    counters_.add(KAFKA_RECORDS_DELIVERED, 1);
    counters_.add(KAFKA_BYTES_DELIVERED, slot->value_bytes);
    counters_.observe(KAFKA_END_TO_END, now_us - slot->received_us);
    if (latency_us >= 0) counters_.observe(KAFKA_DELIVERY, latency_us);
  } else if (slot->kind == Kind::rejected) {
    counters_.add(KAFKA_RECORDS_REJECTED, 1);
  } else {
    counters_.add(KAFKA_DEAD_LETTERS_DELIVERED, 1);
    counters_.add(KAFKA_BYTES_DELIVERED, slot->value_bytes);
  }
  settle(slot, false);
}

// Every entry ends here exactly once.
void Producer::settle(Slot* slot, bool lost) {
  const bool dead_letter = slot->kind == Kind::dead_letter;
  if (lost) counters_.add(dead_letter ? KAFKA_DEAD_LETTERS_LOST : KAFKA_RECORDS_LOST, 1);
  (dead_letter ? dead_letters_in_flight_ : records_in_flight_)--;
  if (!rings_[slot->ring]->acks.settle(slot->sequence)) unknown_reports_++;
  slots_.give(slot);
}

void Producer::on_failed(Slot* slot, rd_kafka_resp_err_t error, const uint8_t* value,
                         uint32_t value_bytes, bool alone) {
  Group* group = slot->group;
  switch (judge(error, slot, alone)) {
    case Verdict::refused:
      reject(slot, error, value, value_bytes);
      return;
    case Verdict::batch_refused:
      slot->suspect = true;
      // What is queued behind it must not overtake it: all of it comes back and lines up again.
      replace_wanted_ = true;
      break;
    case Verdict::again:
      if (is_unknown_topic(error)) {
        group->topic->missing = true;
      } else if (!alone && !is_own_doing(error)) {
        // librdkafka retries for ever what can be retried: its state is not what it should be.
        replace_wanted_ = true;
      }
      if (!is_own_doing(error)) {
        group->backoff_ms = std::clamp(group->backoff_ms * 2, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
        group->not_before_ms = monotonic_ms() + group->backoff_ms;
      }
      break;
  }
  counters_.add(KAFKA_ERRORS_RETRIABLE, 1);
  counters_.add(KAFKA_REQUEUED, 1);
  if (!is_own_doing(error)) {
    note(5, "requeued", rd_kafka_err2name(error), group->topic->name);
  }
  pend(slot, value, value_bytes);
}

// Refused for good: on to the dead-letter topic; what cannot even go there is lost, and counted.
void Producer::reject(Slot* slot, rd_kafka_resp_err_t error, const uint8_t* value,
                      uint32_t value_bytes) {
  counters_.add(KAFKA_ERRORS_PERMANENT, 1);
  note(4, "rejected", rd_kafka_err2name(error), slot->group->topic->name);
  uint32_t kept = value_bytes;
  if (slot->kind == Kind::record) {
    slot->kind = Kind::rejected;
    slot->detail = static_cast<int16_t>(error);
    slot->group = slot->dead_letter_group;
    const uint32_t message_max = options_.message_bytes_max - MESSAGE_OVERHEAD_BYTES;
    kept = std::min({kept, DEAD_LETTER_BYTES_MAX, message_max});
  } else if ((error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
              error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE) &&
             value_bytes > DEAD_LETTER_BYTES_MIN) {
    kept = std::max(value_bytes / 4, DEAD_LETTER_BYTES_MIN);
  } else {
    note(2, "lost", rd_kafka_err2name(error), slot->group->topic->name);
    settle(slot, true);
    return;
  }
  slot->suspect = false;
  pend(slot, value, kept);
}

void Producer::pend(Slot* slot, const uint8_t* value, uint32_t value_bytes) {
  auto* copy = static_cast<uint8_t*>(std::malloc(std::max(value_bytes, 1u)));
  std::memcpy(copy, value, value_bytes);
  pend_owned(slot, copy, value_bytes);
}

void Producer::pend_owned(Slot* slot, uint8_t* value, uint32_t value_bytes) {
  Group* group = slot->group;
  slot->state = SlotState::pending;
  if (!group->pending.empty()) {
    const Slot* last = group->pending.back().slot;
    const bool follows = last->ring != slot->ring || last->sequence < slot->sequence;
    if (!follows || last->ring != slot->ring) group->sorted = false;
  }
  group->pending.push_back({slot, value, value_bytes});
  if (!group->listed) {
    group->listed = true;
    pending_groups_.push_back(group);
  }
  pending_++;
  pending_bytes_ += value_bytes;
}

// Hands waiting entries over, in sequence order per ring, as far as librdkafka takes them.
void Producer::pump(int64_t now_ms) {
  if (!usable_ || replace_wanted_) return;
  bool room = true;
  // By index: a rejected entry may append its dead-letter group to the list.
  for (size_t index = 0; index < pending_groups_.size() && room; index++) {
    room = pump_group(pending_groups_[index], now_ms);
  }
  auto drained = [](Group* group) {
    if (!group->pending.empty()) return false;
    group->listed = false;
    return true;
  };
  pending_groups_.erase(
      std::remove_if(pending_groups_.begin(), pending_groups_.end(), drained),
      pending_groups_.end());
}

// False when librdkafka's queue is full.
bool Producer::pump_group(Group* group, int64_t now_ms) {
  if (!group->sorted) {
    std::stable_sort(group->pending.begin(), group->pending.end(),
                     [](const Pending& a, const Pending& b) {
                       if (a.slot->ring != b.slot->ring) return a.slot->ring < b.slot->ring;
                       return a.slot->sequence < b.slot->sequence;
                     });
    group->sorted = true;
  }
  while (!group->pending.empty() && now_ms >= group->not_before_ms && !group->probing) {
    const Pending next = group->pending.front();
    if (next.slot->suspect && group->in_flight > 0) return true;
    const rd_kafka_resp_err_t error =
        send(next.slot, next.value, next.value_bytes, RD_KAFKA_MSG_F_FREE);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL || error == RD_KAFKA_RESP_ERR__FATAL) return false;
    group->pending.pop_front();
    pending_--;
    pending_bytes_ -= next.value_bytes;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      group->probing = next.slot->suspect;
      continue;
    }
    on_failed(next.slot, error, next.value, next.value_bytes, true);
    std::free(next.value);
    // It stands at the back now; the sort at the next attempt puts it first again.
    if (next.slot->group == group && next.slot->state == SlotState::pending) {
      group->sorted = false;
      if (monotonic_ms() >= group->not_before_ms) group->not_before_ms = now_ms + BACKOFF_MS_MIN;
      return true;
    }
  }
  return true;
}

}  // namespace sluice
