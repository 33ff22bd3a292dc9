// SPDX-License-Identifier: Apache-2.0
// CRC-32C, one byte at a time with a crc_table.
#include "io/pictures/crc32c.hpp"

#include <array>

namespace tempo {

namespace {

constexpr std::array<uint32_t, 256> crc_table = [] {
  std::array<uint32_t, 256> out{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
    out[i] = crc;
  }
  return out;
}();

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char c : bytes) crc = (crc >> 8) ^ crc_table[(crc ^ static_cast<uint8_t>(c)) & 0xffU];
  return ~crc;
}

}  // namespace tempo
