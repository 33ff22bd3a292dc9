// SPDX-License-Identifier: Apache-2.0
// Words of error texts: of a name that is not known, the nearest one that is, and all that are;
// numbers of things.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <tempo/export.hpp>

namespace tempo TEMPO_HIDDEN {
namespace sdk {

/// How many letters must be put in, taken out or replaced to turn a into b (Levenshtein, 1966).
inline std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

inline std::string in_small_letters(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// The nearest of the known names that `name` may be a slip of, the first of equally near ones: a
/// third of the longer one's letters differ at most (two in short ones, for a swap), one begins
/// with the other, or the known one has it within. Capital letters are the same as small ones. ""
/// for none.
inline std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
  const std::string word = in_small_letters(name);
  std::string nearest;
  std::size_t least = std::string::npos;
  for (const std::string& candidate : known) {
    const std::string c = in_small_letters(candidate);
    const bool begins = !word.empty() && !c.empty() && (c.starts_with(word) || word.starts_with(c));
    const bool within = word.size() > 2 && c.find(word) != c.npos;
    const std::size_t longer = std::max(word.size(), c.size());
    const std::size_t most = std::max(longer / 3, std::min(longer / 2, std::size_t{2}));
    const std::size_t distance = edit_distance(word, c);
    if (!(begins || within || distance <= most) || distance >= least) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
}

/// The end of a sentence on a name that is not known: "; did you mean `relu`?", or ".".
inline std::string did_you_mean(const std::string& name, const std::vector<std::string>& known) {
  const std::string near = suggestion(name, known);
  return near.empty() ? "." : "; did you mean `" + near + "`?";
}

/// "1 step", "2 steps"
inline std::string counted(int64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

/// "a, b, c"
inline std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace sdk
}  // namespace tempo
