// Further message types of SpotRenderer: candles, tickers, prices.
#pragma once
#include "spot_render.h"

namespace sluice {

inline void SpotRenderer::kline_fields(const Bag& k) {
  // Checked when the stream was looked up.
  put("\"interval\":\"");
  char room[TEXT_BYTES_MAX + 16];
  const Text text = decode_text(k['i'], true, room);
  std::memcpy(out_, text.at, text.bytes);
  out_ += text.bytes;
  put("\",\"openTime\":");
  time(k['t']);
  put(",\"closeTime\":");
  close_time(k['T']);
  put(",\"open\":\"");
  decimal(k['o']);
  put("\",\"high\":\"");
  decimal(k['h']);
  put("\",\"low\":\"");
  decimal(k['l']);
  put("\",\"close\":\"");
  decimal(k['c']);
  put("\",\"volume\":\"");
  decimal(k['v']);
  put("\",\"quoteVolume\":\"");
  decimal(k['q']);
  put("\",\"trades\":");
  id(k['n']);
  put(",\"takerBuyVolume\":\"");
  decimal(k['V']);
  put("\",\"takerBuyQuoteVolume\":\"");
  decimal(k['Q']);
  put("\",\"firstTradeId\":");
  id(k['f'], &result_.first_id);
  put(",\"lastTradeId\":");
  id(k['L'], &result_.last_id);
  put(",\"closed\":");
  if (k['x'].kind == Kind::yes) {
    put("true");
  } else if (k['x'].kind == Kind::no) {
    put("false");
  } else {
    fail(DeadLetterReason::unexpected_shape);
  }
  high_low(k);
}

inline void SpotRenderer::ticker(Spot kind, const Bag& bag) {
  const bool whole = kind == Spot::ticker24h;
  put("\"window\":\"");
  const char* const window = spot_kind(kind).window;
  std::memcpy(out_, window, std::strlen(window));
  out_ += std::strlen(window);
  put("\",\"priceChange\":\"");
  decimal(bag['p'], true);
  put("\",\"priceChangePercent\":\"");
  decimal(bag['P'], true);
  put("\",\"weightedAveragePrice\":\"");
  decimal(bag['w']);
  put("\",\"previousClose\":");
  if (whole) {
    put("\"");
    decimal(bag['x']);
    put("\",\"last\":\"");
    decimal(bag['c']);
    put("\",\"lastQuantity\":\"");
    decimal(bag['Q']);
    put("\",\"bid\":\"");
    decimal(bag['b']);
    put("\",\"bidQuantity\":\"");
    decimal(bag['B']);
    put("\",\"ask\":\"");
    decimal(bag['a']);
    put("\",\"askQuantity\":\"");
    decimal(bag['A']);
    put("\",\"open\":\"");
  } else {
    put("null,\"last\":\"");
    decimal(bag['c']);
    put("\",\"lastQuantity\":null,\"bid\":null,\"bidQuantity\":null,\"ask\":null,"
        "\"askQuantity\":null,\"open\":\"");
  }
  decimal(bag['o']);
  put("\",\"high\":\"");
  decimal(bag['h']);
  put("\",\"low\":\"");
  decimal(bag['l']);
  put("\",\"volume\":\"");
  decimal(bag['v']);
  put("\",\"quoteVolume\":\"");
  decimal(bag['q']);
  put("\",\"openTime\":");
  time(bag['O']);
  put(",\"closeTime\":");
  time(bag['C']);
  put(",\"firstTradeId\":");
  id(bag['F'], &result_.first_id);
  put(",\"lastTradeId\":");
  id(bag['L'], &result_.last_id);
  put(",\"trades\":");
  id(bag['n']);
  high_low(bag);
}

inline void SpotRenderer::mini_ticker(const Bag& bag) {
  put("\"open\":\"");
  decimal(bag['o']);
  put("\",\"high\":\"");
  decimal(bag['h']);
  put("\",\"low\":\"");
  decimal(bag['l']);
  put("\",\"close\":\"");
  decimal(bag['c']);
  put("\",\"volume\":\"");
  decimal(bag['v']);
  put("\",\"quoteVolume\":\"");
  decimal(bag['q']);
  put("\"");
  high_low(bag);
}

inline void SpotRenderer::book_ticker(const Bag& bag) {
  int64_t update_id = -1;
  put("\"updateId\":");
  id(bag['u'], &update_id);
  both_ids(update_id);
  put(",\"bid\":\"");
  decimal(bag['b']);
  put("\",\"bidQuantity\":\"");
  decimal(bag['B']);
  put("\",\"ask\":\"");
  decimal(bag['a']);
  put("\",\"askQuantity\":\"");
  decimal(bag['A']);
  put("\"");
}

inline void SpotRenderer::avg_price(const Bag& bag) {
  put("\"interval\":\"");
  const Token& interval = bag['i'];
  if (interval.kind != Kind::string) return fail(DeadLetterReason::unexpected_shape);
  char room[TEXT_BYTES_MAX + 16];
  const Text text = decode_text(interval, true, room);
  if (text.unusable || !valid_interval(text.at, text.bytes)) {
    return fail(DeadLetterReason::unexpected_shape);
  }
  std::memcpy(out_, text.at, text.bytes);
  out_ += text.bytes;
  put("\",\"price\":\"");
  decimal(bag['w']);
  put("\",\"lastTradeTime\":");
  time(bag['T']);
}

inline void SpotRenderer::reference_price(const Bag& bag) {
  put("\"price\":");
  if (bag['r'].kind == Kind::null) {
    put("null");
  } else {
    put("\"");
    decimal(bag['r']);
    put("\"");
  }
  put(",\"time\":");
  int64_t time_us = 0;
  if (time(bag['t'], &time_us)) result_.mark = static_cast<double>(time_us);
}

}  // namespace sluice
