// SPDX-License-Identifier: Apache-2.0
// UTF-8 (RFC 3629), the one encoding of texts in Tempo.
#pragma once

#include <cstddef>
#include <string_view>

namespace tempo {

/// The length in bytes, 1 to 4, of the character that begins at text[i]; 0 if none begins there.
std::size_t utf8_length(std::string_view text, std::size_t i = 0);
/// Whether the text is valid UTF-8.
bool is_utf8(std::string_view text);

}  // namespace tempo
