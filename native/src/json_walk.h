// One pass over a frame with simdjson On-Demand. On-Demand checks only what is visited, so everything is
// visited: known keys of the objects that can matter go into a bag, all other values are checked and
// left. Nothing is decided here but whether the document is JSON; the bags are judged afterwards.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "decimal.h"
#include "json_bag.h"
#include "json_token.h"
#include "layout.h"
#include "simdjson_unit.h"

namespace sluice {

namespace od = simdjson::ondemand;

// Containers inside containers; a deeper document counts as invalid.
constexpr uint32_t JSON_DEPTH_MAX = 64;

enum class Level : uint8_t { root, payload, kline };

// `Elements::element(Bag&)` is called for each object of the payload's array, in order.
template <typename Elements>
class Walker {
 public:
  explicit Walker(Elements* elements) : elements_(elements) {}
  ~Walker() { std::free(level_text_); }
  Walker(const Walker&) = delete;
  Walker& operator=(const Walker&) = delete;

  // Levels are never longer than the frame they come from.
  bool reserve(uint32_t frame_bytes) {
    level_text_ = static_cast<char*>(std::malloc(size_t{frame_bytes} + 256));
    return level_text_ != nullptr;
  }

  void begin(const char* end, bool has_backslash) {
    end_ = end;
    has_backslash_ = has_backslash;
    level_bytes_ = 0;
    stream_known_ = false;
    elements_walked_ = false;
  }
  // The `stream` key is known to exist: elements of `data` are now handed out when they are met.
  void begin_second_walk() {
    stream_known_ = true;
    level_bytes_ = 0;
  }
  bool has_backslash() const { return has_backslash_; }
  bool elements_walked() const { return elements_walked_; }

  bool object(od::object object, Bag& bag, Level level, uint32_t depth) {
    uint64_t seen = 0;
    uint64_t twice = 0;
    bag.clear();
    for (auto result : object) {
      if (result.error() != simdjson::SUCCESS) return false;
      od::field& field = result.value_unsafe();
      const std::string_view key = field.key_raw_json_token();
      uint8_t slot = SLOT_UNKNOWN;
      if (!inside(key)) return false;
      if (key.size() == 3) {
        slot = slot_of_name(key.data() + 1, 1);
      } else if (!read_key(key, &slot)) {
        return false;
      }
      // Straight into the bag: building the token elsewhere and copying it stalls on the stores. What
      // is unknown lands in slot 0, which nobody asks for.
      if (!value(field.value(), bag, slot, level, depth, &bag.tokens[slot])) return false;
      const uint64_t bit = bit_of(slot);
      twice |= seen & bit;
      seen |= bit;
      if (slot == SLOT_STREAM && level == Level::root) stream_known_ = true;
    }
    bag.seen = seen;
    bag.twice = twice;
    return true;
  }

  bool elements(od::array array, uint32_t depth) {
    elements_walked_ = true;
    for (auto result : array) {
      if (result.error() != simdjson::SUCCESS) return false;
      od::value& value = result.value_unsafe();
      level_bytes_ = 0;
      const std::string_view raw = value.raw_json_token();
      if (!inside(raw)) return false;
      if (raw[0] == '{') {
        od::object object;
        if (depth + 1 > JSON_DEPTH_MAX || value.get_object().get(object) != simdjson::SUCCESS ||
            !this->object(object, payload, Level::payload, depth + 1)) {
          return false;
        }
        elements_->element(payload);
      } else {
        Token token;
        if (!skip(value, depth, &token)) return false;
        elements_->odd_element();
      }
    }
    return true;
  }

  const char* level_text(const Levels& levels) const { return level_text_ + levels.offset; }

  Bag root;
  Bag payload;
  // The object under `k` of the root and of the payload: a stray `k` beside `data` must not replace it.
  Bag root_kline;
  Bag payload_kline;

 private:
  // Of a document that breaks off, On-Demand hands out tokens that lie behind the payload, with lengths
  // of zero or near 2^32: nothing there is read.
  bool inside(std::string_view raw) const {
    return raw.data() < end_ && raw.size() - 1 < static_cast<size_t>(end_ - raw.data());
  }

  bool read_key(std::string_view key, uint8_t* slot) {
    while (is_space(key.back())) key.remove_suffix(1);
    if (key.size() < 2 || key.back() != '"') return false;
    Token token = {key.data() + 1, static_cast<uint32_t>(key.size() - 2), Kind::string, 0};
    if (has_backslash_) {
      if (!valid_escapes(token.at, token.bytes)) return false;
      char room[TEXT_BYTES_MAX + 16];
      const Text text = decode_text(token, true, room);
      *slot = text.unusable ? SLOT_UNKNOWN : slot_of_name(text.at, text.bytes);
      return true;
    }
    *slot = slot_of_name(token.at, token.bytes);
    return true;
  }

  bool scalar(od::value& value, std::string_view raw, Token* token) {
    while (is_space(raw.back())) raw.remove_suffix(1);
    const uint32_t bytes = static_cast<uint32_t>(raw.size());
    if (raw[0] != '"') return read_plain_scalar(raw.data(), bytes, token);
    if (bytes < 2 || raw.back() != '"' ||
        value.get_raw_json_string().error() != simdjson::SUCCESS) {
      return false;
    }
    token->at = raw.data() + 1;
    token->bytes = bytes - 2;
    token->kind = Kind::string;
    return !has_backslash_ || valid_escapes(token->at, token->bytes);
  }

