// SPDX-License-Identifier: Apache-2.0
// The columns of a CSV file: where their names came from, and which column a name means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tempo {

/// The fields of a line joined into one text, for an error.
std::string joined(const std::vector<std::string_view>& fields);

class CsvColumns {
 public:
  /// `file` begins each error. If the first line has no names, columns are named "0", "1", ...
  CsvColumns(std::string file, char separator, const std::vector<std::string_view>& first_line,
             bool has_header, bool is_said);

  const std::vector<std::string>& names() const { return names_; }
  std::size_t size() const { return names_.size(); }
  /// "the header names 3 columns", or a text that the first line has that many fields.
  std::string how_many() const;
  /// `column "a"`, with which an error about one of its fields begins.
  std::string place(std::size_t column) const;

  /// Their positions, {} for all; FormatError if a name does not exist or several columns have it.
  std::vector<std::size_t> positions(const std::vector<std::string>& wanted) const;
  std::size_t position(const std::string& name) const;
  /// Those columns alone, under the names by which they were asked for; {} for all.
  CsvColumns chosen(const std::vector<std::string>& wanted) const;

  /// Advice about a field that is no number; `nothing_else`: no advice came from the field itself.
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
