// Frames of Binance spot → staged entries. Precedence of what can be wrong with a frame, the same in the
// twin: not JSON; then the first fault in document order, of an element in the order kind, keys twice,
// keys missing, symbol, interval, stream, fields; then the stream table; then the size.
#pragma once
#include <cstdint>

#include "json_walk.h"
#include "record_stage.h"
#include "spot_fields.h"
#include "stream_table.h"

namespace sluice {

struct Frame {
  const char* payload;
  uint32_t payload_bytes;
  const char* name;  // stream name beside the payload, not inside it
  uint32_t name_bytes;
  double received_us;
  uint8_t exchange;
  uint8_t source;
  const char* exchange_name;
};

enum class Outcome : uint8_t { parsed, ignored, dead };

class SpotParser {
 public:
  SpotParser() : walker_(this) {}
  ~SpotParser() { std::free(scratch_); }
  SpotParser(const SpotParser&) = delete;
  SpotParser& operator=(const SpotParser&) = delete;

  bool reserve(uint32_t frame_bytes_max, uint32_t streams_max) {
    scratch_ = static_cast<char*>(std::malloc(size_t{frame_bytes_max} + 2 * VALUE_BYTES_MAX));
    return scratch_ != nullptr && walker_.reserve(frame_bytes_max) &&
           streams_.reserve(streams_max) &&
           parser_.allocate(frame_bytes_max < 64 ? 64 : frame_bytes_max) == simdjson::SUCCESS;
  }

  uint32_t streams() const { return streams_.count(); }
  // Streams that a frame taken back had defined.
  void forget_streams(uint32_t count) { streams_.truncate(count); }

  // Stages the frame's entries. `dead` gives the reason; nothing then is to be kept of what was staged.
  Outcome parse(const Frame& frame, RecordStage& stage, DeadLetterReason* reason) {
    frame_ = &frame;
    stage_ = &stage;
    reason_ = DeadLetterReason{};
    too_many_ = false;
    frame_part_bytes_ = 0;
    const Outcome outcome = document();
    if (outcome != Outcome::parsed) {
      *reason = reason_;
      return outcome;
    }
    if (reason_ == DeadLetterReason{} && too_many_) reason_ = DeadLetterReason::too_many_streams;
    if (reason_ == DeadLetterReason{} && stage.oversized()) reason_ = DeadLetterReason::oversized;
    *reason = reason_;
    return reason_ == DeadLetterReason{} ? Outcome::parsed : Outcome::dead;
  }

  // Called by the walker for the objects of an array, in order, before the document's end is seen.
  void element(const Bag& bag) {
    if (reason_ != DeadLetterReason{} || !begin_array()) return;
    const Spot kind = identify(bag);
    if (kind == Spot::unknown) return;
    if (kind == Spot::serverShutdown) return fail(DeadLetterReason::unknown_type);
    message(kind, bag, walker_.payload_kline);
  }
  void odd_element() {
    if (begin_array()) fail(DeadLetterReason::unexpected_shape);
  }

 private:
  void fail(DeadLetterReason reason) {
    if (reason_ == DeadLetterReason{}) reason_ = reason;
  }
  Outcome dead(DeadLetterReason reason) {
    reason_ = reason;
    return Outcome::dead;
  }

  Outcome document();
  Outcome root_object(od::document& doc);
  Outcome root_array(od::document& doc);
  Outcome root_scalar();
  Outcome combined(od::document& doc);
  bool read_name(const Token& token);
  bool begin_array();
  Spot identify(const Bag& bag);
  void message(Spot kind, const Bag& bag, const Bag& kline);
  bool complete(Spot kind, const Bag& bag, const Bag& kline);
  bool read_symbol(Spot kind, const Bag& bag, const Bag& kline, StreamKey* key);
  bool read_interval(const Bag& kline, StreamKey* key);
  int32_t define(Spot kind, const StreamKey& key, uint32_t hash);
  void write_frame_part();

  od::parser parser_;
  Walker<SpotParser> walker_;
  StreamTable streams_;
  char* scratch_ = nullptr;

  const Frame* frame_ = nullptr;
  RecordStage* stage_ = nullptr;
  DeadLetterReason reason_{};
  bool too_many_ = false;
  bool in_object_ = false;  // the document is an object
  bool array_begun_ = false;
  const char* name_ = nullptr;
  uint32_t name_bytes_ = 0;
  char name_room_[TEXT_BYTES_MAX + 16];
  char symbol_room_[TEXT_BYTES_MAX + 16];
  char interval_room_[TEXT_BYTES_MAX + 16];
  char kline_symbol_room_[TEXT_BYTES_MAX + 16];
  char frame_part_[96];
  uint32_t frame_part_bytes_ = 0;
};

}  // namespace sluice

#include "spot_document.h"
#include "spot_message.h"
