// SPDX-License-Identifier: Apache-2.0
// Whether bytes are text as Tempo reads and writes it: UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace tempo {

/// Where the first byte lies that is not part of a UTF-8 character; npos when all is well.
std::size_t first_not_utf8(std::string_view text);

/// The text of a file, from the encoding that it is said to be in, as Python or iconv call it.
/// Throws FormatError where it is not, with what it seems to be instead; `name` is the file's.
std::string to_utf8(std::string bytes, const std::string& encoding, const std::string& name);

/// A text in quotes for an error: cut when it is long, and what cannot be printed as \xNN.
std::string in_quotes(std::string_view text);

}  // namespace tempo
