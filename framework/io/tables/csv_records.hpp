// SPDX-License-Identifier: Apache-2.0
// The records of a CSV text: lines of fields. A field in quotes may contain separators, newlines
// and doubled quotes (RFC 4180).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tempo {

/// The characters that separate and quote fields.
struct CsvDialect {
  char separator = ',';
  char quote = '"';  ///< '\0' for none
};

/// A text, and copies of its fields with doubled quotes made single. Fields point into both.
struct CsvText {
  std::string text;
  std::deque<std::string> rewritten;
};

class CsvRecords {
 public:
  CsvRecords(CsvText& text, const CsvDialect& dialect, const std::string& name);

  /// The fields of the next line that is not empty, as written but without their quotes; false at
  /// the end.
  bool next(std::vector<std::string_view>& fields);
  /// The line on which the last record began, counted from 1.
  int64_t line() const { return record_line_; }

  /// Throws FormatError: the file, the last record's line (fail_here alone), then the sentence.
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_here(const std::string& what) const;

 private:
  std::string_view next_field();
  std::string_view next_in_quotes(std::size_t opening);
  bool at_end() const { return at_ == text_.size(); }
  bool at_line_end() const { return text_[at_] == '\n' || text_[at_] == '\r'; }
  std::size_t behind_blanks() const;
  void skip_line_end();
  bool skip_empty_line();

  std::string_view text_;
  std::deque<std::string>& rewritten_;
  CsvDialect dialect_;
  const std::string& name_;
  std::size_t at_ = 0;
  int64_t line_ = 1, record_line_ = 1;
};

/// The field without the blanks around it.
std::string_view trimmed(std::string_view field);

}  // namespace tempo