  // Any value whose content does not matter: checked to the bottom.
  bool skip(od::value& value, uint32_t depth, Token* token) {
    const std::string_view raw = value.raw_json_token();
    if (!inside(raw)) return false;
    if (raw[0] == '{') {
      token->kind = Kind::object;
      od::object object;
      if (depth + 1 > JSON_DEPTH_MAX || value.get_object().get(object) != simdjson::SUCCESS) {
        return false;
      }
      for (auto result : object) {
        if (result.error() != simdjson::SUCCESS) return false;
        od::field& field = result.value_unsafe();
        uint8_t slot;
        Token inner;
        const std::string_view key = field.key_raw_json_token();
        if (!inside(key) || !read_key(key, &slot) ||
            !skip(field.value(), depth + 1, &inner)) {
          return false;
        }
      }
      return true;
    }
    if (raw[0] == '[') {
      token->kind = Kind::array;
      od::array array;
      if (depth + 1 > JSON_DEPTH_MAX || value.get_array().get(array) != simdjson::SUCCESS) {
        return false;
      }
      for (auto result : array) {
        Token inner;
        if (result.error() != simdjson::SUCCESS ||
            !skip(result.value_unsafe(), depth + 1, &inner)) {
          return false;
        }
      }
      return true;
    }
    return scalar(value, raw, token);
  }

  bool value(od::value& value, Bag& bag, uint8_t slot, Level level, uint32_t depth, Token* token) {
    const std::string_view raw = value.raw_json_token();
    if (!inside(raw)) return false;
    if (raw[0] == '{') {
      Bag* into = nullptr;
      Level inner = Level::kline;
      if (slot == slot_of('k') && level == Level::root) into = &root_kline;
      if (slot == slot_of('k') && level == Level::payload) into = &payload_kline;
      if (slot == SLOT_DATA && level == Level::root) {
        into = &payload;
        inner = Level::payload;
      }
      if (into == nullptr) return skip(value, depth, token);
      token->kind = Kind::object;
      od::object object;
      return depth + 1 <= JSON_DEPTH_MAX && value.get_object().get(object) == simdjson::SUCCESS &&
             this->object(object, *into, inner, depth + 1);
    }
    if (raw[0] == '[' && level != Level::kline) {
      const bool bids = slot == slot_of('b') || slot == SLOT_BIDS;
      const bool asks = slot == slot_of('a') || slot == SLOT_ASKS;
      const bool data = slot == SLOT_DATA && level == Level::root && stream_known_;
      if (!bids && !asks && !data) return skip(value, depth, token);
      token->kind = Kind::array;
      od::array array;
      if (depth + 1 > JSON_DEPTH_MAX || value.get_array().get(array) != simdjson::SUCCESS) {
        return false;
      }
      if (data) return elements(array, depth + 1);
      return read_levels(array, bag.levels[asks ? 1 : 0], depth + 1);
    }
    if (raw[0] == '[') return skip(value, depth, token);
    return scalar(value, raw, token);
  }

  bool read_levels(od::array array, Levels& levels, uint32_t depth) {
    levels = {level_bytes_, 0, DeadLetterReason{}, false};
    for (auto result : array) {
      if (result.error() != simdjson::SUCCESS) return false;
      od::value& value = result.value_unsafe();
      od::array pair;
      Token token;
      const std::string_view raw = value.raw_json_token();
      if (!inside(raw)) return false;
      if (raw[0] != '[') {
        if (!skip(value, depth, &token)) return false;
        note(levels, DeadLetterReason::unexpected_shape);
      } else if (depth + 1 > JSON_DEPTH_MAX || value.get_array().get(pair) != simdjson::SUCCESS ||
                 !read_pair(pair, levels, depth + 1)) {
        return false;
      }
    }
    // The comma after the last level goes.
    levels.bytes = level_bytes_ > levels.offset ? level_bytes_ - levels.offset - 1 : 0;
    return true;
  }

  bool read_pair(od::array pair, Levels& levels, uint32_t depth) {
    char* out = level_text_ + level_bytes_;
    *out++ = '[';
    uint32_t count = 0;
    for (auto result : pair) {
      Token token;
      if (result.error() != simdjson::SUCCESS || !skip(result.value_unsafe(), depth, &token)) {
        return false;
      }
      if (++count > 2 || levels.reason != DeadLetterReason{}) continue;
      if (token.kind != Kind::string || !is_decimal(token.at, token.bytes)) {
        note(levels, DeadLetterReason::bad_number);
        continue;
      }
      if (*token.at == '-') levels.negative |= is_negative(token.at, token.bytes);
      *out++ = '"';
      out = copy_short(out, token.at, token.bytes);
      *out++ = '"';
      *out++ = count == 1 ? ',' : ']';
    }
    if (count < 2) note(levels, DeadLetterReason::unexpected_shape);
    if (levels.reason != DeadLetterReason{}) return true;
    *out++ = ',';
    level_bytes_ = static_cast<uint32_t>(out - level_text_);
    return true;
  }

  static void note(Levels& levels, DeadLetterReason reason) {
    if (levels.reason == DeadLetterReason{}) levels.reason = reason;
  }

  Elements* elements_;
  char* level_text_ = nullptr;
  uint32_t level_bytes_ = 0;
  const char* end_ = nullptr;  // of the payload
  bool has_backslash_ = false;
  bool stream_known_ = false;
  bool elements_walked_ = false;
};

}  // namespace sluice
