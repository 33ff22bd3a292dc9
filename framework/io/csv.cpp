// SPDX-License-Identifier: Apache-2.0
// Columns of numbers from CSV files: which line names them, which are wanted, what their fields
// mean.
#include "io/csv.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include <tempo/names.hpp>
#include <tempo/number.hpp>

#include "graph/value.hpp"
#include "io/csv_numbers.hpp"
#include "io/csv_records.hpp"
#include "io/encoding.hpp"
#include "io/source.hpp"

namespace tempo {
namespace {

using Problem = CsvNumbers::Problem;

// "1st", "2019-01-05", "$5": no number, but what data look like rather than names.
bool begins_with_digit(std::string_view field) {
  const auto* first = std::find_if(field.begin(), field.end(),
                                   [](unsigned char c) { return c >= 0x80 || std::isalnum(c); });
  return first != field.end() && *first >= '0' && *first <= '9';
}

class Csv {
 public:
  Csv(std::string_view text, const CsvOptions& options, const std::string& name)
      : options_(options),
        dtype_(options.dtype == DType::automatic ? default_dtype() : options.dtype),
        numbers_((check(options), options)),
        records_(text, options.separator, name) {}

  Tensor read() {
    begin();
    wanted_ = positions();
    return dispatch(dtype_, [&]<class T>(T) { return read_as<T>(); });
  }

 private:
  static void check(const CsvOptions& o) {
    const auto refuse = [](const char* option, char c, const char* why) {
      throw Error(std::string("read_csv: .") + option + " is " + in_quotes({&c, 1}) + ", " + why);
    };
    const auto sign = [](char c) { return c == '\t' || c == ' ' || std::ispunct(c); };
    if (!sign(o.separator) || std::strchr("\"+-.", o.separator))
      refuse("separator", o.separator, "which cannot stand between fields: ',', ';', '\\t', ...");
    if (!std::ispunct(o.decimal) || std::strchr("\"+-", o.decimal))
      refuse("decimal", o.decimal, "which cannot be the sign of a fraction: '.' or ','.");
    if (o.thousands != '\0' && (!sign(o.thousands) || std::strchr("\"+-", o.thousands)))
      refuse("thousands", o.thousands, "which cannot part thousands: ',', '.', ' ' or '\\''.");
    if (o.thousands == o.decimal)
      refuse("thousands", o.thousands, "and .decimal is the same; they must differ.");
  }

  // Reads the first record: names, or numbers that are left in record_.
  void begin() {
    if (!records_.next(record_)) records_.fail("it is empty: there is not one line with a field.");
    has_header_ = options_.header ? *options_.header : first_record_names_columns();
    if (!has_header_) {
      for (std::size_t i = 0; i < record_.size(); ++i) names_.push_back(std::to_string(i));
      return;
    }
    names_ = record_;
    if (!records_.next(record_)) records_.fail("it has a header and no rows.");
  }

  // Names are texts, data are numbers and what stands for a missing one. Whatever may be either is
  // an error that asks: a guess could lose a row.
  bool first_record_names_columns() const {
    int texts = 0, numbers = 0, empty = 0, other = 0;
    for (const std::string& field : record_)
      if (field.empty())
        ++empty;
      else if (numbers_.is_number(field))
        ++numbers;
      else if (begins_with_digit(field))
        ++other;
      else if (!CsvNumbers::is_missing(field))
        ++texts;
    if (texts > 0 && numbers == 0) return true;
    if (texts == 0 && empty == 0 && numbers + other > 0) return false;
    const auto stands_there = [&](const std::string& name) {
      return std::find(record_.begin(), record_.end(), name) != record_.end();
    };
    if (texts > 0 && !options_.columns.empty() &&
        std::all_of(options_.columns.begin(), options_.columns.end(), stands_there))
      return true;
    records_.fail_here("it may be names of columns or data: " + in_quotes(joined(record_)) +
                       ".\n  .header = true takes it as names, .header = false as data.");
  }

