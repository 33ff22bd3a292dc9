// SPDX-License-Identifier: Apache-2.0
// Parses the dictionary in the header of a .npy file, and writes one.
#include "io/tensors/npy_header.hpp"

#include <algorithm>
#include <cstring>

#include "io/encoding.hpp"

namespace tempo {
namespace {

struct Unread {
  char kind;
  const char* what;
  const char* fix;
};
constexpr Unread unread[] = {
    {'c', "complex numbers", "np.save(path, np.stack([a.real, a.imag], -1)) writes their parts."},
    {'O', "Python objects, which only Python reads",
     "np.save(path, a.astype(np.float32)) writes them if they are numbers."},
    {'U', "texts", "np.save(path, a.astype(np.float32)) writes them if they are numbers."},
    {'S', "texts", "np.save(path, a.astype(np.float32)) writes them if they are numbers."},
    {'a', "texts", "np.save(path, a.astype(np.float32)) writes them if they are numbers."},
    {'M', "dates", "np.save(path, a.astype(np.int64)) writes their counts."},
    {'m', "lengths of time", "np.save(path, a.astype(np.int64)) writes their counts."},
    {'V', "bytes without a meaning",
     "np.save(path, a.view(np.uint8)) writes them as numbers; of a structured array, a['field'] "
     "is one field."},
};

class Parser {
 public:
  Parser(const Source& source, std::string_view text, uint64_t bytes)
      : source_(source), text_(text), bytes_(bytes) {}

  NpyHeader read() {
    NpyHeader out;
    expect('{');
    bool seen[3] = {false, false, false};
    while (!take('}')) {
      const std::string key = quoted();
      const auto* found = std::find(std::begin(keys), std::end(keys), key);
      if (found == std::end(keys))
        damaged("has the key " + in_quotes(key) + ", which NumPy's have not");
      if (std::exchange(seen[found - keys], true))
        damaged("has the key " + in_quotes(key) + " twice");
      expect(':');
      if (key == "descr") out.type = dtype();
      if (key == "fortran_order") out.fortran_order = truth();
      if (key == "shape") out.shape = shape();
      if (take('}')) break;
      expect(',');
    }
    for (std::size_t i = 0; i < std::size(keys); ++i)
      if (!seen[i]) damaged("does not say '" + std::string(keys[i]) + "' as NumPy does");
    skip_blanks();
    if (at_ < text_.size()) damaged("has more after its dictionary");
    return out;
  }

 private:
  static constexpr const char* keys[] = {"descr", "fortran_order", "shape"};

  [[noreturn]] void damaged(const std::string& what) const {
    source_.fail("its header " + what + ": " + in_quotes(text_) + ".");
  }

  void skip_blanks() {
    while (at_ < text_.size() && std::strchr(" \t\r\n\v\f", text_[at_]) && text_[at_]) ++at_;
  }
  bool take(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void expect(char c) {
    if (!take(c))
      damaged(std::string("is no dictionary as NumPy writes it; a '") + c + "' is missing");
  }

  std::string quoted() {
    skip_blanks();
    if (at_ + 1 < text_.size() && (text_[at_] == 'u' || text_[at_] == 'b')) ++at_;  // Python 2
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    const std::size_t end = quote == '\'' || quote == '"' ? text_.find(quote, at_ + 1) : text_.npos;
    if (end == text_.npos) damaged("is no dictionary as NumPy writes it; a text is missing");
    const std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }

  bool truth() {
    if (take("True")) return true;
    if (!take("False")) damaged("does not say 'fortran_order' as NumPy does");
    return false;
  }

  // (2, 3), or (2L, 3L) as Python 2 wrote it.
  Shape shape() {
    Shape out;
    const std::size_t from = at_;
    if (!take('(')) damaged("does not say 'shape' as NumPy does");
    while (!take(')')) {
      if (out.rank() == Shape::max_rank)
        source_.fail("its shape has more than " + std::to_string(Shape::max_rank) +
                     " axes, the most that Tempo has.");
      out.push_back(extent());
      if (take(')')) break;
      expect(',');
    }
    if (countable({out.begin(), out.end()}) < 0) fail_uncountable(from);
    return out;
  }

  [[noreturn]] void fail_uncountable(std::size_t from) const {
    source_.fail("shape " + in_quotes(text_.substr(from, at_ - from)) + " cannot be that of " +
                 std::to_string(bytes_) + " bytes.");
  }

  int64_t extent() {
    skip_blanks();
    int64_t value = 0;
    const std::size_t from = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, text_[at_] - '0', &value))
        fail_uncountable(from);
    if (at_ == from) damaged("does not say 'shape' as NumPy does");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;
    return value;
  }

  StoredType dtype() {
    skip_blanks();
    if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '{'))
      source_.fail("its dtype is structured: " + in_quotes(text_.substr(at_)) +
                   ".\n  np.save(path, a['field']) writes one field.");
    return dtype(quoted());
  }

  StoredType dtype(const std::string& descr) const {
    std::string_view s = descr;
    if (!s.empty() && std::string_view("<>=|").find(s[0]) != s.npos) s.remove_prefix(1);
    if (s == "?") s = "b1";
    for (const Unread& u : unread)
      if (s.starts_with(u.kind))
        source_.fail("its dtype '" + descr + "' stands for " + u.what + ".\n  " + u.fix);
    if (s == "f16" || s == "f12" || s == "f10")
      source_.fail("its dtype '" + descr + "' is a long double, which differs between machines.\n" +
                   "  np.save(path, a.astype(np.float64)) writes what other programs read.");
    const StoredFormat* found = stored_format(&StoredFormat::npy, s);
    if (!found)
      source_.fail("dtype '" + descr +
                   "' is not one that Tempo reads: " + names_in(&StoredFormat::npy) +
                   ".\n  np.save(path, a.astype(np.float32)) writes one.");
    StoredType out = found->type;
    out.big_endian = descr.starts_with('>');
    return out;
  }

  const Source& source_;
  std::string_view text_;
  uint64_t bytes_;
  std::size_t at_ = 0;
};

}  // namespace

NpyHeader read_npy_header(const Source& source, std::string_view text, uint64_t bytes) {
  return Parser(source, text, bytes).read();
}

}  // namespace tempo
