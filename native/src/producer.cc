// N-API surface of the Kafka producer (src/sinks/kafka/producer-addon.ts is its typed face).
// Context-aware: every thread that loads it gets its own bindings to one process-wide table of
// producers.
#include <napi.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "producer_bindings.h"
#include "producer_core.h"
#include "producer_mock.h"

namespace sluice {
namespace {

std::mutex& table_mutex() {
  static auto* const one = new std::mutex();
  return *one;
}
// Never destroyed: producers are closed by the environment that made them.
std::map<uint32_t, std::shared_ptr<Producer>>& table() {
  static auto* const all = new std::map<uint32_t, std::shared_ptr<Producer>>();
  return *all;
}

std::shared_ptr<Producer> find_producer(uint32_t id) {
  std::lock_guard<std::mutex> lock(table_mutex());
  const auto found = table().find(id);
  return found == table().end() ? nullptr : found->second;
}

uint64_t close_producer(uint32_t id) {
  std::shared_ptr<Producer> producer;
  {
    std::lock_guard<std::mutex> lock(table_mutex());
    const auto found = table().find(id);
    if (found == table().end()) return 0;
    producer = found->second;
    table().erase(found);
  }
  return producer->close();
}

std::shared_ptr<Producer> producer_of(const Napi::CallbackInfo& info) {
  std::shared_ptr<Producer> producer = find_producer(u32(info, 0));
  if (producer == nullptr) fail(info, "SLUICE_INVARIANT", "using Kafka producer: no such handle");
  return producer;
}

// createProducer(properties: string[], counters: Float64Array, headers: 0|1|2, deadLetterTopics:
// string[],
//                pendingBytesMax: number, messageBytesMax: number): number
Napi::Value create_producer(const Napi::CallbackInfo& info) {
  if (!info[0].IsArray() || !info[1].IsTypedArray() || !info[3].IsArray()) {
    return bad_arguments(info);
  }
  if (info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      info[1].As<Napi::TypedArray>().ElementLength() < KAFKA_COUNTER_WORDS) {
    return bad_arguments(info);
  }
  ProducerOptions options;
  const auto properties = info[0].As<Napi::Array>();
  for (uint32_t index = 0; index + 1 < properties.Length(); index += 2) {
    options.properties.emplace_back(properties.Get(index).ToString().Utf8Value(),
                                    properties.Get(index + 1).ToString().Utf8Value());
  }
  const auto counters = info[1].As<Napi::Float64Array>();
  void* words = nullptr;
  if (napi_get_typedarray_info(info.Env(), counters, nullptr, nullptr, &words, nullptr, nullptr) !=
      napi_ok) {
    return bad_arguments(info);
  }
  options.counters = static_cast<double*>(words);
  options.headers = static_cast<Headers>(std::min(u32(info, 2), 2u));
  const auto topics = info[3].As<Napi::Array>();
  for (uint32_t index = 0; index < topics.Length(); index++) {
    options.dead_letter_topics.push_back(topics.Get(index).ToString().Utf8Value());
  }
  options.pending_bytes_max = u32(info, 4);
  options.message_bytes_max = std::max(u32(info, 5), 16384u);
  std::string error;
  std::shared_ptr<Producer> producer = Producer::create(std::move(options), &error);
  if (producer == nullptr) return fail(info, "SLUICE_SINK_CONFIG", error);
  uint32_t id = 0;
  {
    std::lock_guard<std::mutex> lock(table_mutex());
    static uint32_t last = 0;
    id = ++last;
    table()[id] = producer;
  }
  bindings(info)->created[id] = Napi::Persistent(counters);
  return Napi::Number::New(info.Env(), id);
}

// attach(handle, rings: Uint8Array[], epoch): void
Napi::Value attach(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer == nullptr) return info.Env().Undefined();
  if (!info[1].IsArray()) return bad_arguments(info);
  const auto views = info[1].As<Napi::Array>();
  std::vector<Ring> rings;
  std::vector<Napi::Reference<Napi::Uint8Array>> references;
  for (uint32_t index = 0; index < views.Length(); index++) {
    const Napi::Value value = views.Get(index);
    if (!value.IsTypedArray()) return bad_arguments(info);
    void* memory = nullptr;
    size_t bytes = 0;
    if (napi_get_typedarray_info(info.Env(), value, nullptr, &bytes, &memory, nullptr, nullptr) !=
        napi_ok) {
      return bad_arguments(info);
    }
    Ring ring;
    if (!ring.attach(static_cast<uint8_t*>(memory), bytes, RING_KIND_RECORD)) {
      return fail(info, "SLUICE_RING_LAYOUT", "attaching Kafka worker: not a record ring");
    }
    rings.push_back(ring);
    references.push_back(Napi::Persistent(value.As<Napi::Uint8Array>()));
  }
  producer->attach(bindings(info), rings, static_cast<int32_t>(u32(info, 2)));
  bindings(info)->attached[u32(info, 0)] = std::move(references);
  return info.Env().Undefined();
}

Napi::Value produce(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer == nullptr) return info.Env().Undefined();
  return Napi::Number::New(info.Env(),
                           producer->produce(bindings(info), u32(info, 1), u32(info, 2)));
}

