// libFuzzer target: one frame through the kernel core, outside Node. Whatever the bytes are: no sanitizer
// report, no read beyond the 64 bytes that a payload may be followed by, a verdict that agrees with a
// strict JSON reader, and only records that are well formed and say what the frame says.
//
// An input is the frame. If it begins with byte 0x01, the next byte is the length of a stream name that
// stands beside the frame, then the name, then the frame.
#include <sanitizer/asan_interface.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

#include "kernel_core.h"
#include "strict_json.h"

namespace {

using namespace sluice;

constexpr uint32_t FRAME_BYTES = 1u << 18;
constexpr uint32_t RECORD_BYTES = 1u << 20;
constexpr uint32_t STREAMS = 64;
constexpr double RECEIVED_US = 1'789'964'483'614'000.0;

[[noreturn]] void found(const char* what) {
  std::fprintf(stderr, "finding: %s\n", what);
  std::abort();
}
void require(bool condition, const char* what) {
  if (!condition) found(what);
}

uint8_t* create_ring(uint32_t capacity, uint32_t kind) {
  const size_t bytes = size_t{RING_HEADER_BYTES} + capacity + RING_SLACK_BYTES;
  auto* ring = static_cast<uint8_t*>(std::aligned_alloc(128, bytes));
  std::memset(ring, 0, bytes);
  store_at<uint32_t>(ring + OFFSET_MAGIC, RING_MAGIC);
  store_at<uint32_t>(ring + OFFSET_VERSION, RING_LAYOUT_VERSION);
  store_at<uint32_t>(ring + OFFSET_CAPACITY, capacity);
  store_at<uint32_t>(ring + OFFSET_KIND, kind);
  return ring;
}

class Target {
 public:
  Target() : frame_memory_(create_ring(FRAME_BYTES, RING_KIND_FRAME)),
             record_memory_(create_ring(RECORD_BYTES, RING_KIND_RECORD)) {
    frames_.attach(frame_memory_, total(FRAME_BYTES), RING_KIND_FRAME);
    records_.attach(record_memory_, total(RECORD_BYTES), RING_KIND_RECORD);
    writer_.attach(frames_, 0);
    reader_.attach(records_, 0);
    open();
  }

  void frame(const uint8_t* data, size_t size) {
    std::string name;
    if (size >= 2 && data[0] == 1) {
      const size_t bytes = data[1] < size - 2 ? data[1] : size - 2;
      name.assign(reinterpret_cast<const char*>(data + 2), bytes);
      data += 2 + bytes;
      size -= 2 + bytes;
    }
    if (size > FRAME_BYTES / 4 - 512) return;
    // Names come out of an encoder and are valid UTF-8; a wrong one would reach no record anyway.
    strict::Value ignored;
    const std::string quoted = '"' + name + '"';
    strict::Reader named(reinterpret_cast<const uint8_t*>(quoted.data()), quoted.size(), 1);
    if (!name.empty() && !named.document(&ignored)) name.clear();
    put(data, size, name);
    const double before[3] = {counters_[PARSER_FRAMES_PARSED], counters_[PARSER_FRAMES_IGNORED],
                              counters_[PARSER_FRAMES_DEAD_LETTERED]};
    require(kernel_->parse(1) == 1, "the frame was not taken");
    ASAN_UNPOISON_MEMORY_REGION(frames_.data(), FRAME_BYTES + RING_SLACK_BYTES);
    const bool parsed = counters_[PARSER_FRAMES_PARSED] == before[0] + 1;
    const bool was_ignored = counters_[PARSER_FRAMES_IGNORED] == before[1] + 1;
    const bool dead = counters_[PARSER_FRAMES_DEAD_LETTERED] == before[2] + 1;
    require(parsed + was_ignored + dead == 1, "the frame is not accounted for once");
    strict::Value document;
    const bool valid = strict::Reader(data, size, JSON_DEPTH_MAX).document(&document);
    check_entries(data, size, dead, valid, document);
    if (kernel_streams() >= STREAMS - 8) open();
  }

 private:
  static size_t total(uint32_t capacity) {
    return size_t{RING_HEADER_BYTES} + capacity + RING_SLACK_BYTES;
  }

  void open() {
    delete kernel_;
    kernel_ = new Kernel();
    std::memset(counters_, 0, sizeof counters_);
    const KernelOptions options = {frame_memory_,  total(FRAME_BYTES), record_memory_,
                                   total(RECORD_BYTES), counters_,     PARSER_COUNTER_WORDS,
                                   activity_,      STREAMS * ACTIVITY_WORDS, {"binance"}, 0};
    require(kernel_->open(options) == KernelError::none, "the kernel did not open");
  }
  double kernel_streams() const { return counters_[PARSER_STREAMS_DEFINED]; }

