// Binance spot: which messages exist, which keys they need, and which stream names may carry them.
// Source: web-socket-streams.md of binance-spot-api-docs, 2026-07-21.
#pragma once
#include <cstdint>
#include <cstring>

#include "json_walk.h"
#include "layout.h"
#include "stream_table.h"

namespace sluice {

enum class Spot : uint8_t {
  trade, aggTrade, blockTrade, kline, miniTicker, ticker24h, ticker1h, ticker4h, ticker1d,
  bookTicker, depth, book, avgPrice, referencePrice,
  serverShutdown, unknown
};

struct SpotKind {
  RecordType type;
  const char* event;    // the payload's `e`; nullptr = the message has none
  const char* channel;  // of a stream of one symbol; nullptr = with parameters, see fits_channel
  const char* window;   // of tickers
  uint64_t needed;      // keys that must be there, once
};

constexpr const char* TICKER_KEYS = "EspPwochlvqOCFLn";
constexpr SpotKind SPOT_KINDS[] = {
    {RecordType::trade, "trade", "trade", nullptr, letters("EstpqTm")},
    {RecordType::aggTrade, "aggTrade", "aggTrade", nullptr, letters("EsapqflTm")},
    {RecordType::blockTrade, "blockTrade", "blockTrade", nullptr, letters("EstpqTm")},
    {RecordType::kline, "kline", nullptr, nullptr, letters("Esk")},
    {RecordType::miniTicker, "24hrMiniTicker", "miniTicker", nullptr, letters("Escohlvq")},
    {RecordType::ticker, "24hrTicker", "ticker", "24h", letters(TICKER_KEYS) | letters("xQbBaA")},
    {RecordType::ticker, "1hTicker", "ticker_1h", "1h", letters(TICKER_KEYS)},
    {RecordType::ticker, "4hTicker", "ticker_4h", "4h", letters(TICKER_KEYS)},
    {RecordType::ticker, "1dTicker", "ticker_1d", "1d", letters(TICKER_KEYS)},
    {RecordType::bookTicker, nullptr, "bookTicker", nullptr, letters("usbBaA")},
    {RecordType::depth, "depthUpdate", nullptr, nullptr, letters("EsUuba")},
    {RecordType::book, nullptr, nullptr, nullptr,
     bit_of(SLOT_LAST_UPDATE_ID) | bit_of(SLOT_BIDS) | bit_of(SLOT_ASKS)},
    {RecordType::avgPrice, "avgPrice", "avgPrice", nullptr, letters("EsiwT")},
    {RecordType::referencePrice, "referencePrice", "referencePrice", nullptr, letters("srt")},
};
constexpr uint64_t KLINE_KEYS = letters("tTsifLochlvnxqVQ");

inline const SpotKind& spot_kind(Spot kind) { return SPOT_KINDS[static_cast<uint8_t>(kind)]; }

inline bool text_is(const char* at, uint32_t bytes, const char* literal) {
  const size_t length = std::strlen(literal);
  return bytes == length && std::memcmp(at, literal, length) == 0;
}

inline Spot spot_of_event(const char* at, uint32_t bytes) {
  const auto either = [&](const char* literal, Spot kind) {
    return std::memcmp(at, literal, bytes) == 0 ? kind : Spot::unknown;
  };
  switch (bytes) {
    case 5:
      return *at == 't' ? either("trade", Spot::trade) : either("kline", Spot::kline);
    case 8:
      switch (*at) {
        case 'a':
          return at[1] == 'g' ? either("aggTrade", Spot::aggTrade)
                              : either("avgPrice", Spot::avgPrice);
        case '1':
          return at[1] == 'h' ? either("1hTicker", Spot::ticker1h)
                              : either("1dTicker", Spot::ticker1d);
        case '4': return either("4hTicker", Spot::ticker4h);
        default: return Spot::unknown;
      }
    case 10:
      return *at == 'b' ? either("blockTrade", Spot::blockTrade)
                        : either("24hrTicker", Spot::ticker24h);
    case 11: return either("depthUpdate", Spot::depth);
    case 14:
      switch (*at) {
        case '2': return either("24hrMiniTicker", Spot::miniTicker);
        case 'r': return either("referencePrice", Spot::referencePrice);
        default: return either("serverShutdown", Spot::serverShutdown);
      }
    default: return Spot::unknown;
  }
}

// Symbols go into JSON, topics and keys as they are: no quote, backslash or control character.
inline bool valid_symbol(const char* at, uint32_t bytes) {
  if (bytes == 0 || bytes > SYMBOL_BYTES_MAX) return false;
  for (uint32_t index = 0; index < bytes; index++) {
    const uint8_t c = static_cast<uint8_t>(at[index]);
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) return false;
  }
  return true;
}

