// Writes the values of Binance spot records: the bag's fields in the order docs/wire-format.md fixes,
// each checked as it is copied. The first field that is not what it must be ends the record.
#pragma once
#include <cstdint>

#include "decimal.h"
#include "json_walk.h"
#include "spot_kinds.h"

namespace sluice {

constexpr int64_t MILLISECONDS_BELOW = 100'000'000'000'000;  // |t| below is ms, else µs
constexpr int64_t YEAR_2017_US = 1'483'228'800'000'000;
constexpr double DAY_US = 86'400'000'000.0;
// Longest value without its levels: 14 decimals of 64 bytes, 9 integers, all keys, the head.
constexpr uint32_t VALUE_BYTES_MAX = 4096;

struct Rendered {
  uint32_t value_bytes;
  DeadLetterReason reason;  // 0 = written
  bool suspect;
  int64_t first_id;
  int64_t last_id;
  int64_t event_time_us;
  bool has_event_time;
  double mark;
};

class SpotRenderer {
 public:
  // `head` ends before the event time; `frame_part` is `,"receivedTime":…,"source":"…",`. Both may be
  // read up to 15 bytes beyond their ends.
  SpotRenderer(char* out, const char* head, uint32_t head_bytes, const char* frame_part,
               uint32_t frame_part_bytes, double received_us)
      : start_(out), out_(out), frame_part_(frame_part), frame_part_bytes_(frame_part_bytes),
        received_us_(received_us) {
    out_ = copy_blocks(out_, head, head_bytes);
  }

  // `level_text` gives the text of a bag's levels.
  template <typename LevelText>
  Rendered render(Spot kind, const Bag& bag, const Bag& kline, LevelText level_text) {
    result_ = {0, DeadLetterReason{}, false, -1, -1, 0, false, 0};
    common(kind, bag);
    switch (kind) {
      case Spot::trade:
      case Spot::blockTrade: trade(bag); break;
      case Spot::aggTrade: agg_trade(bag); break;
      case Spot::kline: kline_fields(kline); break;
      case Spot::miniTicker: mini_ticker(bag); break;
      case Spot::ticker24h:
      case Spot::ticker1h:
      case Spot::ticker4h:
      case Spot::ticker1d: ticker(kind, bag); break;
      case Spot::bookTicker: book_ticker(bag); break;
      case Spot::depth: depth(bag, level_text); break;
      case Spot::book: book(bag, level_text); break;
      case Spot::avgPrice: avg_price(bag); break;
      case Spot::referencePrice: reference_price(bag); break;
      case Spot::serverShutdown:
      case Spot::unknown: break;
    }
    put("}");
    result_.value_bytes = static_cast<uint32_t>(out_ - start_);
    finish_mark(kind);
    return result_;
  }

 private:
  template <size_t N>
  void put(const char (&text)[N]) {
    std::memcpy(out_, text, N - 1);
    out_ += N - 1;
  }
  void fail(DeadLetterReason reason) {
    if (result_.reason == DeadLetterReason{}) result_.reason = reason;
  }

  void common(Spot kind, const Bag& bag) {
    if (kind == Spot::bookTicker || kind == Spot::book || kind == Spot::referencePrice) {
      put("null");
    } else {
      int64_t event_us = 0;
      if (time(bag['E'], &event_us)) {
        result_.event_time_us = event_us;
        result_.has_event_time = true;
        result_.mark = static_cast<double>(event_us);
        if (event_us < YEAR_2017_US ||
            static_cast<double>(event_us) - received_us_ > DAY_US) {
          result_.suspect = true;
        }
      }
    }
    out_ = copy_blocks(out_, frame_part_, frame_part_bytes_);
  }

  // Times: ms by their magnitude → × 1000, else µs as they are.
  bool time(const Token& token, int64_t* us) {
    if (token.kind != Kind::integer) {
      fail(DeadLetterReason::bad_number);
      return false;
    }
    const int64_t value = token.integer;
    if (value > -MILLISECONDS_BELOW && value < MILLISECONDS_BELOW) {
      *us = value * 1000;
      out_ = copy_short(out_, token.at, token.bytes);
      if (value != 0) put("000");
    } else {
      *us = value;
      out_ = copy_short(out_, token.at, token.bytes);
    }
    return true;
  }
  void time(const Token& token) {
    int64_t us;
    time(token, &us);
  }

  // Last µs of a candle: the exchange gives its last ms, or already its last µs.
  void close_time(const Token& token) {
    if (token.kind != Kind::integer) return fail(DeadLetterReason::bad_number);
    const int64_t value = token.integer;
    const bool is_ms = value > -MILLISECONDS_BELOW && value < MILLISECONDS_BELOW;
    out_ = put_integer(out_, is_ms ? value * 1000 + 999 : value);
  }

