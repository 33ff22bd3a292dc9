// SPDX-License-Identifier: Apache-2.0
// The checksum of event files.
#pragma once

#include <cstdint>
#include <string_view>

namespace tempo {

/// CRC-32C (Castagnoli et al., 1993), with the polynomial 0x1EDC6F41.
uint32_t crc32c(std::string_view bytes);

/// The form that TFRecords hold, so that a checksum of bytes with checksums in them stays safe.
inline uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

}  // namespace tempo
