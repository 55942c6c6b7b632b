// SpotParser, second half: from one message to its staged record.
#pragma once
#include "spot_parser.h"

namespace sluice {

inline void SpotParser::message(Spot kind, const Bag& bag, const Bag& kline) {
  StreamKey key = {frame_->exchange, static_cast<uint8_t>(kind), name_, name_bytes_,
                   nullptr, 0, nullptr, 0};
  if (!complete(kind, bag, kline) || !read_symbol(kind, bag, kline, &key) ||
      (kind == Spot::kline && !read_interval(kline, &key))) {
    return;
  }
  const uint32_t hash = StreamTable::hash(key);
  int32_t index = streams_.find(key, hash);
  if (index < 0) {
    if (key.name_bytes > 0 && !fits_stream(kind, key)) {
      return fail(DeadLetterReason::stream_mismatch);
    }
    index = define(kind, key, hash);
  }
  write_frame_part();
  uint32_t bound = VALUE_BYTES_MAX;
  if (kind == Spot::depth || kind == Spot::book) bound += frame_->payload_bytes;
  char* out = index < 0 ? nullptr : stage_->preview_value(bound);
  if (out == nullptr) out = scratch_;
  // Without a place in the table the message is still checked, into nothing.
  const char* const head = index < 0 ? "" : streams_[static_cast<uint32_t>(index)].head;
  const uint32_t head_bytes = index < 0 ? 0 : streams_[static_cast<uint32_t>(index)].head_bytes;
  SpotRenderer renderer(out, head, head_bytes, frame_part_, frame_part_bytes_,
                        frame_->received_us);
  const Rendered value = renderer.render(
      kind, bag, kline, [this](const Levels& levels) { return walker_.level_text(levels); });
  if (value.reason != DeadLetterReason{}) return fail(value.reason);
  if (index < 0) return;
  const Stream& stream = streams_[static_cast<uint32_t>(index)];
  const uint8_t type = static_cast<uint8_t>(spot_kind(kind).type);
  const EntryHead entry = {static_cast<uint32_t>(index),
                           type,
                           frame_->source,
                           static_cast<uint16_t>(value.suspect ? RECORD_FLAG_SUSPECT : 0),
                           value.first_id,
                           value.last_id,
                           value.event_time_us,
                           static_cast<int64_t>(frame_->received_us),
                           stream.key_offset,
                           stream.symbol_bytes,
                           0};
  const bool has_lag =
      value.has_event_time && frame_->source == static_cast<uint8_t>(RecordSource::live);
  const double lag_us = frame_->received_us - static_cast<double>(value.event_time_us);
  stage_->add(entry, out, value.value_bytes,
              {static_cast<uint32_t>(index), type, value.suspect, has_lag, frame_->exchange,
               frame_->received_us, value.mark, lag_us});
}

// Every key the record needs stands there exactly once.
inline bool SpotParser::complete(Spot kind, const Bag& bag, const Bag& kline) {
  const uint64_t needed = spot_kind(kind).needed;
  if ((bag.twice & needed) != 0) {
    fail(DeadLetterReason::duplicate_key);
  } else if ((needed & ~bag.seen) != 0) {
    fail(DeadLetterReason::missing_field);
  } else if (kind == Spot::kline) {
    if (bag['k'].kind != Kind::object) {
      fail(DeadLetterReason::unexpected_shape);
    } else if ((kline.twice & KLINE_KEYS) != 0) {
      fail(DeadLetterReason::duplicate_key);
    } else if ((KLINE_KEYS & ~kline.seen) != 0) {
      fail(DeadLetterReason::missing_field);
    }
  }
  return reason_ == DeadLetterReason{};
}

inline bool SpotParser::read_symbol(Spot kind, const Bag& bag, const Bag& kline, StreamKey* key) {
  const auto failed = [this](DeadLetterReason reason) {
    fail(reason);
    return false;
  };
  if (kind == Spot::book) {
    // Partial depth names its symbol only in the stream's name, in lower case.
    if (name_bytes_ == 0) return failed(DeadLetterReason::no_stream);
    const char* const end = static_cast<const char*>(std::memchr(name_, '@', name_bytes_));
    if (end == nullptr || name_[0] == '!') return failed(DeadLetterReason::stream_mismatch);
    key->symbol_bytes = static_cast<uint32_t>(end - name_);
    if (!valid_symbol(name_, key->symbol_bytes)) return failed(DeadLetterReason::bad_symbol);
    for (uint32_t index = 0; index < key->symbol_bytes; index++) {
      symbol_room_[index] = upper(name_[index]);
    }
    key->symbol = symbol_room_;
    return true;
  }
  const Token& token = bag['s'];
  if (token.kind != Kind::string) return failed(DeadLetterReason::bad_symbol);
  const Text text = decode_text(token, walker_.has_backslash(), symbol_room_);
  if (text.unusable || !valid_symbol(text.at, text.bytes)) {
    return failed(DeadLetterReason::bad_symbol);
  }
  key->symbol = text.at;
  key->symbol_bytes = text.bytes;
  if (kind != Spot::kline) return true;
  const Token& inner = kline['s'];
  if (inner.kind != Kind::string) return failed(DeadLetterReason::bad_symbol);
  const Text same = decode_text(inner, walker_.has_backslash(), kline_symbol_room_);
  if (same.unusable || same.bytes != text.bytes ||
      std::memcmp(same.at, text.at, text.bytes) != 0) {
    return failed(DeadLetterReason::stream_mismatch);
  }
  return true;
}

// `k.i`, and the time zone, which only the stream's name tells.
inline bool SpotParser::read_interval(const Bag& kline, StreamKey* key) {
  const Token& token = kline['i'];
  Text text = {nullptr, 0, true};
  if (token.kind == Kind::string) text = decode_text(token, walker_.has_backslash(), interval_room_);
  if (text.unusable || !valid_interval(text.at, text.bytes)) {
    fail(DeadLetterReason::unexpected_shape);
    return false;
  }
  key->interval = text.at;
  key->interval_bytes = text.bytes;
  if (has_time_zone(name_, name_bytes_)) {
    std::memmove(interval_room_, text.at, text.bytes);
    std::memcpy(interval_room_ + text.bytes, TIME_ZONE_SUFFIX, TIME_ZONE_SUFFIX_BYTES);
    key->interval = interval_room_;
    key->interval_bytes += TIME_ZONE_SUFFIX_BYTES;
  }
  return true;
}

// A stream met for the first time: a place in the table, the head of its records, its definition.
inline int32_t SpotParser::define(Spot kind, const StreamKey& key, uint32_t hash) {
  if (streams_.full()) {
    too_many_ = true;
    return -1;
  }
  const uint32_t index = streams_.count();
  Stream& stream = streams_.add(key, hash);
  const SpotKind& spot = spot_kind(kind);
  const char* const type_name = RecordType_NAMES[static_cast<uint8_t>(spot.type)];
  const auto text = [](char* out, const char* from, size_t bytes) {
    std::memcpy(out, from, bytes);
    return out + bytes;
  };
  const auto literal = [&](char* out, const char* from) {
    return text(out, from, std::strlen(from));
  };
  char* head = literal(stream.head, "{\"v\":1,\"type\":\"");
  head = literal(head, type_name);
  head = literal(head, "\",\"exchange\":\"");
  head = literal(head, frame_->exchange_name);
  head = literal(head, "\",\"symbol\":\"");
  stream.key_offset = static_cast<uint16_t>(head - stream.head);
  head = text(head, key.symbol, key.symbol_bytes);
  head = literal(head, "\",\"eventTime\":");
  stream.head_bytes = static_cast<uint8_t>(head - stream.head);

  // Names that fit a stream hold nothing that JSON would have to escape.
  char definition[640];
  const auto value = [&](char* out, const char* from, size_t bytes) {
    if (bytes == 0) return literal(out, "null");
    *out++ = '"';
    out = text(out, from, bytes);
    *out++ = '"';
    return out;
  };
  char* out = literal(definition, "{\"stream\":");
  out = value(out, key.name, key.name_bytes);
  out = literal(out, ",\"exchange\":");
  out = value(out, frame_->exchange_name, std::strlen(frame_->exchange_name));
  out = literal(out, ",\"type\":");
  out = value(out, type_name, std::strlen(type_name));
  out = literal(out, ",\"symbol\":");
  out = value(out, key.symbol, key.symbol_bytes);
  out = literal(out, ",\"interval\":");
  out = value(out, key.interval, key.interval_bytes);
  out = literal(out, ",\"window\":");
  out = value(out, spot.window, spot.window == nullptr ? 0 : std::strlen(spot.window));
  *out++ = '}';

  EntryHead entry = {};
  entry.stream_index = index;
  entry.type = ENTRY_STREAM_DEFINITION;
  entry.source = frame_->source;
  entry.first_id = -1;
  entry.last_id = -1;
  entry.received_time_us = static_cast<int64_t>(frame_->received_us);
  Effect effect = {};
  effect.stream_index = index;
  effect.type = ENTRY_STREAM_DEFINITION;
  stage_->add(entry, definition, static_cast<uint32_t>(out - definition), effect);
  return static_cast<int32_t>(index);
}

// `,"receivedTime":…,"source":"…",`: the same for all records of a frame.
inline void SpotParser::write_frame_part() {
  if (frame_part_bytes_ > 0) return;
  const auto literal = [](char* out, const char* from) {
    const size_t bytes = std::strlen(from);
    std::memcpy(out, from, bytes);
    return out + bytes;
  };
  char* out = literal(frame_part_, ",\"receivedTime\":");
  out = put_integer(out, static_cast<int64_t>(frame_->received_us));
  out = literal(out, ",\"source\":\"");
  out = literal(out, RecordSource_NAMES[frame_->source]);
  out = literal(out, "\",");
  frame_part_bytes_ = static_cast<uint32_t>(out - frame_part_);
}

}  // namespace sluice