// pendingDefinition(handle, ring): {streamIndex, json} | null
Napi::Value pending_definition(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer == nullptr) return info.Env().Undefined();
  Definition definition;
  if (!producer->pending_definition(bindings(info), u32(info, 1), &definition)) {
    return info.Env().Null();
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("streamIndex", definition.stream_index);
  result.Set("json", definition.json);
  return result;
}

// defineStream(handle, ring, streamIndex, topic, partition, deadLetterTopic): boolean
Napi::Value define_stream(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer == nullptr) return info.Env().Undefined();
  if (!info[3].IsString() || !info[4].IsNumber() || !info[5].IsString()) return bad_arguments(info);
  return Napi::Boolean::New(
      info.Env(),
      producer->define_stream(bindings(info), u32(info, 1), u32(info, 2), text(info, 3),
                              info[4].As<Napi::Number>().Int32Value(), text(info, 5)));
}

Napi::Value topic_ready(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer != nullptr) producer->topic_ready(text(info, 1));
  return info.Env().Undefined();
}

Napi::Value topic_failed(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer != nullptr) producer->topic_failed(text(info, 1));
  return info.Env().Undefined();
}

Napi::Value snapshot(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer == nullptr) return info.Env().Undefined();
  const Snapshot view = producer->snapshot();
  Napi::Object result = Napi::Object::New(info.Env());
  const auto set = [&result](const char* name, uint64_t value) {
    result.Set(name, static_cast<double>(value));
  };
  result.Set("recordsTaken", view.records_taken);
  result.Set("recordsDelivered", view.records_delivered);
  result.Set("recordsRejected", view.records_rejected);
  result.Set("recordsLost", view.records_lost);
  result.Set("deadLettersTaken", view.dead_letters_taken);
  result.Set("deadLettersDelivered", view.dead_letters_delivered);
  result.Set("deadLettersLost", view.dead_letters_lost);
  set("inFlight", view.records_in_flight);
  set("deadLettersInFlight", view.dead_letters_in_flight);
  set("handedInRing", view.records_handed_in_ring);
  set("deadLettersHandedInRing", view.dead_letters_handed_in_ring);
  set("pending", view.pending);
  set("pendingBytes", view.pending_bytes);
  set("queueMessages", view.queue_messages);
  set("queueBytes", view.queue_bytes);
  set("clients", view.clients);
  set("possibleDuplicates", view.possible_duplicates);
  set("unknownReports", view.unknown_reports);
  set("sequenceBreaks", view.sequence_breaks);
  result.Set("fatal", view.fatal);
  result.Set("allBrokersDown", view.all_brokers_down);
  if (view.last_error.empty()) {
    result.Set("lastError", info.Env().Null());
  } else {
    result.Set("lastError", view.last_error);
  }
  Napi::Array missing = Napi::Array::New(info.Env());
  for (size_t index = 0; index < view.missing_topics.size(); index++) {
    missing.Set(static_cast<uint32_t>(index), view.missing_topics[index]);
  }
  result.Set("missingTopics", missing);
  Napi::Array settled = Napi::Array::New(info.Env());
  for (size_t index = 0; index < view.settled_through.size(); index++) {
    settled.Set(static_cast<uint32_t>(index), static_cast<double>(view.settled_through[index]));
  }
  result.Set("settledThrough", settled);
  return result;
}