  void put(const uint8_t* data, size_t size, const std::string& name) {
    uint8_t* entry = nullptr;
    const auto bytes = static_cast<uint32_t>(FRAME_HEADER_BYTES + size + name.size());
    uint8_t* const pad = frames_.data() + (writer_.staged() & frames_.mask());
    require(writer_.claim(bytes, &entry) == RingWriter::Claim::ok, "the frame ring is full");
    std::memset(entry, 0, FRAME_HEADER_BYTES);
    store_at<uint32_t>(entry + FRAME_SIZE, align8(bytes));
    store_at<uint32_t>(entry + FRAME_PAYLOAD_BYTES, static_cast<uint32_t>(size));
    store_at<double>(entry + FRAME_RECEIVED_TIME, RECEIVED_US);
    store_at<uint32_t>(entry + FRAME_NAME_BYTES, static_cast<uint32_t>(name.size()));
    store_at<uint32_t>(entry + FRAME_ORIGINAL_BYTES, static_cast<uint32_t>(size));
    if (size > 0) std::memcpy(entry + FRAME_HEADER_BYTES, data, size);
    std::memcpy(entry + FRAME_HEADER_BYTES + size, name.data(), name.size());
    // Nothing but 64 bytes may be read beyond the entry.
    uint8_t* const end = entry + align8(bytes) + 64;
    uint8_t* const ring_end = frames_.data() + FRAME_BYTES + RING_SLACK_BYTES;
    if (end < ring_end) {
      ASAN_POISON_MEMORY_REGION(end, static_cast<size_t>(ring_end - end));
    }
    ASAN_UNPOISON_MEMORY_REGION(pad, 8);
    require(writer_.publish(), "the frame ring has another owner");
  }

  void check_entries(const uint8_t* data, size_t size, bool dead, bool valid,
                     const strict::Value& document) {
    std::set<std::string> strings;
    std::set<std::string> numbers;
    collect(document, &strings, &numbers);
    bool said_dead = false;
    bool said_invalid = false;
    while (uint8_t* entry = reader_.peek()) {
      const uint32_t bytes = load_at<uint32_t>(entry + RECORD_VALUE_BYTES);
      const uint8_t* const value = entry + RECORD_HEADER_BYTES;
      check_head(entry, bytes);
      const uint8_t type = entry[RECORD_TYPE];
      if (type == ENTRY_DEAD_LETTER) {
        said_dead = true;
        said_invalid = load_at<uint32_t>(entry + RECORD_DETAIL) ==
                       static_cast<uint32_t>(DeadLetterReason::invalid_json);
        require(bytes == size && (size == 0 || std::memcmp(value, data, size) == 0),
                "the dead letter is not the frame");
      } else {
        strict::Value record;
        require(strict::Reader(value, bytes, 4).document(&record), "an entry's value is not JSON");
        require(record.type == strict::Value::Type::object, "an entry's value is no object");
        check_keys(record);
        if (type != ENTRY_STREAM_DEFINITION) check_record(record, strings, numbers);
      }
      reader_.advance(entry);
    }
    reader_.release();
    require(said_dead == dead, "a dead letter is missing or too many");
    require(valid != said_invalid, valid ? "valid JSON was refused" : "invalid JSON was accepted");
  }

  void check_head(const uint8_t* entry, uint32_t bytes) {
    const uint32_t head = crc_detail::update_table(~0u, entry, RECORD_HEADER_CRC);
    require(load_at<uint32_t>(entry + RECORD_HEADER_CRC) == ~head, "the header's CRC is wrong");
    const uint32_t value = crc_detail::update_table(~0u, entry + RECORD_HEADER_BYTES, bytes);
    require(load_at<uint32_t>(entry + RECORD_VALUE_CRC) == ~value, "the value's CRC is wrong");
    require(load_at<uint64_t>(entry + RECORD_SEQUENCE) == sequence_, "the sequence has a hole");
    if (entry[RECORD_TYPE] != ENTRY_STREAM_DEFINITION) sequence_++;
  }

  static void check_keys(const strict::Value& object) {
    std::set<std::string> keys;
    for (const std::string& key : object.keys) {
      require(keys.insert(key).second, "a record has a key twice");
    }
  }

  static void collect(const strict::Value& value, std::set<std::string>* strings,
                      std::set<std::string>* numbers) {
    if (value.type == strict::Value::Type::string) strings->insert(value.text);
    if (value.type == strict::Value::Type::number) numbers->insert(value.text);
    for (const auto& item : value.items) collect(item, strings, numbers);
  }

  // What a record says beyond its head must stand in the frame.
  static void check_record(const strict::Value& record, const std::set<std::string>& strings,
                           const std::set<std::string>& numbers) {
    for (size_t index = 7; index < record.keys.size(); index++) {
      const std::string& key = record.keys[index];
      const strict::Value& value = record.items[index];
      if (key == "side" || key == "window") continue;
      const bool is_time = key.size() >= 4 && key.compare(key.size() - 4, 4, "Time") == 0;
      check_value(value, strings, numbers, is_time || key == "time");
    }
  }

  static void check_value(const strict::Value& value, const std::set<std::string>& strings,
                          const std::set<std::string>& numbers, bool is_time) {
    if (value.type == strict::Value::Type::string) {
      require(strings.count(value.text) == 1, "a string was made up");
    }
    if (value.type == strict::Value::Type::number && !is_time) {
      require(numbers.count(value.text) == 1, "a number was made up");
    }
    for (const auto& item : value.items) check_value(item, strings, numbers, is_time);
  }

  uint8_t* const frame_memory_;
  uint8_t* const record_memory_;
  Ring frames_;
  Ring records_;
  RingWriter writer_;
  RingReader reader_;
  Kernel* kernel_ = nullptr;
  uint64_t sequence_ = 0;
  double counters_[PARSER_COUNTER_WORDS] = {};
  double activity_[STREAMS * ACTIVITY_WORDS] = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Target* const target = new Target();
  target->frame(data, size);
  return 0;
}
