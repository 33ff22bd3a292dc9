#include "io/encoding.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <tempo/error.hpp>

namespace tempo {
namespace {

constexpr std::size_t none = std::string_view::npos;

unsigned char at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

// The length of the character that begins at i: 1 to 4, 0 where none does (RFC 3629).
std::size_t character(std::string_view text, std::size_t i) {
  const unsigned char first = at(text, i), second = at(text, i + 1);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t k = 1; k < length; ++k)
    if ((at(text, i + k) & 0xc0) != 0x80) return 0;
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f, beyond = first == 0xf4 && second > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

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
    const std::size_t length = character(text, i);
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
    const std::size_t length = character(text, i);
    const unsigned char byte = at(text, i);
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
