// SPDX-License-Identifier: Apache-2.0
// Reads files of tokens with their tags.
#include <algorithm>

#include <tempo/error.hpp>
#include <tempo/text.hpp>

#include "io/encoding.hpp"
#include "io/source.hpp"
#include "text/files.hpp"

namespace tempo {

TaggedTexts TaggedTexts::slice(int64_t begin, int64_t end) const {
  if (begin < 0 || begin > end || end > size() || tags.size() != tokens.size())
    throw Error("TaggedTexts: slice(" + std::to_string(begin) + ", " + std::to_string(end) +
                ") of " + std::to_string(size()) + " sequences, with tags for " +
                std::to_string(tags.size()) + ".");
  return {{tokens.begin() + begin, tokens.begin() + end},
          {tags.begin() + begin, tags.begin() + end}};
}

namespace {

void read_into(TaggedTexts& out, const std::filesystem::path& file, const TaggedOptions& options) {
  const std::string text = text_of_file(file, options.encoding);
  bool inside = false;  // whether it is inside of a sequence
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!options.comment.empty() && line.starts_with(options.comment)) continue;
    if (line.empty()) {
      inside = false;
      continue;
    }
    const std::size_t first = line.find(options.separator), last = line.rfind(options.separator);
    if (first == line.npos || first == 0 || last + 1 == line.size())
      throw FormatError(file.string() + ": line " + std::to_string(number) + ": " +
                        in_quotes(line) + " is not a token and its tag with " +
                        (options.separator == '\t' ? "a tab" : in_quotes({&options.separator, 1})) +
                        " between.\n  .separator and .comment say how the file is written.");
    if (!inside) {
      out.tokens.emplace_back();
      out.tags.emplace_back();
    }
    inside = true;
    out.tokens.back().emplace_back(line.substr(0, first));
    out.tags.back().emplace_back(line.substr(last + 1));
  }
}

}  // namespace

TaggedTexts read_tagged(const std::string& path, const TaggedOptions& options) {
  return reading(path, [&] {
    TaggedTexts out;
    for (const std::filesystem::path& file : files_at(path)) read_into(out, file, options);
    return out;
  });
}

}  // namespace tempo
