// SPDX-License-Identifier: Apache-2.0
// Finds columns by name; if there is none of that name, says which there are.
#include "io/tables/csv_columns.hpp"

#include <set>

#include <tempo/error.hpp>
#include <tempo/names.hpp>

#include "io/encoding.hpp"
#include "io/tables/csv_records.hpp"

namespace tempo {

std::string joined(const std::vector<std::string_view>& fields) {
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i)
    text.append(i ? ", " : "").append(trimmed(fields[i]));
  return text;
}

CsvColumns::CsvColumns(std::string file, char separator,
                       const std::vector<std::string_view>& first_line, bool has_header,
                       bool is_said)
    : file_(std::move(file)),
      first_line_(joined(first_line)),
      separator_(separator),
      has_header_(has_header),
      is_said_(is_said) {
  for (const std::string_view field : first_line)
    names_.push_back(has_header ? std::string(trimmed(field)) : std::to_string(names_.size()));
}

void CsvColumns::fail(const std::string& what) const { throw FormatError(file_ + ": " + what); }

std::string CsvColumns::how_many() const {
  return (has_header_ ? "the header names " : "the first line has ") + std::to_string(size()) +
         (has_header_ ? " columns" : "");
}

std::string CsvColumns::place(std::size_t column) const {
  return "column " + in_quotes(names_[column]) + (has_header_ ? "" : ", counted from 0") + ": ";
}

std::vector<std::size_t> CsvColumns::positions(const std::vector<std::string>& wanted) const {
  std::vector<std::size_t> out;
  for (const std::string& name : wanted) out.push_back(position(name));
  if (!wanted.empty()) return out;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!is_chosen_ && !seen.insert(names_[i]).second) fail_twice(names_[i]);
    out.push_back(i);
  }
  return out;
}

std::size_t CsvColumns::position(const std::string& name) const {
  if (!has_header_ && !is_said_) fail_without_names(name);
  const std::vector<std::size_t> found = all_called(name);
  if (found.size() == 1) return found[0];
  if (found.size() > 1) fail_twice(name);
  // "ISE.1" is the second of several columns named ISE.
  if (const std::size_t point = name.rfind('.'); point != name.npos) {
    const std::vector<std::size_t> same = all_called(name.substr(0, point));
    for (std::size_t i = 0; same.size() > 1 && i < same.size(); ++i)
      if (name.substr(point + 1) == std::to_string(i)) return same[i];
  }
  if (!has_header_) fail_without_names(name);
  fail("it has no column " + in_quotes(name) + ".\n  Its columns: " + sdk::listed(names_) + "." +
       other_separator(names_[0]));
}

CsvColumns CsvColumns::chosen(const std::vector<std::string>& wanted) const {
  CsvColumns out = *this;
  if (wanted.empty()) return out;
  out.names_ = wanted;
  out.is_chosen_ = true;
  return out;
}

std::vector<std::size_t> CsvColumns::all_called(const std::string& name) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < size(); ++i)
    if (names_[i] == name) found.push_back(i);
  return found;
}

void CsvColumns::fail_twice(const std::string& name) const {
  std::string places, ways;
  const std::vector<std::size_t> found = all_called(name);
  for (std::size_t i = 0; i < found.size(); ++i) {
    places += (i ? " and " : " ") + std::to_string(found[i] + 1);
    ways += (i ? " and \"" : "\"") + name + '.' + std::to_string(i) + '"';
  }
  fail("the name " + in_quotes(name) + " stands for the columns" + places +
       ", counted from 1.\n  .columns = {...} may call them " + ways + ".");
}

void CsvColumns::fail_without_names(const std::string& name) const {
  const std::string called =
      size() == 1 ? "is called \"0\"." : "s are called \"0\" to \"" + names_.back() + "\".";
  fail("it has no column " + in_quotes(name) + ": " +
       (is_said_ ? "with .header = false, the column" + called
                 : "its first line holds data, not names: " + in_quotes(first_line_) +
                       ".\n  .header = true takes it as names; with .header = false, the column" +
                       called));
}

std::string CsvColumns::advice(std::string_view field, bool nothing_else) const {
  std::string text = other_separator(has_header_ ? names_[0] : field);
  if (nothing_else && size() > 1) text += "\n  .columns = {...} names the columns that are wanted.";
  if (!has_header_ && !is_said_)
    text += "\n  .header = true takes the first line as names, if it is.";
  return text;
}

// Advice for a single column whose name or field contains another usual separator.
std::string CsvColumns::other_separator(std::string_view line) const {
  if (size() > 1) return "";
  for (const char c : {';', '\t', ',', '|'})
    if (c != separator_ && line.find(c) != line.npos)
      return std::string("\n  .separator = '") + (c == '\t' ? "\\t" : std::string(1, c)) +
             "' makes columns of " + in_quotes(line) + ".";
  return "";
}

}  // namespace tempo
