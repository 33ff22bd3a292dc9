// SPDX-License-Identifier: Apache-2.0
// UTF-8 (RFC 3629), the one encoding of texts in Tempo.
#pragma once

#include <cstddef>
#include <string_view>

namespace tempo {

/// How many bytes the character that begins at text[i] has: 1 to 4, or 0 where none begins.
std::size_t utf8_length(std::string_view text, std::size_t i = 0);
/// Whether it is made of characters alone.
bool is_utf8(std::string_view text);

}  // namespace tempo
