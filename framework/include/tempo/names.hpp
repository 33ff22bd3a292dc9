// SPDX-License-Identifier: Apache-2.0
// Pieces of messages: the nearest known name to an unknown one, lists of names, counts of things,
// lines.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <tempo/export.hpp>

namespace tempo TEMPO_HIDDEN {
namespace sdk {

/// The least number of edits that turn a into b: a letter is inserted, removed, replaced, or
/// swapped with the next one (Damerau, 1964).
inline std::size_t edit_distance(const std::string& a, const std::string& b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cost((a.size() + 1) * width);
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      std::size_t& least = cost[i * width + j] = std::max(i, j);
      if (i == 0 || j == 0) continue;
      const std::size_t* const here = &least;
      least = std::min({here[-1] + 1, *(here - width) + 1,
                        *(here - width - 1) + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        least = std::min(least, *(here - 2 * width - 2) + 1);
    }
  return cost.back();
}

/// The first letters of its words: "rmse" for "root_mean_squared_error".
inline std::string first_letters(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (name[i] != '_' && (i == 0 || name[i - 1] == '_')) out += name[i];
  return out;
}

inline std::string in_small_letters(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// The nearest known name of which `name` may be a misspelling, the first of equally near ones; ""
/// if there is none. Either at most a third of the longer name's letters differ, or one begins with
/// the other, or the known name contains `name`, or `name` is the first letters of its words. A
/// short name is mostly an abbreviation, in which each letter counts: its first letter must be the
/// same, so `rmse` is no misspelling of `mse`. Case does not matter.
inline std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
  const std::string word = in_small_letters(name);
  std::string nearest;
  std::size_t least = std::string::npos;
  for (const std::string& candidate : known) {
    const std::string c = in_small_letters(candidate);
    const bool begins = !word.empty() && !c.empty() && (c.starts_with(word) || word.starts_with(c));
    const bool within = word.size() > 2 && c.find(word) != c.npos;
    const std::size_t longer = std::max(word.size(), c.size());
    const bool short_of_it = word.size() > 2 && word == first_letters(c);
    const bool may_slip = longer > 4 || word.substr(0, 1) == c.substr(0, 1) ||
                          (longer > 1 && word.substr(0, 1) == c.substr(1, 1));
    const std::size_t most = may_slip ? std::max(longer / 3, std::size_t{longer > 2}) : 0;
    const std::size_t distance = short_of_it ? 0 : edit_distance(word, c);
    if (!(begins || within || distance <= most) || distance >= least) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
}

/// The end of a sentence about an unknown name: "; did you mean `relu`?", or ".".
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

/// Whether a text is one of those that `choices` joins by '|'.
inline bool among(const std::string& choices, const std::string& text) {
  return text.find('|') == text.npos && ("|" + choices + "|").find("|" + text + "|") != text.npos;
}

/// The text with blanks at its end, at least `width` letters long.
inline std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

/// The text with `by` before each line but the first.
inline std::string indented(const std::string& text, const std::string& by) {
  std::string out;
  for (const char c : text) out += c == '\n' ? "\n" + by : std::string(1, c);
  return out;
}

}  // namespace sdk
}  // namespace tempo
