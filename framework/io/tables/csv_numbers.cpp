// SPDX-License-Identifier: Apache-2.0
// Exact numbers from CSV fields; for others, an error that guesses the style of the number.
#include "io/tables/csv_numbers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <tempo/names.hpp>

namespace tempo {
namespace {

// Styles of numbers in other countries: 1,234.5 and 1.234,5 and 1 234,5 and 1'234.5.
struct Style {
  char decimal, thousands;
};
constexpr Style styles[] = {{'.', ','}, {',', '\0'}, {',', '.'},
                            {'.', ' '}, {',', ' '},  {'.', '\''}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_from(std::string_view s, std::size_t at) {
  std::size_t end = at;
  while (end < s.size() && is_digit(s[end])) ++end;
  return end - at;
}

// The length of the separator of thousands at `at`. For a blank, the no-break spaces U+00A0 and
// U+202F and the thin space U+2009 count, too.
std::size_t separator_at(std::string_view s, std::size_t at, char thousands) {
  if (thousands == '\0' || at >= s.size()) return 0;
  if (s[at] == thousands) return 1;
  if (thousands != ' ') return 0;
  for (const std::string_view blank : {"\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"})
    if (s.substr(at).starts_with(blank)) return blank.size();
  return 0;
}

// Removes a sign; the typographic minus (U+2212) is one, too.
std::string_view without_sign(std::string_view s, bool& negative) {
  constexpr std::string_view minus = "\xe2\x88\x92";
  negative = s.starts_with('-') || s.starts_with(minus);
  if (s.starts_with('-') || s.starts_with('+')) return s.substr(1);
  return s.starts_with(minus) ? s.substr(minus.size()) : s;
}

bool is_infinity(std::string_view s) {
  const std::string word = sdk::in_small_letters(std::string(s));
  return word == "inf" || word == "infinity";
}

// Digits without a point, the first and the last not 0, times a power of ten; no digits for 0.
struct Decimal {
  bool negative = false;
  std::string digits = {};
  int64_t power = 0;
  // The number of digits before the point; if it is -n, there are n zeros after the point first.
  int64_t first_place() const {
    return digits.empty() ? 0 : static_cast<int64_t>(digits.size()) + power;
  }
};

// From a number as `standard` returns it.
Decimal decimal_of(std::string_view text) {
  Decimal out;
  out.negative = text.front() == '-';
  text.remove_prefix(out.negative);
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  auto& [negative, digits, power] = out;
  if (e < text.size()) {
    const char* from = text.data() + e + 1 + (text[e + 1] == '+');
    constexpr int64_t absurd = int64_t{1} << 40;
    if (std::from_chars(from, text.data() + text.size(), power).ec != std::errc())
      power = text[e + 1] == '-' ? -absurd : absurd;
    power = std::clamp(power, -absurd, absurd);
  }
  digits = text.substr(0, e);
  if (const std::size_t point = digits.find('.'); point != digits.npos) {
    power -= static_cast<int64_t>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  for (; !digits.empty() && digits.back() == '0'; ++power) digits.pop_back();
  return out;
}

}  // namespace

CsvNumbers::CsvNumbers(const CsvOptions& options)
    : decimal_(options.decimal),
      thousands_(options.thousands),
      missing_words_(options.missing_words) {}

bool CsvNumbers::is_missing(std::string_view field) const {
  if (field.empty()) return true;
  if (missing_words_)
    return std::find(missing_words_->begin(), missing_words_->end(), field) !=
           missing_words_->end();
  constexpr std::array<std::string_view, 10> words = {"na",   "n/a", "nan", "-nan", "null",
                                                      "none", "?",   "-",   "#n/a", "<na>"};
  constexpr std::size_t longest = 4;
  return field.size() <= longest &&
         std::find(words.begin(), words.end(), sdk::in_small_letters(std::string(field))) !=
             words.end();
}

bool CsvNumbers::is_number(std::string_view field) const {
  std::string buffer;
  return !standard(field, buffer).empty();
}

std::string_view CsvNumbers::standard(std::string_view field, std::string& buffer) const {
  bool negative = false;
  const std::string_view s = without_sign(field, negative);
  buffer = negative ? "-" : "";
  if (is_infinity(s)) return buffer += "inf";

  std::size_t at = digits_from(s, 0), digits = at;
  buffer += s.substr(0, at);
  bool first_group = true;
  while (const std::size_t width = separator_at(s, at, thousands_)) {
    if ((first_group && (at < 1 || at > 3)) || digits_from(s, at + width) != 3) return {};
    buffer += s.substr(at + width, 3);
    at += width + 3;
    first_group = false;
  }
  if (at < s.size() && s[at] == decimal_) {
    const std::size_t fraction = digits_from(s, at + 1);
    buffer.append(1, '.').append(s.substr(at + 1, fraction));
    digits += fraction;
    at += 1 + fraction;
  }
  if (digits == 0) return {};
  if (at < s.size() && (s[at] == 'e' || s[at] == 'E')) {
    const std::size_t sign = at + 1 < s.size() && (s[at + 1] == '-' || s[at + 1] == '+');
    const std::size_t exponent = digits_from(s, at + 1 + sign);
    if (exponent == 0) return {};
    buffer += s.substr(at, 1 + sign + exponent);
    at += 1 + sign + exponent;
  }
  return at == s.size() ? std::string_view(buffer) : std::string_view();
}

template <class T>
CsvNumbers::Problem CsvNumbers::real(std::string_view field, T& out) const {
  std::string buffer;
  const std::string_view text = standard(field, buffer);
  if (text.empty()) return Problem::no_number;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc()) return Problem::none;
  // Out of range: too large, or so small that the nearest number is 0 or subnormal.
  const Decimal number = decimal_of(text);
  if (number.first_place() > 0) return Problem::range;
  double value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
    value = number.negative ? -0.0 : 0.0;
  out = static_cast<T>(value);
  return Problem::none;
}

template <class T>
CsvNumbers::Problem CsvNumbers::whole(std::string_view field, T& out) const {
  std::string buffer;
  const std::string_view text = standard(field, buffer);
  if (text.empty()) return Problem::no_number;
  if (text.ends_with("inf")) return Problem::range;
  auto [negative, digits, power] = decimal_of(text);
  out = 0;
  if (digits.empty()) return Problem::none;
  if (power < 0) return Problem::fraction;
  constexpr int64_t most_digits = 19;  // digits of an int64
  if (static_cast<int64_t>(digits.size()) + power > most_digits) return Problem::range;
  digits.append(static_cast<std::size_t>(power), '0');
  if (negative) digits.insert(0, 1, '-');
  return std::from_chars(digits.data(), digits.data() + digits.size(), out).ec == std::errc()
             ? Problem::none
             : Problem::range;
}
CsvNumbers::Problem CsvNumbers::read(std::string_view field, float& out) const {
  return real(field, out);
}
CsvNumbers::Problem CsvNumbers::read(std::string_view field, double& out) const {
  return real(field, out);
}
CsvNumbers::Problem CsvNumbers::read(std::string_view field, int32_t& out) const {
  return whole(field, out);
}
CsvNumbers::Problem CsvNumbers::read(std::string_view field, int64_t& out) const {
  return whole(field, out);
}

CsvNumbers::Problem CsvNumbers::read(std::string_view field, bool& out) const {
  const std::string word = sdk::in_small_letters(std::string(field));
  int64_t number = 0;
  if (word == "true" || word == "false")
    number = word == "true";
  else if (whole(field, number) != Problem::none || number < 0 || number > 1)
    return Problem::no_truth;
  out = number == 1;
  return Problem::none;
}

std::string CsvNumbers::advice(std::string_view field) const {
  std::string text;
  for (const auto& [decimal, thousands] : styles) {
    CsvOptions style;
    style.decimal = decimal;
    style.thousands = thousands;
    std::string buffer, options;
    const std::string number(CsvNumbers(style).standard(field, buffer));
    if (number.empty() || text.find(' ' + number + '?') != text.npos) continue;
    if (decimal != decimal_) options = std::string(".decimal = '") + decimal + "'";
    if (thousands != '\0' && thousands != thousands_)
      options += std::string(options.empty() ? "" : ", ") + ".thousands = '" + thousands + "'";
    if (!options.empty()) text += "\n  Is it " + number + "? " + options + " reads it so.";
  }
  if (!text.empty()) return text;
  const std::string word = sdk::in_small_letters(std::string(field));
  return word == "true" || word == "false" ? "\n  .dtype = bool_ reads true and false." : "";
}

}  // namespace tempo
