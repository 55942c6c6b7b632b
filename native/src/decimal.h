// Decimal text of prices and quantities: checked, copied and compared as text, never converted.
#pragma once
#include <cstdint>
#include <cstring>

#include "json_token.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice {

constexpr uint32_t DECIMAL_BYTES_MAX = 64;

inline bool is_decimal_slow(const char* at, uint32_t bytes) {
  if (bytes == 0 || bytes > DECIMAL_BYTES_MAX) return false;
  const char* p = at;
  const char* const end = at + bytes;
  if (*p == '-') p++;
  const char* const whole = p;
  while (p < end && is_digit(*p)) p++;
  if (p == whole) return false;
  if (p == end) return true;
  if (*p++ != '.') return false;
  const char* const fraction = p;
  while (p < end && is_digit(*p)) p++;
  return p == end && p != fraction;
}

// -?[0-9]+(\.[0-9]+)? of at most DECIMAL_BYTES_MAX bytes. May read up to 16 bytes from `at`.
inline bool is_decimal(const char* at, uint32_t bytes) {
#if defined(__SSE2__)
  if (bytes - 1u < 16u) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i digit = _mm_sub_epi8(text, _mm_set1_epi8('0'));
    const __m128i is_other = _mm_cmpeq_epi8(_mm_max_epu8(digit, _mm_set1_epi8(10)), digit);
    const uint32_t other = static_cast<uint32_t>(_mm_movemask_epi8(is_other)) & ((1u << bytes) - 1u);
    if (other == 0) return true;
    if ((other & (other - 1)) == 0) {
      const uint32_t at_point = static_cast<uint32_t>(__builtin_ctz(other));
      if (at[at_point] == '.') return at_point != 0 && at_point != bytes - 1;
    }
  }
#endif
  return is_decimal_slow(at, bytes);
}

// Below zero; "-0.00" is not. The text is a decimal.
inline bool is_negative(const char* at, uint32_t bytes) {
  if (*at != '-') return false;
  for (uint32_t index = 1; index < bytes; index++) {
    if (at[index] != '0' && at[index] != '.') return true;
  }
  return false;
}

// Sign of |left| − |right| of two decimals without sign.
inline int compare_magnitudes(const char* left, uint32_t left_bytes, const char* right,
                              uint32_t right_bytes) {
  const char* const left_end = left + left_bytes;
  const char* const right_end = right + right_bytes;
  while (left < left_end && *left == '0') left++;
  while (right < right_end && *right == '0') right++;
  const char* left_point = left;
  const char* right_point = right;
  while (left_point < left_end && *left_point != '.') left_point++;
  while (right_point < right_end && *right_point != '.') right_point++;
  if (left_point - left != right_point - right) {
    return left_point - left < right_point - right ? -1 : 1;
  }
  const int whole = std::memcmp(left, right, static_cast<size_t>(left_point - left));
  if (whole != 0) return whole;
  const char* p = left_point + 1;
  const char* q = right_point + 1;
  while (p < left_end || q < right_end) {
    const char a = p < left_end ? *p : '0';
    const char b = q < right_end ? *q : '0';
    if (a != b) return a < b ? -1 : 1;
    p++;
    q++;
  }
  return 0;
}

inline bool decimal_less(const Token& left, const Token& right) {
  const bool left_below = is_negative(left.at, left.bytes);
  const bool right_below = is_negative(right.at, right.bytes);
  if (left_below != right_below) return left_below;
  const uint32_t left_sign = *left.at == '-' ? 1 : 0;
  const uint32_t right_sign = *right.at == '-' ? 1 : 0;
  const int order = compare_magnitudes(left.at + left_sign, left.bytes - left_sign,
                                       right.at + right_sign, right.bytes - right_sign);
  return left_below ? order > 0 : order < 0;
}

// Copies `bytes` that may be followed by 16 readable and 16 writable bytes on either side's end.
inline char* copy_short(char* out, const char* from, uint32_t bytes) {
  if (bytes <= 16) {
    std::memcpy(out, from, 16);
  } else {
    std::memcpy(out, from, bytes);
  }
  return out + bytes;
}

// Copies in blocks of 16: up to 15 bytes beyond the end are read and written.
inline char* copy_blocks(char* out, const char* from, uint32_t bytes) {
  for (uint32_t index = 0; index < bytes; index += 16) std::memcpy(out + index, from + index, 16);
  return out + bytes;
}

inline constexpr char TWO_DIGITS[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

// Decimal digits of an integer; at most 20 bytes.
inline char* put_integer(char* out, int64_t value) {
  uint64_t rest = static_cast<uint64_t>(value);
  if (value < 0) {
    *out++ = '-';
    rest = ~rest + 1;
  }
  // Two digits a step, from the right.
  char digits[20];
  uint32_t at = 20;
  while (rest >= 100) {
    at -= 2;
    std::memcpy(digits + at, TWO_DIGITS + 2 * (rest % 100), 2);
    rest /= 100;
  }
  if (rest >= 10) {
    at -= 2;
    std::memcpy(digits + at, TWO_DIGITS + 2 * rest, 2);
  } else {
    digits[--at] = static_cast<char>('0' + rest);
  }
  std::memcpy(out, digits + at, 20 - at);
  return out + (20 - at);
}

}  // namespace sluice
