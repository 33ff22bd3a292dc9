// SPDX-License-Identifier: Apache-2.0
// Lists of words in one text, as descriptions have them.
#pragma once

#include <string>
#include <vector>

namespace tempo {

/// The words that '|' separates, empty ones included; no words for NULL.
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
