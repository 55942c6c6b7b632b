// SpotParser, first half: from the document to the messages in it.
#pragma once
#include "spot_parser.h"

namespace sluice {

inline Outcome SpotParser::document() {
  const char* const payload = frame_->payload;
  const uint32_t bytes = frame_->payload_bytes;
  uint32_t first = 0;
  while (first < bytes && is_space(payload[first])) first++;
  // Nothing, or a byte order mark, which is no part of JSON.
  if (first == bytes || payload[first] == '\xef') return dead(DeadLetterReason::invalid_json);
  name_ = frame_->name;
  name_bytes_ = frame_->name_bytes;
  array_begun_ = false;
  in_object_ = payload[first] == '{';
  walker_.begin(payload + bytes, std::memchr(payload, '\\', bytes) != nullptr);
  od::document doc;
  const simdjson::padded_string_view text(payload, bytes, size_t{bytes} + 64);
  if (parser_.iterate(text).get(doc) != simdjson::SUCCESS) {
    return dead(DeadLetterReason::invalid_json);
  }
  if (in_object_) return root_object(doc);
  return payload[first] == '[' ? root_array(doc) : root_scalar();
}

// A lone scalar may be JSON but is no message.
inline Outcome SpotParser::root_scalar() {
  const char* at = frame_->payload;
  const char* end = at + frame_->payload_bytes;
  while (is_space(*at)) at++;
  while (is_space(end[-1])) end--;
  const uint32_t bytes = static_cast<uint32_t>(end - at);
  bool valid = false;
  if (*at == '"') {
    uint32_t index = 1;
    while (index < bytes && at[index] != '"') {
      const uint32_t step = at[index] == '\\' ? escape_bytes(at + index, end) : 1;
      if (step == 0) return dead(DeadLetterReason::invalid_json);
      index += step;
    }
    valid = index + 1 == bytes;
  } else {
    Token token;
    valid = read_plain_scalar(at, bytes, &token);
  }
  return dead(valid ? DeadLetterReason::unexpected_shape : DeadLetterReason::invalid_json);
}

inline Outcome SpotParser::root_array(od::document& doc) {
  od::array array;
  if (doc.get_array().get(array) != simdjson::SUCCESS || !walker_.elements(array, 1) ||
      !doc.at_end()) {
    return dead(DeadLetterReason::invalid_json);
  }
  begin_array();
  return Outcome::parsed;
}

inline Outcome SpotParser::root_object(od::document& doc) {
  od::object object;
  Bag& root = walker_.root;
  if (doc.get_object().get(object) != simdjson::SUCCESS ||
      !walker_.object(object, root, Level::root, 1) || !doc.at_end()) {
    return dead(DeadLetterReason::invalid_json);
  }
  if (root.has(SLOT_STREAM) && root.has(SLOT_DATA)) return combined(doc);
  const Spot kind = identify(root);
  if (kind == Spot::serverShutdown) return Outcome::ignored;
  if (kind == Spot::unknown) {
    // Answers to our own requests, errors among them, name no event and no book.
    const bool control = reason_ == DeadLetterReason::missing_field &&
                         ((root.has(SLOT_RESULT) && root.has(SLOT_ID)) || root.has(SLOT_ERROR) ||
                          (root.has(SLOT_CODE) && root.has(SLOT_MSG)));
    return control ? Outcome::ignored : Outcome::dead;
  }
  if (is_array_stream(name_, name_bytes_)) return dead(DeadLetterReason::unexpected_shape);
  message(kind, root, walker_.root_kline);
  return Outcome::parsed;
}

// {"stream":S,"data":D}, in either order.
inline Outcome SpotParser::combined(od::document& doc) {
  Bag& root = walker_.root;
  if ((root.twice & (bit_of(SLOT_STREAM) | bit_of(SLOT_DATA))) != 0) {
    return dead(DeadLetterReason::duplicate_key);
  }
  const Kind shape = root.tokens[SLOT_DATA].kind;
  if (shape == Kind::array) {
    if (!walker_.elements_walked()) {
      // `data` stood before `stream`, so its elements could not be named yet: once more, now that
      // the name's token is known. The document has been checked, so this walk cannot fail.
      walker_.begin_second_walk();
      doc.rewind();
      od::object object;
      if (doc.get_object().get(object) != simdjson::SUCCESS ||
          !walker_.object(object, root, Level::root, 1)) {
        return dead(DeadLetterReason::invalid_json);
      }
    }
    begin_array();
    return Outcome::parsed;
  }
  if (!read_name(root.tokens[SLOT_STREAM])) return Outcome::dead;
  if (shape != Kind::object) return dead(DeadLetterReason::unexpected_shape);
  const Spot kind = identify(walker_.payload);
  if (kind == Spot::serverShutdown) return Outcome::ignored;
  if (kind == Spot::unknown) return Outcome::dead;
  if (is_array_stream(name_, name_bytes_)) return dead(DeadLetterReason::unexpected_shape);
  message(kind, walker_.payload, walker_.payload_kline);
  return Outcome::parsed;
}

// The wrapper's stream name; it must not contradict one given beside the frame.
inline bool SpotParser::read_name(const Token& token) {
  if (token.kind != Kind::string) {
    fail(DeadLetterReason::unexpected_shape);
    return false;
  }
  const Text text = decode_text(token, walker_.has_backslash(), name_room_);
  if (text.unusable || text.bytes == 0 ||
      (frame_->name_bytes > 0 && (frame_->name_bytes != text.bytes ||
                                  std::memcmp(frame_->name, text.at, text.bytes) != 0))) {
    fail(DeadLetterReason::stream_mismatch);
    return false;
  }
  name_ = text.at;
  name_bytes_ = text.bytes;
  return true;
}

// Before the first element, and once for an empty array. False when the frame has already failed.
inline bool SpotParser::begin_array() {
  if (!array_begun_) {
    array_begun_ = true;
    // Tokens of a bag outlive its clearing: on the second walk `stream` is still the first one's.
    if (in_object_ && !read_name(walker_.root.tokens[SLOT_STREAM])) return false;
    if (name_bytes_ > 0 && !is_array_stream(name_, name_bytes_)) {
      fail(DeadLetterReason::unexpected_shape);
    }
  }
  return reason_ == DeadLetterReason{};
}

inline Spot SpotParser::identify(const Bag& bag) {
  if (!bag.has(slot_of('e'))) {
    // Two messages name no event: partial depth and bookTicker.
    if (bag.has(SLOT_LAST_UPDATE_ID)) return Spot::book;
    if (bag.has(slot_of('u'))) return Spot::bookTicker;
    fail(DeadLetterReason::missing_field);
    return Spot::unknown;
  }
  const Token& event = bag['e'];
  if ((bag.twice & bit_of(slot_of('e'))) != 0) {
    fail(DeadLetterReason::duplicate_key);
    return Spot::unknown;
  }
  if (event.kind != Kind::string) {
    fail(DeadLetterReason::unexpected_shape);
    return Spot::unknown;
  }
  char room[TEXT_BYTES_MAX + 16];
  const Text text = decode_text(event, walker_.has_backslash(), room);
  const Spot kind = text.unusable ? Spot::unknown : spot_of_event(text.at, text.bytes);
  if (kind == Spot::unknown) fail(DeadLetterReason::unknown_type);
  return kind;
}

}  // namespace sluice
