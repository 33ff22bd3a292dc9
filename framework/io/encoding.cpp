// SPDX-License-Identifier: Apache-2.0
// Checks UTF-8, and guesses what a text is encoded as instead.
#include "io/encoding.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <tempo/error.hpp>

#include "plugin/utf8.hpp"

namespace tempo {
namespace {

constexpr std::size_t none = std::string_view::npos;

bool all_ascii(const char* eight) {
  uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  return (word & 0x8080808080808080u) == 0;
}

// UTF-16 or UTF-32, by its byte order mark or by where its zeros lie; "" for neither.
std::string wide_encoding(std::string_view text) {
  if (text.starts_with(std::string_view("\xff\xfe\0\0", 4))) return "UTF-32";
  if (text.starts_with(std::string_view("\0\0\xfe\xff", 4))) return "UTF-32";
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return "UTF-16";
  constexpr std::size_t looked_at = 1000;
  std::size_t zeros[2] = {0, 0};
  const std::size_t size = std::min(text.size(), looked_at) / 2 * 2;
  for (std::size_t i = 0; i < size; ++i) zeros[i % 2] += text[i] == '\0';
  const std::size_t most = std::max(zeros[0], zeros[1]), least = std::min(zeros[0], zeros[1]);
  if (most <= size / 4 || least > most / 4) return "";
  return zeros[1] > zeros[0] ? "UTF-16LE" : "UTF-16BE";
}

std::string conversion(const std::string& encoding, const std::string& name) {
  return "iconv -f " + encoding + " -t UTF-8 '" + name + "' > converted";
}

}  // namespace

std::size_t first_not_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (i + 8 <= text.size() && all_ascii(text.data() + i)) {
      i += 8;
      continue;
    }
    const std::size_t length = utf8_length(text, i);
    if (length == 0) return i;
    i += length;
  }
  return none;
}

void require_utf8(std::string_view text, const std::string& name) {
  if (const std::string wide = wide_encoding(text); !wide.empty())
    throw FormatError(name + ": its text is " + wide + ", not UTF-8.\n  " + conversion(wide, name) +
                      " makes it so.");
  const std::size_t wrong = first_not_utf8(text), zero = text.find('\0');
  const std::size_t first = std::min(wrong, zero);
  if (first == none) return;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(first), '\n');
  const std::string where = name + ": line " + std::to_string(line) + ": ";
  if (first == zero) throw FormatError(where + "a byte of 0: this is not a text file.");
  throw FormatError(where + "its text is not UTF-8.\n  " + conversion("EUC-KR", name) +
                    " makes it so where it is Korean;\n  WINDOWS-1252 in place of EUC-KR is usual "
                    "in western Europe, GB18030 in China, SHIFT_JIS in Japan.");
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t shown = 40;
  constexpr const char* digits = "0123456789abcdef";
  std::string out = "\"";
  std::size_t i = 0;
  while (i < text.size() && i < shown) {
    const std::size_t length = utf8_length(text, i);
    const auto byte = static_cast<unsigned char>(text[i]);
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      out.append("\\x").append({digits[byte / 16], digits[byte % 16]});
      ++i;
    } else {
      out.append(text.substr(i, length));
      i += length;
    }
  }
  return out + (i < text.size() ? "...\"" : "\"");
}

}  // namespace tempo
