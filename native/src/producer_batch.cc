// The worker's half of the producer: entries of a record ring, in place, grouped by topic and
// partition in stable order, handed to librdkafka; freed in the ring once the whole batch was
// taken.
#include <algorithm>
#include <cstring>

#include "producer_core.h"

namespace sluice {
namespace {

constexpr int64_t AHEAD_US_MAX = 5ll * 60 * 1000 * 1000;
constexpr int64_t BEHIND_US_MAX = 60ll * 60 * 1000 * 1000;
// Entries handed over per hold of the state mutex: the poll thread waits at most that long.
constexpr uint32_t ENTRIES_PER_LOCK = 64;

// A timestamp too far ahead makes the broker refuse the whole batch; one too far behind is soon
// deleted.
int64_t timestamp_ms(int64_t event_us, int64_t received_us) {
  const bool usable = event_us > 0 && event_us <= received_us + AHEAD_US_MAX &&
                      event_us >= received_us - BEHIND_US_MAX;
  return (usable ? event_us : received_us) / 1000;
}

bool well_formed(const uint8_t* entry, uint32_t room) {
  const uint32_t size = load_at<uint32_t>(entry + RECORD_SIZE);
  if (size < RECORD_HEADER_BYTES || (size & 7u) != 0 || size > room) return false;
  const uint32_t value_bytes = load_at<uint32_t>(entry + RECORD_VALUE_BYTES);
  if (value_bytes > size - RECORD_HEADER_BYTES) return false;
  const uint32_t key_end = uint32_t{load_at<uint16_t>(entry + RECORD_KEY_OFFSET)} +
                           load_at<uint16_t>(entry + RECORD_KEY_BYTES);
  return key_end <= value_bytes;
}

}  // namespace

bool Producer::attach(const void* owner, const std::vector<Ring>& rings, int32_t epoch) {
  std::lock_guard<std::mutex> worker(worker_mutex_);
  for (auto& state : rings_) state->attached = false;
  while (rings_.size() < rings.size()) {
    auto fresh = std::make_unique<RingState>();
    // The poll thread reads rings_ for its acknowledgement windows.
    std::lock_guard<std::mutex> lock(state_mutex_);
    rings_.push_back(std::move(fresh));
  }
  for (size_t index = 0; index < rings.size(); index++) {
    RingState& state = *rings_[index];
    state.ring = rings[index];
    state.attached = true;
    state.at_definition = false;
    // Half a batch continues where it was; it is void only when this is another ring.
    if (state.active && state.ring.load_consumer() != state.start) {
      std::lock_guard<std::mutex> lock(state_mutex_);
      state.active = false;
      state.handed_records = 0;
      state.handed_dead_letters = 0;
    }
  }
  owner_ = owner;
  epoch_ = epoch;
  return true;
}

void Producer::detach(const void* owner) {
  std::lock_guard<std::mutex> worker(worker_mutex_);
  if (owner_ != owner) return;
  owner_ = nullptr;
  for (auto& state : rings_) state->attached = false;
}

uint32_t Producer::produce(const void* owner, uint32_t ring, uint32_t entries_max) {
  std::lock_guard<std::mutex> worker(worker_mutex_);
  if (owner_ != owner || ring >= rings_.size() || !rings_[ring]->attached) return PRODUCE_NOT_OWNER;
  RingState& state = *rings_[ring];
  if (state.ring.consumer_epoch() != epoch_) return PRODUCE_NOT_OWNER;
  if (!state.active) {
    bool corrupt = false;
    if (!read_batch(state, entries_max, &corrupt)) {
      if (corrupt) return PRODUCE_CORRUPT;
      return state.at_definition ? PRODUCE_DEFINITION : 0;
    }
    order_batch(state);
  }
  const uint32_t count = static_cast<uint32_t>(state.order.size());
  const uint32_t first = state.position;
  bool full = false;
  while (state.position < count && !full) {
    std::lock_guard<std::mutex> lock(state_mutex_);
    const uint32_t stop = std::min(count, state.position + ENTRIES_PER_LOCK);
    for (; state.position < stop; state.position++) {
      const Entry& entry = state.entries[state.order[state.position]];
      if (!take(static_cast<uint16_t>(ring), state, entry)) {
        counters_.add(KAFKA_QUEUE_FULL, 1);
        full = true;
        break;
      }
    }
  }
  const uint32_t taken = state.position - first;
  if (full) return taken | PRODUCE_FULL;
  if (!release_batch(state)) return taken | PRODUCE_NOT_OWNER;
  return taken | (state.at_definition ? PRODUCE_DEFINITION : 0);
}

// Reads entries up to the limit, or up to a stream definition, which the worker must resolve first.
bool Producer::read_batch(RingState& state, uint32_t entries_max, bool* corrupt) {
  const uint32_t limit = std::min(std::max(entries_max, 1u), BATCH_MAX);
  const uint32_t end = state.ring.load_producer();
  uint32_t cursor = state.ring.load_consumer();
  state.start = cursor;
  state.entries.clear();
  state.at_definition = false;
  while (cursor != end && state.entries.size() < limit) {
    const uint32_t offset = cursor & state.ring.mask();
    const uint8_t* bytes = state.ring.data() + offset;
    const uint32_t room = std::min(end - cursor, state.ring.capacity() - offset);
    if (load_at<uint32_t>(bytes + 4) == PAD) {
      cursor += load_at<uint32_t>(bytes);
      continue;
    }
    if (!well_formed(bytes, room)) return !(*corrupt = true);
    const uint32_t stream = load_at<uint32_t>(bytes + RECORD_STREAM_INDEX);
    const uint8_t type = bytes[RECORD_TYPE];
    Entry entry{offset, stream, nullptr, nullptr};
    if (type == ENTRY_STREAM_DEFINITION) {
      state.at_definition = true;
      break;
    }
    if (type == ENTRY_DEAD_LETTER) {
      const size_t exchange = std::min<size_t>(stream, dead_letter_groups_.size() - 1);
      entry.group = entry.dead_letter = dead_letter_groups_[exchange];
    } else {
      if (stream >= state.streams.size() || state.streams[stream].group == nullptr) {
        return !(*corrupt = true);
      }
      entry.group = state.streams[stream].group;
      entry.dead_letter = state.streams[stream].dead_letter;
    }
    state.entries.push_back(entry);
    cursor += load_at<uint32_t>(bytes + RECORD_SIZE);
  }
  state.end = cursor;
  if (state.entries.empty()) {
    // Nothing but pads: free them, so that a definition stands at the consumer's cursor.
    if (cursor != state.start) state.ring.store_consumer(cursor);
    return false;
  }
  return true;
}

// Stable order by group: runs per topic-partition halve librdkafka's cost; order per key stays as
// it was.
void Producer::order_batch(RingState& state) {
  constexpr uint32_t NONE = 0xffffffffu;
  static thread_local std::vector<uint32_t> next;
  static thread_local std::vector<Group*> touched;
  const uint32_t count = static_cast<uint32_t>(state.entries.size());
  next.assign(count, NONE);
  touched.clear();
  const uint64_t batch = ++batch_number_;
  for (uint32_t index = 0; index < count; index++) {
    Group* group = state.entries[index].group;
    if (group->batch != batch) {
      group->batch = batch;
      group->head = index;
      touched.push_back(group);
    } else {
      next[group->tail] = index;
    }
    group->tail = index;
  }
  state.order.clear();
  for (const Group* group : touched) {
    for (uint32_t index = group->head; index != NONE; index = next[index]) {
      state.order.push_back(index);
    }
  }
  // Sequences are opened in the ring's order, before the first report can come.
  std::lock_guard<std::mutex> lock(state_mutex_);
  for (const Entry& entry : state.entries) {
    state.acks.open(load_at<uint64_t>(state.ring.data() + entry.offset + RECORD_SEQUENCE));
  }
  state.position = 0;
  state.handed_records = 0;
  state.handed_dead_letters = 0;
  state.active = true;
}

// State mutex held. False: nothing was taken, the same entry is offered again next time.
bool Producer::take(uint16_t ring, RingState& state, const Entry& entry) {
  if (!usable_ || replace_wanted_ || pending_bytes_ >= options_.pending_bytes_max) return false;
  const uint8_t* bytes = state.ring.data() + entry.offset;
  const uint8_t* value = bytes + RECORD_HEADER_BYTES;
  const uint32_t value_bytes = load_at<uint32_t>(bytes + RECORD_VALUE_BYTES);
  Slot* slot = fill_slot(ring, entry, bytes);
  Group* group = entry.group;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  const bool behind = !group->pending.empty() || group->probing;
  if (!behind) {
    error = send(slot, value, value_bytes, RD_KAFKA_MSG_F_COPY);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL || error == RD_KAFKA_RESP_ERR__FATAL) {
      slots_.give(slot);
      return false;
    }
  }
  if (slot->kind == Kind::record) {
    records_in_flight_++;
    state.handed_records++;
    counters_.add(KAFKA_RECORDS_TAKEN, 1);
  } else {
    dead_letters_in_flight_++;
    state.handed_dead_letters++;
    counters_.add(KAFKA_DEAD_LETTERS_TAKEN, 1);
  }
  counters_.add(KAFKA_PRODUCED, 1);
  counters_.add(KAFKA_BYTES_PRODUCED, value_bytes);
  if (behind) {
    pend(slot, value, value_bytes);
  } else if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    on_failed(slot, error, value, value_bytes, true);
  }
  return true;
}

