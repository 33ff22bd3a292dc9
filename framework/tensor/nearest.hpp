// The nearest name: for "did you mean".
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace tempo {

/// How many letters must be put in, taken out or replaced to turn a into b (Levenshtein, 1966);
/// capital letters are the same as small ones.
inline std::size_t edit_distance(const std::string& a, const std::string& b) {
  const auto same = [](char x, char y) {
    const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return small(x) == small(y);
  };
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (same(a[i], b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

/// The candidate that `word` is nearest to, the first of equally near ones; "" when there are none.
inline std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  const auto best = std::min_element(candidates.begin(), candidates.end(),
                                     [&](const std::string& a, const std::string& b) {
                                       return edit_distance(word, a) < edit_distance(word, b);
                                     });
  return best == candidates.end() ? "" : *best;
}

/// The nearest candidate that `word` may be a slip of: a third of the longer word's letters
/// differ at most (two in short ones, for a swap), one begins with the other, or the candidate has
/// it within. "" for none.
inline std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  std::vector<std::string> likely;
  for (const std::string& c : candidates) {
    const bool begins = !word.empty() && !c.empty() && (c.starts_with(word) || word.starts_with(c));
    const bool within = word.size() > 2 && c.find(word) != c.npos;
    const std::size_t longer = std::max(word.size(), c.size());
    const std::size_t most = std::max(longer / 3, std::min(longer / 2, std::size_t{2}));
    if (begins || within || edit_distance(word, c) <= most) likely.push_back(c);
  }
  return nearest(word, likely);
}

}  // namespace tempo
