// SPDX-License-Identifier: Apache-2.0
// Splits a CSV text into records and fields, quotes included.
#include "io/csv_records.hpp"

#include <algorithm>

#include <tempo/error.hpp>

#include "io/encoding.hpp"

namespace tempo {
namespace {

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view blank = " \t";
  const std::size_t from = s.find_first_not_of(blank);
  if (from == s.npos) return {};
  return s.substr(from, s.find_last_not_of(blank) - from + 1);
}

}  // namespace

CsvRecords::CsvRecords(std::string_view text, char separator, const std::string& name)
    : text_(text), separator_(separator), name_(name) {
  require_utf8(text, name);
  if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // a byte order mark, as spreadsheets write it
}

void CsvRecords::fail(const std::string& what) const { throw FormatError(name_ + ": " + what); }

void CsvRecords::fail_here(const std::string& what) const {
  fail("line " + std::to_string(record_line_) + ": " + what);
}

bool CsvRecords::next(std::vector<std::string>& fields) {
  fields.clear();
  while (at_ < text_.size() && at_line_end()) skip_line_end();
  if (at_ == text_.size()) return false;
  record_line_ = line_;
  for (;;) {
    fields.push_back(next_field());
    if (at_ == text_.size()) return true;
    if (text_[at_] != separator_) {
      skip_line_end();
      return true;
    }
    ++at_;
  }
}

std::string CsvRecords::next_field() {
  skip_blanks();
  if (at_ < text_.size() && text_[at_] == '"') return next_in_quotes();
  const char stops[] = {separator_, '\n', '\r'};
  const std::size_t end = std::min(text_.find_first_of(stops, at_, std::size(stops)), text_.size());
  const std::string_view field = text_.substr(at_, end - at_);
  at_ = end;
  return std::string(trimmed(field));
}

std::string CsvRecords::next_in_quotes() {
  std::string field;
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == '\n') ++line_;
    if (text_[at_] != '"')
      field += text_[at_];
    else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"')
      field += text_[++at_];
    else
      break;
  }
  if (at_ == text_.size()) fail_here("a quote is opened and never closed.");
  ++at_;
  skip_blanks();
  if (at_ < text_.size() && text_[at_] != separator_ && !at_line_end())
    fail_here("there is more after the closing quote of " + in_quotes(field) + ".");
  return std::string(trimmed(field));
}

void CsvRecords::skip_blanks() {
  while (at_ < text_.size() && text_[at_] == ' ' && separator_ != ' ') ++at_;
}

void CsvRecords::skip_line_end() {
  if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
  ++at_;
  ++line_;
}

}  // namespace tempo
