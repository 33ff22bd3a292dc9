// SPDX-License-Identifier: Apache-2.0
// Checks and converts bytes to the encoding of texts in Tempo: UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace tempo {

/// The place of the first byte that is not part of a UTF-8 character; npos if there is none.
std::size_t first_not_utf8(std::string_view text);

/// The text of a file in the given encoding, a name that Python or iconv know. Throws FormatError
/// if it is in another one, and guesses which; `name` is the file's.
std::string to_utf8(std::string bytes, const std::string& encoding, const std::string& name);

/// A text in quotes for an error: shortened if it is long, with \xNN for unprintable bytes.
std::string in_quotes(std::string_view text);

}  // namespace tempo
