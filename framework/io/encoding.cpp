// SPDX-License-Identifier: Apache-2.0
// Checks UTF-8, converts other encodings, and guesses the encoding if none is given.
#include "io/encoding.hpp"

#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <tempo/error.hpp>
#include <tempo/names.hpp>

#include "plugin/utf8.hpp"

namespace tempo {
namespace {

constexpr std::size_t none = std::string_view::npos;

bool all_ascii(const char* eight) {
  uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  return (word & 0x8080808080808080u) == 0;
}

// UTF-16 or UTF-32, found by the byte order mark or the places of zeros; "" for neither.
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

// "line 3"
std::string line_of(std::string_view text, std::size_t at) {
  return "line " +
         std::to_string(1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
}

// Whether all bytes that are not ASCII come in pairs, as in EUC-KR and similar encodings.
bool is_in_pairs(std::string_view text) {
  const auto high = [&](std::size_t i) {
    return i < text.size() && static_cast<unsigned char>(text[i]) > 0xa0;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) < 0x80) continue;
    if (!high(i) || !high(i + 1)) return false;
    ++i;
  }
  return true;
}

void require_utf8(std::string_view text, const std::string& name) {
  if (const std::string wide = wide_encoding(text); !wide.empty())
    throw FormatError(name + ": its text is " + wide + ", not UTF-8.\n  .encoding = \"" + wide +
                      "\" reads it.");
  const std::size_t wrong = first_not_utf8(text), zero = text.find('\0');
  const std::size_t first = std::min(wrong, zero);
  if (first == none) return;
  const std::string where = name + ": " + line_of(text, first) + ": ";
  if (first == zero) throw FormatError(where + "a byte of 0: this is not a text file.");
  throw FormatError(where + "its text is not UTF-8, but " +
                    (is_in_pairs(text) ? "EUC-KR if it is Korean.\n  .encoding = \"cp949\" reads "
                                         "it; \"gb18030\" is usual where it is Chinese, "
                                         "\"shift_jis\" where it is Japanese."
                                       : "seems to be of western Europe.\n  .encoding = "
                                         "\"latin-1\" reads it, \"cp1252\" what Windows wrote; "
                                         "\"cp949\" is usual where it is Korean."));
}

class Conversion {
 public:
  explicit Conversion(const std::string& from) : iconv_(::iconv_open("UTF-8", from.c_str())) {}
  ~Conversion() {
    if (*this) ::iconv_close(iconv_);
  }
  Conversion(const Conversion&) = delete;
  Conversion& operator=(const Conversion&) = delete;
  explicit operator bool() const { return iconv_ != reinterpret_cast<iconv_t>(-1); }

  // Converts as much as possible; `at` becomes the place of the first unconverted byte.
  std::string convert(std::string& bytes, std::size_t& at) const {
    std::string out, piece(std::size_t{1} << 16, '\0');
    char* from = bytes.data();
    std::size_t left = bytes.size();
    for (bool whole = false; !whole;) {
      char* to = piece.data();
      std::size_t room = piece.size();
      const bool last = left == 0;  // asks for what iconv holds back to combine it with a next one
      const bool stopped = ::iconv(iconv_, last ? nullptr : &from, &left, &to, &room) ==
                           static_cast<std::size_t>(-1);
      const bool full = stopped && errno == E2BIG;
      whole = !full && (last || stopped);
      out.append(piece, 0, piece.size() - room);
    }
    at = bytes.size() - left;
    return out;
  }

 private:
  iconv_t iconv_;
};

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

std::string to_utf8(std::string bytes, const std::string& encoding, const std::string& name) {
  const std::string word = sdk::in_small_letters(encoding);
  if (word == "utf-8" || word == "utf8" || word == "utf-8-sig") {
    require_utf8(bytes, name);
    return bytes;
  }
  const Conversion conversion(word == "latin-1" ? "LATIN1" : encoding);
  if (!conversion)
    throw Error(name + ": .encoding is " + in_quotes(encoding) +
                ", which iconv does not know; \"UTF-8\", \"latin-1\", \"cp1252\", \"cp949\", "
                "\"UTF-16\", ...\n  `iconv -l` lists what it does know.");
  if (bytes.starts_with("\xef\xbb\xbf"))
    throw FormatError(name + ": it begins with the mark of UTF-8, and .encoding is " +
                      in_quotes(encoding) +
                      ".\n  .encoding = \"UTF-8\" is right, and the default.");
  std::size_t at = 0;
  std::string text = conversion.convert(bytes, at);
  if (at < bytes.size())
    throw FormatError(name + ": " + line_of(text, text.size()) + ": its text is not " + encoding +
                      ", as .encoding says: there is the byte " +
                      in_quotes(std::string_view(bytes).substr(at, 1)) + " at " +
                      std::to_string(at) + ".");
  if (const std::size_t zero = text.find('\0'); zero != none)
    throw FormatError(name + ": " + line_of(text, zero) +
                      ": a character of 0: this is not a text in " + encoding + ".");
  return text;
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
