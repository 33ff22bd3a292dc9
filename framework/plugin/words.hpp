// SPDX-License-Identifier: Apache-2.0
// Lists of words as descriptions have them: in one text.
#pragma once

#include <string>
#include <vector>

namespace tempo {

/// The words that '|' joins, empty ones too; none of NULL.
inline std::vector<std::string> words_of(const char* joined) {
  if (!joined) return {};
  std::vector<std::string> words{""};
  for (const char* c = joined; *c; ++c)
    if (*c == '|')
      words.emplace_back();
    else
      words.back() += *c;
  return words;
}

}  // namespace tempo