// audit(handle): [records, deadLetters] in flight, counted by a walk
Napi::Value audit(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer == nullptr) return info.Env().Undefined();
  const auto [records, dead_letters] = producer->audit();
  Napi::Array result = Napi::Array::New(info.Env(), 2);
  result.Set(0u, static_cast<double>(records));
  result.Set(1u, static_cast<double>(dead_letters));
  return result;
}

Napi::Value take_events(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer == nullptr) return info.Env().Undefined();
  Napi::Array result = Napi::Array::New(info.Env());
  uint32_t index = 0;
  for (const ProducerEvent& event : producer->take_events()) {
    Napi::Object item = Napi::Object::New(info.Env());
    item.Set("level", event.level);
    item.Set("kind", event.kind);
    item.Set("code", event.code);
    item.Set("message", event.message);
    result.Set(index++, item);
  }
  return result;
}

Napi::Value statistics(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer == nullptr) return info.Env().Undefined();
  return Napi::String::New(info.Env(), producer->statistics());
}

// close(handle): entries that were still in flight
Napi::Value close(const Napi::CallbackInfo& info) {
  const uint32_t id = u32(info, 0);
  const uint64_t left = close_producer(id);
  bindings(info)->created.erase(id);
  return Napi::Number::New(info.Env(), static_cast<double>(left));
}

Napi::Value inject_fatal(const Napi::CallbackInfo& info) {
  const auto producer = producer_of(info);
  if (producer != nullptr) producer->inject_fatal(static_cast<rd_kafka_resp_err_t>(u32(info, 1)));
  return info.Env().Undefined();
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  // A wrong run path silently finds the system's library; that one has other structures and other
  // faults.
  if (rd_kafka_version() != RD_KAFKA_VERSION) {
    char message[160];
    std::snprintf(message, sizeof message,
                  "loading producer addon: built for librdkafka %08x, found %s (%08x)",
                  static_cast<unsigned>(RD_KAFKA_VERSION), rd_kafka_version_str(),
                  static_cast<unsigned>(rd_kafka_version()));
    Napi::Error error = Napi::Error::New(env, message);
    error.Set("code", Napi::String::New(env, "SLUICE_NATIVE_MISMATCH"));
    error.ThrowAsJavaScriptException();
    return exports;
  }
  env.SetInstanceData(new Bindings());
  exports.Set("librdkafkaVersion", Napi::String::New(env, rd_kafka_version_str()));
  exports.Set("layoutVersion", Napi::Number::New(env, RING_LAYOUT_VERSION));
  const auto add = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, call, name));
  };
  add("createProducer", create_producer);
  add("attach", attach);
  add("produce", produce);
  add("pendingDefinition", pending_definition);
  add("defineStream", define_stream);
  add("topicReady", topic_ready);
  add("topicFailed", topic_failed);
  add("snapshot", snapshot);
  add("audit", audit);
  add("takeEvents", take_events);
  add("statistics", statistics);
  add("close", close);
  add("injectFatal", inject_fatal);
  add_mock_functions(env, exports);
  return exports;
}

}  // namespace

Bindings::~Bindings() {
  {
    std::lock_guard<std::mutex> lock(table_mutex());
    for (auto& [id, producer] : table()) producer->detach(this);
  }
  for (const auto& [id, counters] : created) close_producer(id);
  for (const uint32_t id : clusters) mock_stop(id);
}

}  // namespace sluice

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return sluice::init(env, exports); }
NODE_API_MODULE(producer, Init)