  std::string joined(const std::vector<std::string>& fields) const {
    std::string text;
    for (const std::string& f : fields) text += (&f == &fields[0] ? "" : ", ") + f;
    return text;
  }

  std::vector<std::size_t> positions() const {
    std::vector<std::size_t> out;
    for (const std::string& name : options_.columns) out.push_back(position(name));
    if (!options_.columns.empty()) return out;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (!seen.insert(names_[i]).second) fail_twice(names_[i]);
      out.push_back(i);
    }
    return out;
  }

  std::size_t position(const std::string& name) const {
    if (!has_header_ && !options_.header) fail_without_names(name);
    const std::vector<std::size_t> found = all_called(name);
    if (found.size() == 1) return found[0];
    if (found.size() > 1) fail_twice(name);
    // "ISE.1" is the second of several that are called ISE.
    if (const std::size_t point = name.rfind('.'); point != name.npos) {
      const std::vector<std::size_t> same = all_called(name.substr(0, point));
      for (std::size_t i = 0; same.size() > 1 && i < same.size(); ++i)
        if (name.substr(point + 1) == std::to_string(i)) return same[i];
    }
    if (!has_header_) fail_without_names(name);
    records_.fail("it has no column " + in_quotes(name) +
                  ".\n  Its columns: " + sdk::listed(names_) + "." + other_separator());
  }

  std::vector<std::size_t> all_called(const std::string& name) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (names_[i] == name) found.push_back(i);
    return found;
  }

  [[noreturn]] void fail_twice(const std::string& name) const {
    std::string places, ways;
    const std::vector<std::size_t> found = all_called(name);
    for (std::size_t i = 0; i < found.size(); ++i) {
      places += (i ? " and " : " ") + std::to_string(found[i] + 1);
      ways += (i ? " and \"" : "\"") + name + '.' + std::to_string(i) + '"';
    }
    records_.fail("the name " + in_quotes(name) + " stands for the columns" + places +
                  ", counted from 1.\n  .columns = {...} may call them " + ways + ".");
  }

  [[noreturn]] void fail_without_names(const std::string& name) const {
    const std::string called = names_.size() == 1
                                   ? "is called \"0\"."
                                   : "s are called \"0\" to \"" + names_.back() + "\".";
    records_.fail("it has no column " + in_quotes(name) + ": " +
                  (options_.header
                       ? "with .header = false, the column" + called
                       : "its first line holds data, not names: " + in_quotes(joined(record_)) +
                             ".\n  .header = true takes it as names; with .header = false, the "
                             "column" +
                             called));
  }

  // record_ is the first row.
  template <class T>
  Tensor read_as() {
    std::vector<std::conditional_t<std::is_same_v<T, bool>, char, T>> values;
    int64_t rows = 0;
    do {
      if (record_.size() != names_.size())
        records_.fail_here("it has " + std::to_string(record_.size()) + " fields; the " +
                           (has_header_ ? "header names " : "first line has ") +
                           std::to_string(names_.size()) + (has_header_ ? " columns." : ".") +
                           (record_.back().empty()
                                ? "\n  It ends with a separator, after which there is an empty "
                                  "field."
                                : ""));
      for (const std::size_t column : wanted_) values.push_back(number<T>(record_[column], column));
      ++rows;
    } while (records_.next(record_));
    Array out(dtype_, {rows, static_cast<int64_t>(wanted_.size())});
    if (!values.empty()) std::memcpy(out.as<char>(), values.data(), out.type().bytes());
    return to_tensor(make_value(std::move(out)));
  }

  template <class T>
  T number(const std::string& field, std::size_t column) const {
    T value{};
    if (CsvNumbers::is_missing(field)) {
      if (!options_.missing) fail_missing(field, column);
      if (!fits(*options_.missing, value)) fail_missing_value(field, column);
      return value;
    }
    const Problem problem = numbers_.read(field, value);
    if (problem != Problem::none) fail_field(problem, field, column);
    return value;
  }

