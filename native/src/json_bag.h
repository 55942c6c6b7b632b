// The known keys of one JSON object, as the walk found them. Judged only after the whole document has
// proved to be JSON, so that no verdict depends on the order of keys.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "json_token.h"
#include "layout.h"

namespace sluice {

// Slots of a bag: one-letter keys sit at `letter & 63`, longer known names in the gaps.
constexpr uint8_t SLOT_UNKNOWN = 0;
constexpr uint8_t SLOT_STREAM = 27;
constexpr uint8_t SLOT_DATA = 28;
constexpr uint8_t SLOT_LAST_UPDATE_ID = 29;
constexpr uint8_t SLOT_BIDS = 30;
constexpr uint8_t SLOT_ASKS = 31;
constexpr uint8_t SLOT_RESULT = 59;
constexpr uint8_t SLOT_ID = 60;
constexpr uint8_t SLOT_ERROR = 61;
constexpr uint8_t SLOT_CODE = 62;
constexpr uint8_t SLOT_MSG = 63;
constexpr uint8_t slot_of(char letter) { return static_cast<uint8_t>(letter & 63); }
constexpr uint64_t bit_of(uint8_t slot) { return uint64_t{1} << slot; }
constexpr uint64_t letters(const char* text) {
  uint64_t mask = 0;
  for (; *text != '\0'; text++) mask |= bit_of(slot_of(*text));
  return mask;
}

// Price levels, already written as `["p","q"],…` into the walker's level buffer.
struct Levels {
  uint32_t offset;
  uint32_t bytes;
  DeadLetterReason reason;  // 0 = well formed
  bool negative;
};

struct Bag {
  uint64_t seen;
  uint64_t twice;
  Token tokens[64];
  Levels levels[2];  // bids, asks

  void clear() { seen = twice = 0; }
  bool has(uint8_t slot) const { return (seen & bit_of(slot)) != 0; }
  const Token& operator[](char letter) const { return tokens[slot_of(letter)]; }
};

// Long names; the text is between the quotes and without escapes.
inline uint8_t slot_of_name(const char* at, size_t bytes) {
  const auto is = [&](const char* name) { return std::memcmp(at, name, bytes) == 0; };
  switch (bytes) {
    case 1: {
      const char letter = static_cast<char>(*at | 0x20);
      return letter >= 'a' && letter <= 'z' ? slot_of(*at) : SLOT_UNKNOWN;
    }
    case 2: return is("id") ? SLOT_ID : SLOT_UNKNOWN;
    case 3: return is("msg") ? SLOT_MSG : SLOT_UNKNOWN;
    case 4:
      if (is("data")) return SLOT_DATA;
      if (is("bids")) return SLOT_BIDS;
      if (is("asks")) return SLOT_ASKS;
      return is("code") ? SLOT_CODE : SLOT_UNKNOWN;
    case 5: return is("error") ? SLOT_ERROR : SLOT_UNKNOWN;
    case 6:
      if (is("stream")) return SLOT_STREAM;
      return is("result") ? SLOT_RESULT : SLOT_UNKNOWN;
    case 12: return is("lastUpdateId") ? SLOT_LAST_UPDATE_ID : SLOT_UNKNOWN;
    default: return SLOT_UNKNOWN;
  }
}

}  // namespace sluice