inline bool valid_interval(const char* at, uint32_t bytes) {
  if (bytes == 0 || bytes > INTERVAL_BYTES_MAX) return false;
  for (uint32_t index = 0; index < bytes; index++) {
    const char lower = static_cast<char>(at[index] | 0x20);
    if (!is_digit(at[index]) && !(lower >= 'a' && lower <= 'z')) return false;
  }
  return true;
}

inline char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

inline bool same_symbol(const char* left, const char* right, uint32_t bytes) {
  for (uint32_t index = 0; index < bytes; index++) {
    if (upper(left[index]) != upper(right[index])) return false;
  }
  return true;
}

constexpr const char* TIME_ZONE_SUFFIX = "@+08:00";

inline bool has_time_zone(const char* name, uint32_t bytes) {
  return bytes > TIME_ZONE_SUFFIX_BYTES &&
         std::memcmp(name + bytes - TIME_ZONE_SUFFIX_BYTES, TIME_ZONE_SUFFIX,
                     TIME_ZONE_SUFFIX_BYTES) == 0;
}

// `depth`, `depth@100ms`; with levels `depth20`, `depth20@100ms`. Up to five digits each.
inline bool is_depth_channel(const char* at, uint32_t bytes, bool with_levels) {
  const char* p = at;
  const char* const end = at + bytes;
  const auto digits = [&] {
    const char* const from = p;
    while (p < end && is_digit(*p)) p++;
    return p > from && p - from <= 5;
  };
  if (bytes < 5 || std::memcmp(p, "depth", 5) != 0) return false;
  p += 5;
  if (with_levels && !digits()) return false;
  if (p == end) return true;
  if (*p++ != '@') return false;
  return digits() && end - p == 2 && p[0] == 'm' && p[1] == 's';
}

inline bool fits_channel(Spot kind, const StreamKey& key, const char* at, uint32_t bytes) {
  switch (kind) {
    case Spot::depth: return is_depth_channel(at, bytes, false);
    case Spot::book: return is_depth_channel(at, bytes, true);
    case Spot::kline: {
      // The table's interval already carries the time zone, as the channel does.
      if (bytes < 6 || std::memcmp(at, "kline_", 6) != 0) return false;
      return bytes - 6 == key.interval_bytes && std::memcmp(at + 6, key.interval, bytes - 6) == 0;
    }
    default: return text_is(at, bytes, spot_kind(kind).channel);
  }
}

// Streams of all symbols: `!<channel>@arr` carries arrays, `!bookTicker` single objects.
inline bool fits_all_market(Spot kind, const char* name, uint32_t bytes) {
  if (kind == Spot::bookTicker) return text_is(name, bytes, "!bookTicker");
  if (kind < Spot::miniTicker || kind > Spot::ticker1d || bytes < 5) return false;
  return std::memcmp(name + bytes - 4, "@arr", 4) == 0 &&
         text_is(name + 1, bytes - 5, spot_kind(kind).channel);
}

inline bool is_array_stream(const char* name, uint32_t bytes) {
  return bytes > 5 && name[0] == '!' && std::memcmp(name + bytes - 4, "@arr", 4) == 0;
}

// The stream's name may carry this message for this symbol.
inline bool fits_stream(Spot kind, const StreamKey& key) {
  if (key.name_bytes > STREAM_NAME_BYTES_MAX) return false;
  if (key.name[0] == '!') return fits_all_market(kind, key.name, key.name_bytes);
  const char* const at =
      static_cast<const char*>(std::memchr(key.name, '@', key.name_bytes));
  if (at == nullptr) return false;
  const uint32_t symbol_bytes = static_cast<uint32_t>(at - key.name);
  return symbol_bytes == key.symbol_bytes && same_symbol(key.name, key.symbol, symbol_bytes) &&
         fits_channel(kind, key, at + 1, key.name_bytes - symbol_bytes - 1);
}

}  // namespace sluice
