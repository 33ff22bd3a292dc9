// SPDX-License-Identifier: Apache-2.0
// The checksum of event files.
#pragma once

#include <cstdint>
#include <string_view>

namespace tempo {

/// CRC-32C (Castagnoli et al., 1993): of the polynomial 0x1EDC6F41.
uint32_t crc32c(std::string_view bytes);

/// As TFRecords hold it, so that a checksum of bytes that hold checksums is none of them.
inline uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

}  // namespace tempo