Slot* Producer::fill_slot(uint16_t ring, const Entry& entry, const uint8_t* bytes) {
  Slot* slot = slots_.take();
  const bool dead_letter = bytes[RECORD_TYPE] == ENTRY_DEAD_LETTER;
  slot->sequence = load_at<uint64_t>(bytes + RECORD_SEQUENCE);
  slot->received_us = load_at<int64_t>(bytes + RECORD_RECEIVED_TIME);
  slot->timestamp_ms =
      timestamp_ms(load_at<int64_t>(bytes + RECORD_EVENT_TIME), slot->received_us);
  slot->group = entry.group;
  slot->dead_letter_group = entry.dead_letter;
  slot->value_bytes = load_at<uint32_t>(bytes + RECORD_VALUE_BYTES);
  slot->original_bytes =
      dead_letter ? static_cast<uint32_t>(load_at<int64_t>(bytes + RECORD_FIRST_ID))
                  : slot->value_bytes;
  slot->key_offset = load_at<uint16_t>(bytes + RECORD_KEY_OFFSET);
  slot->key_bytes = load_at<uint16_t>(bytes + RECORD_KEY_BYTES);
  slot->ring = ring;
  slot->detail = static_cast<int16_t>(load_at<uint32_t>(bytes + RECORD_DETAIL));
  slot->type = bytes[RECORD_TYPE];
  slot->source = bytes[RECORD_SOURCE];
  slot->flags = static_cast<uint8_t>(load_at<uint16_t>(bytes + RECORD_FLAGS));
  slot->kind = dead_letter ? Kind::dead_letter : Kind::record;
  slot->suspect = false;
  return slot;
}

