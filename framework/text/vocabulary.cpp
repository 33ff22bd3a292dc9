// SPDX-License-Identifier: Apache-2.0
// Learns a vocabulary from texts, and maps tokens to ids and back.
#include "text/vocabulary.hpp"

#include <algorithm>

#include <tempo/error.hpp>
#include <tempo/names.hpp>

#include "io/encoding.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

int64_t reserved(const VocabularyOptions& o) { return int64_t{o.padding} + int64_t{o.unknown}; }

VocabularyOptions required(VocabularyOptions o) {
  if (o.split != "whitespace" && o.split != "character")
    unknown_name("Vocabulary", "split", o.split, {"whitespace", "character"});
  if (o.standardize == "automatic")
    o.standardize = o.split == "character" ? "none" : "lower_and_strip_punctuation";
  standardize("", o.standardize);
  if (o.max_tokens < 0 || o.min_count < 1)
    throw Error("Vocabulary: max_tokens is " + std::to_string(o.max_tokens) + " and min_count " +
                std::to_string(o.min_count) +
                "; the first must be at least 0 (which is no limit), the second at least 1.");
  if (o.max_tokens > 0 && o.max_tokens <= reserved(o))
    throw Error("Vocabulary: max_tokens is " + std::to_string(o.max_tokens) + ", of which " +
                std::to_string(reserved(o)) +
                " are the ids of padding and of unknown tokens, so that no token has one.\n  Give "
                "more, or 0 for any number.");
  return o;
}

Tokens tokens_of(const std::string& text, const VocabularyOptions& o) {
  const std::string standard = standardize(text, o.standardize);
  return o.split == "character" ? characters(standard) : words(standard);
}

Tokens learned(const std::unordered_map<std::string, int64_t>& counts, const VocabularyOptions& o) {
  std::vector<std::pair<int64_t, std::string>> all;
  for (const auto& [token, count] : counts) {
    const bool has_its_id = (o.padding && token.empty()) || (o.unknown && token == unknown_token);
    if (count >= o.min_count && !has_its_id) all.emplace_back(count, token);
  }
  std::sort(all.rbegin(), all.rend());
  if (o.max_tokens > 0) {
    const int64_t most = std::max<int64_t>(o.max_tokens - reserved(o), 0);
    if (static_cast<int64_t>(all.size()) > most) all.resize(static_cast<std::size_t>(most));
  }
  Tokens out;
  for (auto& [count, token] : all) out.push_back(std::move(token));
  return out;
}

}  // namespace

Vocabulary::State::State(const VocabularyOptions& its_options, const Tokens& learned_ones)
    : options(required(its_options)) {
  if (options.padding) tokens.push_back("");
  if (options.unknown) tokens.push_back(unknown_token);
  tokens.insert(tokens.end(), learned_ones.begin(), learned_ones.end());
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (!ids.emplace(tokens[i], static_cast<int64_t>(i)).second)
      throw Error("Vocabulary: the token " + in_quotes(tokens[i]) + " is there twice.");
}

Vocabulary::Vocabulary(const std::vector<std::string>& texts, const VocabularyOptions& options) {
  const VocabularyOptions checked = required(options);
  std::unordered_map<std::string, int64_t> counts;
  for (const std::string& text : texts)
    for (const std::string& token : tokens_of(text, checked)) ++counts[token];
  state_ = std::make_shared<State>(checked, learned(counts, checked));
}

Vocabulary::Vocabulary(const std::vector<Tokens>& texts, const VocabularyOptions& options) {
  const VocabularyOptions checked = required(options);
  std::unordered_map<std::string, int64_t> counts;
  for (const Tokens& text : texts)
    for (const std::string& token : text) ++counts[token];
  state_ = std::make_shared<State>(checked, learned(counts, checked));
}

Vocabulary Vocabulary::of(const Tokens& tokens, const VocabularyOptions& options) {
  return Vocabulary(std::make_shared<State>(options, tokens));
}

