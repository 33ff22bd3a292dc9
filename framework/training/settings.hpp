// SPDX-License-Identifier: Apache-2.0
// The options of optimizers, losses and metrics, from and to "name(key=value, ...)". Each describes
// its options once, in `void describe(auto& setting, Options& o)`, for reading, writing and checks.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tempo/number.hpp>

#include "ops/call_text.hpp"

namespace tempo {

/// Throws the Error for a name that is not in `known`: "sequential: it has no layer `dens`".
[[noreturn]] void unknown_name(const std::string& who, const std::string& kind,
                               const std::string& name, const std::vector<std::string>& known);

/// The range of a setting. NaN is allowed if the setting is optional; infinity never is.
struct Range {
  double above = -HUGE_VAL;
  double at_least = -HUGE_VAL;
  double below = HUGE_VAL;
  double at_most = HUGE_VAL;
  bool optional = false;  ///< NaN stands for a value that is not given, and is not written
  bool required = false;  ///< NaN stands for a value that is not given, and is refused as missing
};

/// Reads options from a text.
class SettingsReader {
 public:
  /// `kind` is what the text stands for: "optimizer".
  SettingsReader(const std::string& kind, const std::string& text);
  const std::string& text() const { return call_.text; }
  /// The name as it was given; the name in snake_case.
  const std::string& spelled() const { return call_.spelled; }
  const std::string& name() const { return call_.name; }
  /// Throws the Error for a name that is not in `known`.
  [[noreturn]] void unknown(const std::vector<std::string>& known) const { call_.unknown(known); }

  void operator()(const char* key, double& field, const Range& = {});
  void operator()(const char* key, bool& field);
  void operator()(const char* key, int& field, const Range& = {});
  void operator()(const char* key, std::string& field);
  void operator()(const char* key, std::optional<int64_t>& field);
  void operator()(const char* key, std::vector<double>& field);  ///< "[1, 2.5]"
  template <std::integral Whole>
  void operator()(const char* key, std::vector<Whole>& field);  ///< "[1, 2]"
  /// Throws Error if the text has a key that nothing asked for.
  void finish() const;

 private:
  const std::string* find(const char* key);
  [[noreturn]] void fail(const std::string& why) const { call_.fail(why); }

  CallText call_;
  std::vector<std::string> asked_;
};

template <std::integral Whole>
void SettingsReader::operator()(const char* key, std::vector<Whole>& field) {
  std::vector<double> numbers(field.begin(), field.end());
  (*this)(key, numbers);
  field.clear();
  for (const double number : numbers) {
    if (number != std::floor(number) || std::abs(number) > 1e9)
      fail("`" + sdk::shortest(number) + "` in the list given as " + key + " is not an integer");
    field.push_back(static_cast<Whole>(number));
  }
}

/// A row of a table of losses, metrics or optimizers: its names in texts, and its reader.
template <class Made>
struct Named {
  std::vector<const char*> names;  ///< a name with capitals matches only in that spelling
  Made (*read)(SettingsReader& reader);
};

/// The row that the text names; null if there is none.
template <class Made>
const Named<Made>* row_for(const SettingsReader& reader, std::span<const Named<Made>> rows) {
  for (const std::string& name : {reader.spelled(), reader.name()})
    for (const Named<Made>& row : rows)
      if (std::find(row.names.begin(), row.names.end(), name) != row.names.end()) return &row;
  return nullptr;
}

template <class Made>
std::vector<std::string> names_in(std::span<const Named<Made>> rows) {
  std::vector<std::string> all;
  for (const Named<Made>& row : rows) all.insert(all.end(), row.names.begin(), row.names.end());
  return all;
}

/// Reads the options of a row, and makes its object.
template <class Made>
Made read_by(const Named<Made>& row, SettingsReader& reader) {
  Made made = row.read(reader);
  reader.finish();
  return made;
}

/// Makes the object that the text names; throws an Error that lists all rows if none matches.
template <class Made>
Made made_from(SettingsReader reader, std::span<const Named<Made>> rows) {
  const Named<Made>* const row = row_for(reader, rows);
  if (!row) reader.unknown(names_in(rows));
  return read_by(*row, reader);
}

/// Writes options as a text that reads back as the same options.
class SettingsWriter {
 public:
  explicit SettingsWriter(const std::string& name) : text_(name) {}
  void operator()(const char* key, double field, const Range& range = {});
  void operator()(const char* key, bool field);
  void operator()(const char* key, int field, const Range& = {});
  void operator()(const char* key, const std::string& field);
  void operator()(const char* key, const std::optional<int64_t>& field);
  void operator()(const char* key, const std::vector<double>& field);
  template <std::integral Whole>
  void operator()(const char* key, const std::vector<Whole>& field) {
    (*this)(key, std::vector<double>(field.begin(), field.end()));
  }
  std::string text() const { return any_ ? text_ + ")" : text_; }

 private:
  void add(const char* key, const std::string& value);
  std::string text_;
  bool any_ = false;
};

/// Throws the Error for the first number that is out of its range.
class SettingsCheck {
 public:
  /// `name` is the name of the object with the options: "adam".
  explicit SettingsCheck(const std::string& name) : name_(name) {}
  void operator()(const char* key, const double& value, const Range& range = {}) const;
  /// Options other than numbers have no range.
  template <class T>
  requires(!std::is_same_v<T, double>) void operator()(const char*, const T&) const {}

 private:
  std::string name_;
};

}  // namespace tempo