// Frees the batch in the ring. False when another owner has taken over: it finds the batch
// complete.
bool Producer::release_batch(RingState& state) {
  if (state.ring.consumer_epoch() != epoch_) return false;
  std::lock_guard<std::mutex> lock(state_mutex_);
  state.ring.store_consumer(state.end);
  state.active = false;
  state.handed_records = 0;
  state.handed_dead_letters = 0;
  counters_.add(KAFKA_BATCHES, 1);
  return true;
}

bool Producer::pending_definition(const void* owner, uint32_t ring, Definition* definition) {
  std::lock_guard<std::mutex> worker(worker_mutex_);
  if (owner_ != owner || ring >= rings_.size()) return false;
  RingState& state = *rings_[ring];
  if (!state.attached || !state.at_definition || state.active) return false;
  const uint8_t* bytes = state.ring.data() + (state.ring.load_consumer() & state.ring.mask());
  definition->stream_index = load_at<uint32_t>(bytes + RECORD_STREAM_INDEX);
  definition->json.assign(reinterpret_cast<const char*>(bytes + RECORD_HEADER_BYTES),
                          load_at<uint32_t>(bytes + RECORD_VALUE_BYTES));
  return true;
}

bool Producer::define_stream(const void* owner, uint32_t ring, uint32_t stream_index,
                             const std::string& topic, int32_t partition,
                             const std::string& dead_letter_topic) {
  std::lock_guard<std::mutex> worker(worker_mutex_);
  if (owner_ != owner || ring >= rings_.size() || stream_index >= STREAMS_MAX) return false;
  RingState& state = *rings_[ring];
  if (!state.attached || !state.at_definition || state.active) return false;
  if (state.ring.consumer_epoch() != epoch_) return false;
  const uint32_t cursor = state.ring.load_consumer();
  const uint8_t* bytes = state.ring.data() + (cursor & state.ring.mask());
  if (load_at<uint32_t>(bytes + RECORD_STREAM_INDEX) != stream_index) return false;
  {
    std::lock_guard<std::mutex> lock(state_mutex_);
    if (stream_index >= state.streams.size()) state.streams.resize(stream_index + 1);
    state.streams[stream_index] = {group_of(topic, partition),
                                   group_of(dead_letter_topic, RD_KAFKA_PARTITION_UA)};
  }
  state.at_definition = false;
  state.ring.store_consumer(cursor + load_at<uint32_t>(bytes + RECORD_SIZE));
  return true;
}

}  // namespace sluice
