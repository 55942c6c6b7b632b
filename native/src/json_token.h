// Scalars of a JSON document: grammar checks and decoding. simdjson finds where tokens start, checks
// UTF-8 and finds control characters in strings; what a token says is checked here.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice {

// What a JSON value turned out to be. Integers are those that fit int64 and are not "-0".
enum class Kind : uint8_t { none, string, integer, number, yes, no, null, object, array };

// A value in place. For strings `at` is the first byte after the opening quote, `bytes` excludes quotes.
struct Token {
  const char* at;
  uint32_t bytes;
  Kind kind;
  int64_t integer;
};

inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
inline bool is_digit(char c) { return static_cast<uint8_t>(c - '0') < 10; }

inline int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Value of eight ASCII digits in memory order; false when any byte is no digit.
inline bool eight_digits(const char* at, uint64_t* value) {
  uint64_t text;
  std::memcpy(&text, at, 8);
  const uint64_t high = text & 0xf0f0f0f0f0f0f0f0ULL;
  const uint64_t over = (text + 0x0606060606060606ULL) & 0xf0f0f0f0f0f0f0f0ULL;
  if (high != 0x3030303030303030ULL || over != 0x3030303030303030ULL) return false;
  text = (text & 0x0f0f0f0f0f0f0f0fULL) * 2561 >> 8;
  text = (text & 0x00ff00ff00ff00ffULL) * 6553601 >> 16;
  *value = (text & 0x0000ffff0000ffffULL) * 42949672960001ULL >> 32;
  return true;
}

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? over exactly [at, at + bytes). More than 19 digits
// overflow `value`, which then is not used.
inline bool read_number(const char* at, uint32_t bytes, Token* token) {
  const char* p = at;
  const char* const end = at + bytes;
  const bool negative = *p == '-';
  if (negative) p++;
  const char* const digits = p;
  uint64_t value = 0;
  uint64_t eight = 0;
  while (end - p >= 8 && eight_digits(p, &eight)) {
    value = value * 100'000'000 + eight;
    p += 8;
  }
  while (p < end && is_digit(*p)) value = value * 10 + static_cast<uint64_t>(*p++ - '0');
  const auto count = p - digits;
  if (count == 0 || (count > 1 && *digits == '0')) return false;
  token->at = at;
  token->bytes = bytes;
  token->kind = Kind::number;
  if (p == end) {
    // 18 digits cannot overflow; 19 can exceed int64 but not uint64.
    if (count > 19 || (negative && value == 0)) return true;
    const uint64_t limit = static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0);
    if (value > limit) return true;
    token->integer = static_cast<int64_t>(negative ? ~value + 1 : value);
    token->kind = Kind::integer;
    return true;
  }
  if (*p == '.') {
    const char* const fraction = ++p;
    while (p < end && is_digit(*p)) p++;
    if (p == fraction) return false;
  }
  if (p < end && (*p | 0x20) == 'e') {
    p++;
    if (p < end && (*p == '+' || *p == '-')) p++;
    const char* const exponent = p;
    while (p < end && is_digit(*p)) p++;
    if (p == exponent) return false;
  }
  return p == end;
}

// Numbers and literals; `bytes` > 0.
inline bool read_plain_scalar(const char* at, uint32_t bytes, Token* token) {
  token->at = at;
  token->bytes = bytes;
  switch (*at) {
    case 't':
      token->kind = Kind::yes;
      return bytes == 4 && std::memcmp(at, "true", 4) == 0;
    case 'f':
      token->kind = Kind::no;
      return bytes == 5 && std::memcmp(at, "false", 5) == 0;
    case 'n':
      token->kind = Kind::null;
      return bytes == 4 && std::memcmp(at, "null", 4) == 0;
    default:
      return read_number(at, bytes, token);
  }
}

// Length of the escape at *p (which is a backslash), 0 when malformed.
inline uint32_t escape_bytes(const char* p, const char* end) {
  if (end - p < 2) return 0;
  switch (p[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
      return 2;
    case 'u':
      if (end - p < 6) return 0;
      for (int i = 2; i < 6; i++) {
        if (hex_digit(p[i]) < 0) return 0;
      }
      return 6;
    default:
      return 0;
  }
}

inline bool valid_escapes(const char* at, uint32_t bytes) {
  const char* const end = at + bytes;
  const char* p = at;
  while (p < end) {
    p = static_cast<const char*>(std::memchr(p, '\\', static_cast<size_t>(end - p)));
    if (p == nullptr) return true;
    const uint32_t length = escape_bytes(p, end);
    if (length == 0) return false;
    p += length;
  }
  return true;
}

inline uint32_t code_unit(const char* p) {
  uint32_t unit = 0;
  for (int i = 2; i < 6; i++) unit = unit * 16 + static_cast<uint32_t>(hex_digit(p[i]));
  return unit;
}

inline char simple_escape(char c) {
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
  }
}

inline char* put_utf8(char* out, uint32_t point) {
  if (point < 0x80) {
    *out++ = static_cast<char>(point);
  } else if (point < 0x800) {
    *out++ = static_cast<char>(0xc0 | (point >> 6));
    *out++ = static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *out++ = static_cast<char>(0xe0 | (point >> 12));
    *out++ = static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    *out++ = static_cast<char>(0x80 | (point & 0x3f));
  } else {
    *out++ = static_cast<char>(0xf0 | (point >> 18));
    *out++ = static_cast<char>(0x80 | ((point >> 12) & 0x3f));
    *out++ = static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    *out++ = static_cast<char>(0x80 | (point & 0x3f));
  }
  return out;
}

// Short text decoded from a string token, for the few strings whose content is looked at.
constexpr uint32_t TEXT_BYTES_MAX = 160;
struct Text {
  const char* at;
  uint32_t bytes;
  // Cannot be any name or symbol: longer than TEXT_BYTES_MAX, or holds a lone surrogate escape.
  bool unusable;
};

// Decodes a string whose escapes are valid; `has_backslash` = the document has one anywhere. `room` has
// TEXT_BYTES_MAX + 16 bytes and must outlive the text.
inline Text decode_text(const Token& token, bool has_backslash, char* room) {
  const char* const end = token.at + token.bytes;
  if (!has_backslash || std::memchr(token.at, '\\', token.bytes) == nullptr) {
    return {token.at, token.bytes, token.bytes > TEXT_BYTES_MAX};
  }
  const Text bad = {room, 0, true};
  char* out = room;
  for (const char* p = token.at; p < end;) {
    if (out - room > static_cast<std::ptrdiff_t>(TEXT_BYTES_MAX)) return bad;
    if (*p != '\\') {
      *out++ = *p++;
      continue;
    }
    if (p[1] != 'u') {
      *out++ = simple_escape(p[1]);
      p += 2;
      continue;
    }
    uint32_t point = code_unit(p);
    p += 6;
    if (point >= 0xdc00 && point < 0xe000) return bad;
    if (point >= 0xd800 && point < 0xdc00) {
      if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return bad;
      const uint32_t low = code_unit(p);
      if (low < 0xdc00 || low >= 0xe000) return bad;
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      p += 6;
    }
    out = put_utf8(out, point);
  }
  const uint32_t bytes = static_cast<uint32_t>(out - room);
  return {room, bytes, bytes > TEXT_BYTES_MAX};
}

}  // namespace sluice