  void id(const Token& token, int64_t* value) {
    if (token.kind != Kind::integer) return fail(DeadLetterReason::bad_number);
    *value = token.integer;
    if (token.integer < -1) result_.suspect = true;
    out_ = copy_short(out_, token.at, token.bytes);
  }
  void id(const Token& token) {
    int64_t value;
    id(token, &value);
  }

  void decimal(const Token& token, bool may_be_negative = false) {
    if (token.kind != Kind::string || !is_decimal(token.at, token.bytes)) {
      return fail(DeadLetterReason::bad_number);
    }
    if (*token.at == '-' && !may_be_negative && is_negative(token.at, token.bytes)) {
      result_.suspect = true;
    }
    out_ = copy_short(out_, token.at, token.bytes);
  }

  void side(const Token& token) {
    // `m`: the buyer is the maker, so the taker sold.
    if (token.kind == Kind::yes) return put("\"sell\"");
    if (token.kind == Kind::no) return put("\"buy\"");
    fail(DeadLetterReason::unexpected_shape);
  }

  void high_low(const Bag& bag) {
    if (result_.reason == DeadLetterReason{} && decimal_less(bag['h'], bag['l'])) {
      result_.suspect = true;
    }
  }

  void both_ids(int64_t value) { result_.first_id = result_.last_id = value; }

  void trade(const Bag& bag) {
    int64_t trade_id = -1;
    put("\"tradeId\":");
    id(bag['t'], &trade_id);
    both_ids(trade_id);
    put(",\"price\":\"");
    decimal(bag['p']);
    put("\",\"quantity\":\"");
    decimal(bag['q']);
    put("\",\"tradeTime\":");
    time(bag['T']);
    put(",\"side\":");
    side(bag['m']);
  }

  void agg_trade(const Bag& bag) {
    int64_t aggregate_id = -1;
    put("\"aggregateId\":");
    id(bag['a'], &aggregate_id);
    both_ids(aggregate_id);
    put(",\"firstTradeId\":");
    id(bag['f']);
    put(",\"lastTradeId\":");
    id(bag['l']);
    put(",\"price\":\"");
    decimal(bag['p']);
    put("\",\"quantity\":\"");
    decimal(bag['q']);
    put("\",\"tradeTime\":");
    time(bag['T']);
    put(",\"side\":");
    side(bag['m']);
  }

  void kline_fields(const Bag& k);
  void ticker(Spot kind, const Bag& bag);
  void mini_ticker(const Bag& bag);
  void book_ticker(const Bag& bag);
  void avg_price(const Bag& bag);
  void reference_price(const Bag& bag);

  template <typename LevelText>
  void levels(const Levels& levels, LevelText level_text) {
    if (levels.reason != DeadLetterReason{}) return fail(levels.reason);
    if (levels.negative) result_.suspect = true;
    put("[");
    std::memcpy(out_, level_text(levels), levels.bytes);
    out_ += levels.bytes;
    put("]");
  }

  template <typename LevelText>
  void side_of_book(const Bag& bag, uint8_t slot, LevelText level_text) {
    if (result_.reason != DeadLetterReason{}) return;
    if (bag.tokens[slot].kind != Kind::array) return fail(DeadLetterReason::unexpected_shape);
    const bool asks = slot == slot_of('a') || slot == SLOT_ASKS;
    levels(bag.levels[asks ? 1 : 0], level_text);
  }

  template <typename LevelText>
  void depth(const Bag& bag, LevelText level_text) {
    put("\"firstUpdateId\":");
    id(bag['U'], &result_.first_id);
    put(",\"finalUpdateId\":");
    id(bag['u'], &result_.last_id);
    put(",\"bids\":");
    side_of_book(bag, slot_of('b'), level_text);
    put(",\"asks\":");
    side_of_book(bag, slot_of('a'), level_text);
  }

  template <typename LevelText>
  void book(const Bag& bag, LevelText level_text) {
    int64_t update_id = -1;
    put("\"lastUpdateId\":");
    id(bag.tokens[SLOT_LAST_UPDATE_ID], &update_id);
    both_ids(update_id);
    put(",\"bids\":");
    side_of_book(bag, SLOT_BIDS, level_text);
    put(",\"asks\":");
    side_of_book(bag, SLOT_ASKS, level_text);
  }

  // What tells the watchdog that a stream moves: its ids, or else a time.
  void finish_mark(Spot kind) {
    switch (kind) {
      case Spot::miniTicker:
      case Spot::avgPrice:
      case Spot::referencePrice: return;
      default: result_.mark = static_cast<double>(result_.last_id);
    }
  }

  char* const start_;
  char* out_;
  const char* const frame_part_;
  const uint32_t frame_part_bytes_;
  const double received_us_;
  Rendered result_{};
};

}  // namespace sluice
