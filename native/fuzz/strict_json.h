// A small strict JSON reader (RFC 8259), written for the fuzz target alone and sharing nothing with the
// kernel: what the kernel accepts and writes is judged by it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace strict {

struct Value {
  enum class Type { null, boolean, number, string, array, object } type = Type::null;
  std::string text;  // numbers: as written; strings: decoded, lone surrogates as three-byte sequences
  std::vector<std::string> keys;  // of an object, one for each item
  std::vector<Value> items;
};

class Reader {
 public:
  Reader(const uint8_t* data, size_t size, unsigned depth_max)
      : at_(data), end_(data + size), depth_max_(depth_max) {}

  bool document(Value* value) {
    if (!utf8()) return false;
    space();
    if (!read(value, 0)) return false;
    space();
    return at_ == end_;
  }

 private:
  bool utf8() const {
    for (const uint8_t* p = at_; p < end_;) {
      const uint32_t lead = *p++;
      if (lead < 0x80) continue;
      int more = 0;
      uint32_t point = 0;
      uint32_t least = 0;
      if (lead >= 0xc0 && lead < 0xe0) {
        more = 1, point = lead & 0x1f, least = 0x80;
      } else if (lead >= 0xe0 && lead < 0xf0) {
        more = 2, point = lead & 0x0f, least = 0x800;
      } else if (lead >= 0xf0 && lead < 0xf8) {
        more = 3, point = lead & 0x07, least = 0x10000;
      } else {
        return false;
      }
      for (; more > 0; more--) {
        if (p == end_ || (*p & 0xc0) != 0x80) return false;
        point = point << 6 | (*p++ & 0x3f);
      }
      if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
    }
    return true;
  }

  void space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) at_++;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != static_cast<uint8_t>(c)) return false;
    at_++;
    return true;
  }
  bool word(const char* text) {
    for (; *text != '\0'; text++) {
      if (!take(*text)) return false;
    }
    return true;
  }

  bool read(Value* value, unsigned depth) {
    if (at_ == end_) return false;
    switch (*at_) {
      case '{': return object(value, depth + 1);
      case '[': return array(value, depth + 1);
      case '"':
        value->type = Value::Type::string;
        return string(&value->text);
      case 't':
        value->type = Value::Type::boolean;
        value->text = "true";
        return word("true");
      case 'f':
        value->type = Value::Type::boolean;
        value->text = "false";
        return word("false");
      case 'n': return word("null");
      default: return number(value);
    }
  }

  bool object(Value* value, unsigned depth) {
    value->type = Value::Type::object;
    if (depth > depth_max_ || !take('{')) return false;
    space();
    if (take('}')) return true;
    for (;;) {
      value->keys.emplace_back();
      value->items.emplace_back();
      space();
      if (!string(&value->keys.back())) return false;
      space();
      if (!take(':')) return false;
      space();
      if (!read(&value->items.back(), depth)) return false;
      space();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  bool array(Value* value, unsigned depth) {
    value->type = Value::Type::array;
    if (depth > depth_max_ || !take('[')) return false;
    space();
    if (take(']')) return true;
    for (;;) {
      value->items.emplace_back();
      space();
      if (!read(&value->items.back(), depth)) return false;
      space();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

  bool digits() {
    const uint8_t* const from = at_;
    while (at_ < end_ && *at_ >= '0' && *at_ <= '9') at_++;
    return at_ > from;
  }

  bool number(Value* value) {
    const uint8_t* const from = at_;
    value->type = Value::Type::number;
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    value->text.assign(reinterpret_cast<const char*>(from), static_cast<size_t>(at_ - from));
    return true;
  }

  bool hex(uint32_t* unit) {
    *unit = 0;
    for (int i = 0; i < 4; i++) {
      if (at_ == end_) return false;
      const uint8_t c = *at_++;
      uint32_t digit = 0;
      if (c >= '0' && c <= '9') digit = c - '0';
      else if (c >= 'a' && c <= 'f') digit = c - 'a' + 10u;
      else if (c >= 'A' && c <= 'F') digit = c - 'A' + 10u;
      else return false;
      *unit = *unit * 16 + digit;
    }
    return true;
  }

  static void append(std::string* text, uint32_t point) {
    const auto tail = [&](int shift) {
      text->push_back(static_cast<char>(0x80 | ((point >> shift) & 0x3f)));
    };
    if (point < 0x80) {
      text->push_back(static_cast<char>(point));
    } else if (point < 0x800) {
      text->push_back(static_cast<char>(0xc0 | point >> 6));
      tail(0);
    } else if (point < 0x10000) {
      text->push_back(static_cast<char>(0xe0 | point >> 12));
      tail(6);
      tail(0);
    } else {
      text->push_back(static_cast<char>(0xf0 | point >> 18));
      tail(12);
      tail(6);
      tail(0);
    }
  }

  bool string(std::string* text) {
    if (!take('"')) return false;
    while (at_ < end_) {
      const uint8_t c = *at_++;
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c != '\\') {
        text->push_back(static_cast<char>(c));
        continue;
      }
      if (at_ == end_) return false;
      const uint8_t escape = *at_++;
      switch (escape) {
        case '"': case '\\': case '/': text->push_back(static_cast<char>(escape)); break;
        case 'b': text->push_back('\b'); break;
        case 'f': text->push_back('\f'); break;
        case 'n': text->push_back('\n'); break;
        case 'r': text->push_back('\r'); break;
        case 't': text->push_back('\t'); break;
        case 'u': {
          uint32_t point = 0;
          if (!hex(&point)) return false;
          if (point >= 0xd800 && point < 0xdc00 && end_ - at_ >= 6 && at_[0] == '\\' &&
              at_[1] == 'u') {
            const uint8_t* const back = at_;
            uint32_t low = 0;
            at_ += 2;
            if (!hex(&low)) return false;
            if (low >= 0xdc00 && low < 0xe000) {
              point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            } else {
              at_ = back;
            }
          }
          append(text, point);
          break;
        }
        default: return false;
      }
    }
    return false;
  }

  const uint8_t* at_;
  const uint8_t* const end_;
  const unsigned depth_max_;
};

}  // namespace strict
