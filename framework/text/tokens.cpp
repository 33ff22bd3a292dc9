// SPDX-License-Identifier: Apache-2.0
// Splits texts into characters and words, standardized or not; reads whole files of text.
#include <algorithm>
#include <filesystem>

#include <tempo/error.hpp>
#include <tempo/text.hpp>

#include "io/encoding.hpp"
#include "io/source.hpp"
#include "plugin/utf8.hpp"
#include "text/files.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view blank = " \t\n\v\f\r";
constexpr std::string_view punctuation = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'";

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string without_punctuation(std::string text) {
  std::erase_if(text, [](char c) { return punctuation.find(c) != punctuation.npos; });
  return text;
}

}  // namespace

std::vector<fs::path> files_at(const std::string& path) {
  return reading(path, [&] {
    std::vector<fs::path> files{path};
    if (!fs::is_directory(path)) return files;
    files.clear();
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  });
}

std::string text_of_file(const fs::path& file, const std::string& encoding) {
  const std::string text = to_utf8(FileSource(file).text(), encoding, file.string());
  return text.substr(text.starts_with("\xef\xbb\xbf") ? 3 : 0);
}

Tokens characters(std::string_view text) {
  Tokens out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 0)
      throw Error("characters: byte " + std::to_string(i) + " of " + in_quotes(text) +
                  " begins no character of UTF-8.\n  read_text, read_tagged and read_table convert "
                  "another .encoding.");
    out.emplace_back(text.substr(i, length));
    i += length;
  }
  return out;
}

Tokens words(std::string_view text) {
  Tokens out;
  for (std::size_t at = text.find_first_not_of(blank); at != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(blank, at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(blank, end);
  }
  return out;
}

std::string standardize(std::string_view text, const std::string& how) {
  std::string out(text);
  if (how == "lower_and_strip_punctuation") return without_punctuation(lower(out));
  if (how == "lower") return lower(out);
  if (how == "strip_punctuation") return without_punctuation(out);
  if (how != "none")
    unknown_name("standardize", "standardization", how,
                 {"lower_and_strip_punctuation", "lower", "strip_punctuation", "none"});
  return out;
}

std::string read_text(const std::string& path, const ReadTextOptions& options) {
  if (options.most < 0)
    throw Error("read_text: most is " + std::to_string(options.most) +
                "; it must be at least 1 byte, or 0 for all.");
  const std::size_t most =
      options.most == 0 ? std::string::npos : static_cast<std::size_t>(options.most);
  return reading(path, [&] {
    std::string all;
    for (const fs::path& file : files_at(path)) {
      if (all.size() >= most) break;
      if (!all.empty() && !all.ends_with('\n')) all += '\n';
      all += text_of_file(file, options.encoding);
    }
    std::size_t end = std::min(most, all.size());
    while (end > 0 && end < all.size() && utf8_length(all, end) == 0) --end;
    all.resize(end);
    return all;
  });
}

}  // namespace tempo
