// SPDX-License-Identifier: Apache-2.0
// Splits a CSV text into records and fields, quotes included.
#include "io/tables/csv_records.hpp"

#include <algorithm>

#include <tempo/error.hpp>

#include "io/encoding.hpp"

namespace tempo {

std::string_view trimmed(std::string_view field) {
  constexpr std::string_view blank = " \t\r\n";
  const std::size_t from = field.find_first_not_of(blank);
  if (from == field.npos) return {};
  return field.substr(from, field.find_last_not_of(blank) - from + 1);
}

CsvRecords::CsvRecords(CsvText& text, const CsvDialect& dialect, const std::string& name)
    : text_(text.text), rewritten_(text.rewritten), dialect_(dialect), name_(name) {
  if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // a byte order mark, as spreadsheets write it
}

void CsvRecords::fail(const std::string& what) const { throw FormatError(name_ + ": " + what); }

void CsvRecords::fail_here(const std::string& what) const {
  fail("line " + std::to_string(record_line_) + ": " + what);
}

bool CsvRecords::next(std::vector<std::string_view>& fields) {
  fields.clear();
  while (skip_empty_line()) continue;
  if (at_end()) return false;
  record_line_ = line_;
  for (;;) {
    fields.push_back(next_field());
    if (at_end()) return true;
    if (text_[at_] != dialect_.separator) {
      skip_line_end();
      return true;
    }
    ++at_;
  }
}

// A quote opens a field if only blanks stand before it in the field.
std::string_view CsvRecords::next_field() {
  if (dialect_.quote != '\0')
    if (const std::size_t opening = behind_blanks();
        opening < text_.size() && text_[opening] == dialect_.quote)
      return next_in_quotes(opening);
  const std::size_t begin = at_;
  while (!at_end() && text_[at_] != dialect_.separator && !at_line_end()) ++at_;
  return text_.substr(begin, at_ - begin);
}

std::string_view CsvRecords::next_in_quotes(std::size_t opening) {
  const std::size_t begin = opening + 1;
  const auto stands_at = [this](std::size_t at) {
    return at < text_.size() && text_[at] == dialect_.quote;
  };
  bool doubled = false;
  std::size_t closing = text_.find(dialect_.quote, begin);
  while (closing != text_.npos && stands_at(closing + 1)) {
    doubled = true;
    closing = text_.find(dialect_.quote, closing + 2);
  }
  if (closing == text_.npos)
    fail_here("a quote is opened and never closed.\n  .quote = '\\0' reads quotes as characters.");
  std::string_view field = text_.substr(begin, closing - begin);
  line_ += std::count(field.begin(), field.end(), '\n');
  if (doubled) {
    std::string& single = rewritten_.emplace_back();
    for (std::size_t i = 0; i < field.size(); ++i) {
      single += field[i];
      i += field[i] == dialect_.quote;  // skips the second of a doubled quote
    }
    field = single;
  }
  at_ = closing + 1;
  at_ = behind_blanks();
  if (!at_end() && text_[at_] != dialect_.separator && !at_line_end())
    fail_here("there is more after the closing quote of " + in_quotes(field) +
              ".\n  .quote = '\\0' reads quotes as characters.");
  return field;
}

std::size_t CsvRecords::behind_blanks() const {
  std::size_t at = at_;
  while (at < text_.size() && text_[at] == ' ' && dialect_.separator != ' ') ++at;
  return at;
}

void CsvRecords::skip_line_end() {
  if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
  ++at_;
  ++line_;
}

// Skips a line that is empty, or holds only blanks that are no separators.
bool CsvRecords::skip_empty_line() {
  std::size_t at = at_;
  while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t') &&
         text_[at] != dialect_.separator)
    ++at;
  if (at < text_.size() && text_[at] != '\n' && text_[at] != '\r') return false;
  const bool any = at_ < text_.size();
  at_ = at;
  if (!at_end()) skip_line_end();
  return any;
}

}  // namespace tempo
