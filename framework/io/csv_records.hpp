// SPDX-License-Identifier: Apache-2.0
// The records of a CSV text: lines of fields. A field may be in double quotes, which may hold
// separators, line ends and doubled quotes (RFC 4180).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tempo {

class CsvRecords {
 public:
  CsvRecords(std::string_view text, char separator, const std::string& name);

  /// The fields of the next line that is not empty, without blanks around them; false at the end.
  bool next(std::vector<std::string>& fields);
  /// Where the last record began, from 1.
  int64_t line() const { return record_line_; }

  /// Throws FormatError: the file, then the sentence, with the last record's line or without.
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_here(const std::string& what) const;

 private:
  std::string next_field();
  std::string next_in_quotes();
  void skip_blanks();
  void skip_line_end();
  bool at_line_end() const { return text_[at_] == '\n' || text_[at_] == '\r'; }

  std::string_view text_;
  char separator_;
  const std::string& name_;
  std::size_t at_ = 0;
  int64_t line_ = 1, record_line_ = 1;
};

}  // namespace tempo
