// SPDX-License-Identifier: Apache-2.0
// The contents of a Vocabulary.
#pragma once

#include <unordered_map>

#include <tempo/text.hpp>

namespace tempo {

inline constexpr const char* unknown_token = "[UNK]";

struct Vocabulary::State {
  /// `learned` tokens follow padding and unknown. Throws Error for a token that occurs twice or is
  /// one of these two.
  State(const VocabularyOptions& its_options, const Tokens& learned);

  VocabularyOptions options;
  Tokens tokens;  // by id
  std::unordered_map<std::string, int64_t> ids;
};

}  // namespace tempo