  template <class T>
  static bool fits(double missing, T& value) {
    if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<T>(missing);
      return std::isinf(value) == std::isinf(missing);
    } else {
      constexpr double low = static_cast<double>(std::numeric_limits<T>::min());
      constexpr double high = static_cast<double>(std::numeric_limits<T>::max());
      constexpr bool wide = sizeof(T) == 8;  // whose largest value is no double
      if (!(missing >= low && (wide ? missing < high : missing <= high))) return false;
      value = static_cast<T>(missing);
      return static_cast<double>(value) == missing;
    }
  }

  std::string place(std::size_t column) const {
    return "column " + in_quotes(names_[column]) + (has_header_ ? "" : ", counted from 0") + ": ";
  }

  [[noreturn]] void fail_missing(const std::string& field, std::size_t column) const {
    records_.fail_here(place(column) + "there is no number" +
                       (field.empty() ? "." : ", but " + in_quotes(field) + ".") +
                       "\n  .missing = NAN (or 0, ...) says what to put there.");
  }

  [[noreturn]] void fail_missing_value(const std::string& field, std::size_t column) const {
    records_.fail_here(place(column) + "there is no number" +
                       (field.empty() ? "" : ", but " + in_quotes(field)) + ", and .missing = " +
                       sdk::shortest(*options_.missing) + " is nothing that " + name_of(dtype_) +
                       " can hold.\n  Another .missing can be held, or another .dtype holds it.");
  }

  [[noreturn]] void fail_field(Problem problem, const std::string& field,
                               std::size_t column) const {
    const std::string what = place(column) + in_quotes(field);
    switch (problem) {
      case Problem::range:
        records_.fail_here(what + " is out of range for " + name_of(dtype_) + "." +
                           (dtype_ == float32 ? "\n  .dtype = float64 reaches to 1.8e308."
                            : dtype_ == int32 ? "\n  .dtype = int64 reaches to 9223372036854775807."
                                              : ""));
      case Problem::fraction:
        records_.fail_here(what + " is not a whole number, as " + name_of(dtype_) +
                           " needs.\n  .dtype = float64 reads fractions.");
      case Problem::no_truth:
        records_.fail_here(what + " is neither 0 nor 1, true nor false, as bool needs.");
      default: break;
    }
    const std::string advice = numbers_.advice(field) + other_separator();
    records_.fail_here(what + " is not a number." + advice +
                       (advice.empty() && names_.size() > 1
                            ? "\n  .columns = {...} names the columns that are wanted."
                            : "") +
                       (has_header_ || options_.header
                            ? ""
                            : "\n  .header = true takes the first line as names, if it is."));
  }

  // One column whose name or field has what stands between fields elsewhere.
  std::string other_separator() const {
    if (names_.size() > 1) return "";
    const std::string& line = has_header_ ? names_[0] : record_[0];
    for (const char c : {';', '\t', ',', '|'})
      if (c != options_.separator && line.find(c) != line.npos)
        return std::string("\n  .separator = '") + (c == '\t' ? "\\t" : std::string(1, c)) +
               "' makes columns of " + in_quotes(line) + ".";
    return "";
  }

  const CsvOptions& options_;
  DType dtype_;
  CsvNumbers numbers_;
  CsvRecords records_;
  bool has_header_ = true;
  std::vector<std::string> names_, record_;  // of the columns; the fields of the line at hand
  std::vector<std::size_t> wanted_;
};

}  // namespace

Tensor parse_csv(std::string_view text, const CsvOptions& options, const std::string& name) {
  return Csv(text, options, name).read();
}

Tensor read_csv(const std::string& path, const CsvOptions& options) {
  return parse_csv(FileSource(path).text(), options, path);
}

}  // namespace tempo
