// SPDX-License-Identifier: Apache-2.0
// The columns of a CSV file: how they came by their names, and which one a name means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tempo {

/// The fields of a line in one text, for an error.
std::string joined(const std::vector<std::string_view>& fields);

class CsvColumns {
 public:
  /// `file` begins each error. Of a first line without names, "0", "1", ... are the names.
  CsvColumns(std::string file, char separator, const std::vector<std::string_view>& first_line,
             bool has_header, bool is_said);

  const std::vector<std::string>& names() const { return names_; }
  std::size_t size() const { return names_.size(); }
  /// "the header names 3 columns", or that the first line has as many fields.
  std::string how_many() const;
  /// `column "a"`, as an error begins on what stands in it.
  std::string place(std::size_t column) const;

  /// Of these, or of all; FormatError where there is no such name, or more than one column has it.
  std::vector<std::size_t> positions(const std::vector<std::string>& wanted) const;
  std::size_t position(const std::string& name) const;
  /// Those columns alone, under the names that they were asked for by; {} for all.
  CsvColumns chosen(const std::vector<std::string>& wanted) const;

  /// What may be wrong where a field is no number; `nothing_else` was found in the field itself.
  std::string advice(std::string_view field, bool nothing_else) const;

 private:
  std::vector<std::size_t> all_called(const std::string& name) const;
  std::string other_separator(std::string_view line) const;
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_twice(const std::string& name) const;
  [[noreturn]] void fail_without_names(const std::string& name) const;

  std::string file_, first_line_;
  char separator_;
  bool has_header_, is_said_, is_chosen_ = false;
  std::vector<std::string> names_;
};

}  // namespace tempo
