// CRC32C (Castagnoli, reflected, as in iSCSI and RFC 3720): SSE4.2 where the processor has it, else a
// table. Both give the same value; src/ring and the spool check it in TypeScript too.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace sluice {
namespace crc_detail {

constexpr uint32_t POLYNOMIAL = 0x82f63b78u;

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t index = 0; index < 256; index++) {
    uint32_t value = index;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1u) != 0 ? POLYNOMIAL : 0u);
    table[index] = value;
  }
  return table;
}
inline constexpr std::array<uint32_t, 256> TABLE = make_table();

inline uint32_t update_table(uint32_t crc, const uint8_t* bytes, size_t count) {
  for (size_t index = 0; index < count; index++) {
    crc = TABLE[(crc ^ bytes[index]) & 0xffu] ^ (crc >> 8);
  }
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) inline uint32_t update_sse42(uint32_t crc, const uint8_t* bytes,
                                                               size_t count) {
  uint64_t wide = crc;
  for (; count >= 8; bytes += 8, count -= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  uint32_t narrow = static_cast<uint32_t>(wide);
  for (; count > 0; bytes++, count--) narrow = _mm_crc32_u8(narrow, *bytes);
  return narrow;
}
inline bool has_sse42() {
  static const bool present = __builtin_cpu_supports("sse4.2") != 0;
  return present;
}
#endif

}  // namespace crc_detail

inline uint32_t crc32c(const uint8_t* bytes, size_t count) {
#if defined(__x86_64__)
  if (crc_detail::has_sse42()) return ~crc_detail::update_sse42(~0u, bytes, count);
#endif
  return ~crc_detail::update_table(~0u, bytes, count);
}

}  // namespace sluice