int Vocabulary::size() const { return static_cast<int>(state_->tokens.size()); }
const Tokens& Vocabulary::tokens() const { return state_->tokens; }
bool Vocabulary::contains(const std::string& token) const { return state_->ids.contains(token); }

int64_t Vocabulary::id(const std::string& token) const {
  const auto found = state_->ids.find(token);
  if (found != state_->ids.end()) return found->second;
  if (state_->options.unknown) return int64_t{state_->options.padding};
  throw Error("Vocabulary: " + in_quotes(token) + " is not in it" +
              sdk::did_you_mean(token, state_->tokens) +
              "\n  With .unknown = true what is not in it has an id of its own.");
}

const std::string& Vocabulary::token(int64_t id) const {
  if (id >= 0 && id < size()) return state_->tokens[static_cast<std::size_t>(id)];
  throw Error("Vocabulary: there is no id " + std::to_string(id) + "; ids are 0 to " +
              std::to_string(size() - 1) + ".");
}

Tokens Vocabulary::split(const std::string& text) const { return tokens_of(text, state_->options); }

std::vector<int64_t> Vocabulary::encode(const std::string& text) const {
  std::vector<int64_t> out;
  for (const std::string& token : split(text)) out.push_back(id(token));
  return out;
}

std::vector<std::vector<int64_t>> Vocabulary::encode(const std::vector<std::string>& texts) const {
  std::vector<std::vector<int64_t>> out;
  for (const std::string& text : texts) out.push_back(encode(text));
  return out;
}

std::vector<std::vector<int64_t>> Vocabulary::encode(const std::vector<Tokens>& texts) const {
  std::vector<std::vector<int64_t>> out;
  for (const Tokens& text : texts) {
    out.emplace_back();
    for (const std::string& token : text) out.back().push_back(id(token));
  }
  return out;
}

Tokens Vocabulary::decode(const std::vector<int64_t>& ids) const {
  Tokens out;
  for (const int64_t id : ids)
    if (const std::string& one = token(id); id != 0 || !state_->options.padding) out.push_back(one);
  return out;
}

std::vector<Tokens> Vocabulary::decode(const Tensor& ids,
                                       const std::vector<int64_t>& lengths) const {
  if (!ids || ids.rank() != 2 || is_floating(ids.dtype()) || ids.dtype() == bool_)
    throw ShapeError("Vocabulary: ids are " +
                     (ids ? to_string(ids.shape(), ids.dtype()) : "Tensor{}") +
                     "; they must be int32 or int64 [batch, time].\n  Of scores [batch, time, "
                     "classes], argmax(y) are the ids.");
  const int64_t rows = ids.shape()[0], time = ids.shape()[1];
  if (!lengths.empty() && static_cast<int64_t>(lengths.size()) != rows)
    throw ShapeError("Vocabulary: there are " + std::to_string(lengths.size()) +
                     " lengths for ids " + to_string(ids.shape(), ids.dtype()) +
                     "; each row has one.");
  std::vector<int64_t> all = ids.to_vector<int64_t>();
  std::vector<Tokens> out;
  for (int64_t row = 0; row < rows; ++row) {
    const auto first = all.begin() + row * time;
    if (lengths.empty()) {
      out.push_back(decode(std::vector<int64_t>(first, first + time)));
      continue;
    }
    const int64_t length = lengths[static_cast<std::size_t>(row)];
    if (length < 0 || length > time)
      throw ShapeError("Vocabulary: row " + std::to_string(row) + " has the length " +
                       std::to_string(length) + " in ids of " + sdk::counted(time, "step") + ".");
    out.emplace_back();
    for (auto at = first; at != first + length; ++at) out.back().push_back(token(*at));
  }
  return out;
}

std::string Vocabulary::join(const Tokens& tokens) const {
  std::string out;
  for (const std::string& token : tokens)
    out += (out.empty() || state_->options.split == "character" ? "" : " ") + token;
  return out;
}

}  // namespace tempo
