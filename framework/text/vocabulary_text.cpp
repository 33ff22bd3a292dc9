// SPDX-License-Identifier: Apache-2.0
// Writes a vocabulary as JSON, and reads it from untrusted JSON.
#include <nlohmann/json.hpp>

#include "io/json_reader.hpp"
#include "io/json_values.hpp"
#include "text/vocabulary.hpp"

namespace tempo {

using json = nlohmann::ordered_json;

namespace {

constexpr int version = 1;
constexpr std::size_t deepest = 2, most_tokens = 100'000'000;

bool bool_of(const json& value, const std::string& what) {
  if (!value.is_boolean()) throw FormatError(what + " is neither true nor false.");
  return value.get<bool>();
}

}  // namespace

std::string Vocabulary::text() const {
  const VocabularyOptions& o = state_->options;
  const std::ptrdiff_t reserved = std::ptrdiff_t{o.padding} + std::ptrdiff_t{o.unknown};
  const json out = {{"version", version},
                    {"split", o.split},
                    {"standardize", o.standardize},
                    {"padding", o.padding},
                    {"unknown", o.unknown},
                    {"tokens", Tokens(state_->tokens.begin() + reserved, state_->tokens.end())}};
  try {
    return out.dump();
  } catch (const json::exception& e) {
    throw Error(std::string("Vocabulary: a token is not UTF-8: ") + e.what());
  }
}

Vocabulary Vocabulary::from_text(const std::string& text) {
  const auto damaged = [](const std::string& why) -> FormatError {
    return FormatError("Vocabulary: its text is damaged: " + why);
  };
  try {
    const json in = read_json<json>(text, deepest);
    if (const int64_t n = integer_of(in.at("version"), "its version"); n != version)
      throw FormatError("it is of version " + std::to_string(n) + "; this Tempo reads version " +
                        std::to_string(version) + ".");
    VocabularyOptions options{.split = text_of(in.at("split"), "split"),
                              .standardize = text_of(in.at("standardize"), "standardize"),
                              .padding = bool_of(in.at("padding"), "padding"),
                              .unknown = bool_of(in.at("unknown"), "unknown")};
    Tokens tokens;
    for (const json& token : list_of(in.at("tokens"), most_tokens, "tokens"))
      tokens.push_back(text_of(token, "a token"));
    return of(tokens, options);
  } catch (const json::exception& e) {
    const std::string why = e.what();  // "[json.exception.out_of_range.403] key 'split' not found"
    const std::size_t end = why.find("] ");
    throw damaged((end == why.npos ? why : why.substr(end + 2)) + '.');
  } catch (const Error& e) {
    throw damaged(e.what());
  }
}

}  // namespace tempo
