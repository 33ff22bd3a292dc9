// SPDX-License-Identifier: Apache-2.0
// Texts in UTF-8 as tokens, and tokens as ids: what an Embedding takes.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// A text as characters or words, or the tags of a sequence.
using Tokens = std::vector<std::string>;

/// The characters of a text, each a Unicode code point. Throws Error if it is not UTF-8.
TEMPO_API Tokens characters(std::string_view text);
/// The words of a text, which ASCII white space separates.
TEMPO_API Tokens words(std::string_view text);
/// Standardizes a text as Keras's TextVectorization: `how` is "lower", "strip_punctuation",
/// "lower_and_strip_punctuation" or "none". Capital letters and punctuation are those of ASCII.
TEMPO_API std::string standardize(std::string_view text,
                                  const std::string& how = "lower_and_strip_punctuation");

struct ReadTextOptions {
  int64_t most = 0;                ///< bytes of UTF-8, cut between two characters; 0: all
  std::string encoding = "UTF-8";  ///< of the file, as in CsvOptions
};

/// The text of a file, as UTF-8 without a byte order mark; of a folder, that of all files below it,
/// in the order of their paths, each beginning a line. Throws FormatError.
TEMPO_API std::string read_text(const std::string& path, const ReadTextOptions& options = {});
TEMPO_OPTIONS(std::string read_text, ReadTextOptions, const std::string&);

struct VocabularyOptions {
  std::string split = "whitespace";  ///< or "character": the tokens of a text
  /// How a text is standardized before it is split; "automatic" is "lower_and_strip_punctuation"
  /// for words and "none" for characters.
  std::string standardize = "automatic";
  int64_t max_tokens = 0;  ///< the most ids, including those of padding and unknown; 0: any number
  int64_t min_count = 1;   ///< tokens that occur less often are unknown
  bool padding = true;     ///< id 0 is padding, "", as pad_sequences and .mask_zero have it
  bool unknown = true;     ///< the next id is "[UNK]", for unknown tokens; else those are Errors
};

/// Tokens and their ids: Keras's TextVectorization and StringLookup. A handle; copies are the same.
///
///     Vocabulary words(reviews, {.max_tokens = 10000});
///     Tensor x = pad_sequences(words.encode(reviews));
///     Sequential model({Embedding({.input_dim = words.size(), .output_dim = 64}), ...});
///     model.set_metadata("words", words.text());       // goes into the file of model.save
///     auto words = Vocabulary::from_text(load_model("m.safetensors").metadata("words"));
class Vocabulary {
 public:
  /// Holds padding and unknown alone.
  Vocabulary() : Vocabulary(std::vector<std::string>{}) {}
  /// The tokens of these texts, the most frequent first; among equally frequent ones, the last in
  /// the order of their bytes comes first, as in Keras.
  TEMPO_API explicit Vocabulary(const std::vector<std::string>& texts,
                                const VocabularyOptions& options = {});
  TEMPO_OPTIONS(Vocabulary, VocabularyOptions, const std::vector<std::string>&);
  /// From texts that are split already.
  TEMPO_API explicit Vocabulary(const std::vector<Tokens>& texts,
                                const VocabularyOptions& options = {});
  Vocabulary(std::initializer_list<std::string> texts, const VocabularyOptions& options = {})
      : Vocabulary(std::vector<std::string>(texts), options) {}
  /// Padding, unknown, then these tokens in this order.
  TEMPO_API static Vocabulary of(const Tokens& tokens, const VocabularyOptions& options = {});

  /// The number of ids, which are 0 to size() - 1.
  TEMPO_API int size() const;
  /// All tokens by id, "" for padding and "[UNK]" for unknown.
  TEMPO_API const Tokens& tokens() const;
  TEMPO_API bool contains(const std::string& token) const;
  /// The id of a token, or of unknown if the token is not in it; without unknown, an Error.
  TEMPO_API int64_t id(const std::string& token) const;
  /// Throws Error for an invalid id.
  TEMPO_API const std::string& token(int64_t id) const;

  /// The tokens of a text, standardized and split.
  TEMPO_API Tokens split(const std::string& text) const;
  TEMPO_API std::vector<int64_t> encode(const std::string& text) const;
  TEMPO_API std::vector<std::vector<int64_t>> encode(const std::vector<std::string>& texts) const;
  /// The same for texts that are split already.
  TEMPO_API std::vector<std::vector<int64_t>> encode(const std::vector<Tokens>& texts) const;
  std::vector<std::vector<int64_t>> encode(std::initializer_list<std::string> texts) const {
    return encode(std::vector<std::string>(texts));
  }

  /// The tokens of ids [time], without padding.
  TEMPO_API Tokens decode(const std::vector<int64_t>& ids) const;
  /// The tokens of each row of ids [batch, time]. If `lengths` are given, only the first lengths[i]
  /// steps of row i count, and it has that many tokens.
  TEMPO_API std::vector<Tokens> decode(const Tensor& ids,
                                       const std::vector<int64_t>& lengths = {}) const;
  /// Tokens as a text, with a space between words.
  TEMPO_API std::string join(const Tokens& tokens) const;

  /// The vocabulary as a text (JSON), for Model::set_metadata or a file; and back, or FormatError.
  TEMPO_API std::string text() const;
  TEMPO_API static Vocabulary from_text(const std::string& text);

 private:
  struct State;
  explicit Vocabulary(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

/// The number of tokens or ids in each sequence.
template <class Sequences>
std::vector<int64_t> lengths_of(const Sequences& sequences) {
  std::vector<int64_t> out;
  for (const auto& one : sequences) out.push_back(static_cast<int64_t>(one.size()));
  return out;
}

/// Sequences of tokens with a tag for each.
struct TaggedTexts {
  std::vector<Tokens> tokens = {};
  std::vector<Tokens> tags = {};
  int64_t size() const { return static_cast<int64_t>(tokens.size()); }
  /// The sequences [begin, end), which must exist.
  TEMPO_API TaggedTexts slice(int64_t begin, int64_t end) const;
};

struct TaggedOptions {
  char separator = '\t';           ///< between columns; the first is the token, the last its tag
  std::string comment = "";        ///< lines that begin with it are skipped: "##" in KLUE; "": none
  std::string encoding = "UTF-8";  ///< of the file, as in CsvOptions
};

/// Reads a file in the form of CoNLL: a token and its tag on each line, an empty line after each
/// sequence; of a folder, all files below it, one after the other. Throws FormatError with the line
/// that has no separator, or is not UTF-8.
TEMPO_API TaggedTexts read_tagged(const std::string& path, const TaggedOptions& options = {});
TEMPO_OPTIONS(TaggedTexts read_tagged, TaggedOptions, const std::string&);

}  // namespace tempo
