// SPDX-License-Identifier: Apache-2.0
// Whether bytes are text as Tempo reads and writes it: UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace tempo {

/// Where the first byte lies that is not part of a UTF-8 character; npos when all is well.
std::size_t first_not_utf8(std::string_view text);

/// Throws FormatError when the text of a file is not UTF-8: what it seems to be instead, and the
/// command that converts it. `name` is the file's.
void require_utf8(std::string_view text, const std::string& name);

/// A text in quotes for an error: cut when it is long, and what cannot be printed as \xNN.
std::string in_quotes(std::string_view text);

}  // namespace tempo
