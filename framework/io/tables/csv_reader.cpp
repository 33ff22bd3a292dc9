// SPDX-License-Identifier: Apache-2.0
// Reads a table: finds the separator, the line with the column names, and the wanted columns.
#include "io/tables/csv_reader.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>

#include <tempo/names.hpp>

#include "io/encoding.hpp"
#include "io/source.hpp"

namespace tempo {
namespace {

using Fields = std::vector<std::string_view>;

void check(const CsvOptions& o) {
  const auto refuse = [](const char* option, char c, const char* why) {
    throw Error(std::string("CsvOptions: .") + option + " is " + in_quotes({&c, 1}) + ", " + why);
  };
  const auto sign = [](char c) {
    return c == '\t' || c == ' ' || std::ispunct(static_cast<unsigned char>(c));
  };
  const auto one_of = [](char c, const char* these) { return c && std::strchr(these, c); };
  if (o.separator != '\0' && (!sign(o.separator) || one_of(o.separator, "\"+-.")))
    refuse("separator", o.separator, "which cannot stand between fields: ',', ';', '\\t', ...");
  if (o.quote != '\0' && (!sign(o.quote) || one_of(o.quote, "+-., \t") || o.quote == o.separator))
    refuse("quote", o.quote, "which cannot stand around a field: '\"', '\\'' or '\\0' for none.");
  if (!std::ispunct(static_cast<unsigned char>(o.decimal)) || one_of(o.decimal, "\"+-"))
    refuse("decimal", o.decimal, "which cannot be the sign of a fraction: '.' or ','.");
  if (o.thousands != '\0' && (!sign(o.thousands) || one_of(o.thousands, "\"+-")))
    refuse("thousands", o.thousands, "which cannot part thousands: ',', '.', ' ' or '\\''.");
  if (o.thousands == o.decimal)
    refuse("thousands", o.thousands, "and .decimal is the same; they must differ.");
}

std::string shown(char separator) {
  return separator == '\t' ? "'\\t'" : std::string{'\'', separator, '\''};
}

// Whether this separator splits each of the first lines into the same number of fields, at least 2.
bool parts(CsvText& text, const CsvDialect& dialect, const std::string& file) {
  constexpr int looked_at = 100;
  CsvRecords records(text, dialect, file);
  Fields fields;
  std::size_t width = 0;
  try {
    for (int i = 0; i < looked_at && records.next(fields); ++i) {
      if (fields.size() < 2 || (width > 0 && fields.size() != width)) return false;
      width = fields.size();
    }
  } catch (const FormatError&) {  // such as an unclosed quote
    return false;
  }
  return width > 0;
}

// A character that numbers contain cannot separate fields. If nothing splits all lines, it is a
// comma if possible: there is one column, or the first line's error explains.
char separator_of(CsvText& text, const CsvOptions& options, const std::string& file) {
  if (options.separator != '\0') return options.separator;
  std::string found;
  const auto in_numbers = [&](char c) { return c == options.decimal || c == options.thousands; };
  for (const char c : {',', ';', '\t', '|'})
    if (!in_numbers(c) && parts(text, {c, options.quote}, file)) found += c;
  text.rewritten.clear();
  if (found.empty()) return !in_numbers(',') ? ',' : !in_numbers(';') ? ';' : '\t';
  if (found.size() == 1) return found[0];
  throw FormatError(file + ": its fields may be parted by " + shown(found[0]) + " or by " +
                    shown(found[1]) + ": each gives as many in every line.\n  .separator = " +
                    shown(found[0]) + " (or " + shown(found[1]) + ") says which.");
}

// "1st", "2019-01-05", "$5": not numbers, but more like data than like names.
bool begins_with_digit(std::string_view field) {
  const auto* first = std::find_if(field.begin(), field.end(),
                                   [](unsigned char c) { return c >= 0x80 || std::isalnum(c); });
  return first != field.end() && *first >= '0' && *first <= '9';
}

// Names are texts; data are numbers and words for missing ones. A line that may be either is an
// error that asks the user: a wrong guess could lose a row.
bool names_columns(const Fields& record, const CsvOptions& options, const CsvNumbers& numbers,
                   const CsvRecords& records) {
  int texts = 0, values = 0, empty = 0, other = 0;
  std::vector<std::string> names;
  for (const std::string_view whole : record) {
    const std::string_view field = trimmed(whole);
    names.emplace_back(field);
    if (field.empty())
      ++empty;
    else if (numbers.is_number(field))
      ++values;
    else if (begins_with_digit(field))
      ++other;
    else if (!numbers.is_missing(field))
      ++texts;
  }
  if (texts > 0 && values == 0) return true;
  if (texts == 0 && empty == 0 && values + other > 0) return false;
  const auto stands_there = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (texts > 0 && !options.columns.empty() &&
      std::all_of(options.columns.begin(), options.columns.end(), stands_there))
    return true;
  records.fail_here("it may be names of columns or data: " + in_quotes(joined(record)) +
                    ".\n  .header = true takes it as names, .header = false as data.");
}

void require_width(const Fields& record, const CsvColumns& columns, const CsvRecords& records) {
  if (record.size() == columns.size()) return;
  records.fail_here("it has " + std::to_string(record.size()) + " fields; " + columns.how_many() +
                    "." +
                    (trimmed(record.back()).empty()
                         ? "\n  It ends with a separator, after which there is an empty field."
                         : ""));
}

}  // namespace

void Table::State::fail(std::size_t row, std::size_t column, const std::string& what) const {
  throw FormatError(file + ": line " + std::to_string(lines[row]) + ": " + columns.place(column) +
                    what);
}

Table parse_table(std::string bytes, const CsvOptions& options, const std::string& file) {
  check(options);
  const auto text = std::make_shared<CsvText>();
  text->text = to_utf8(std::move(bytes), options.encoding, file);
  const CsvNumbers numbers(options);
  const char separator = separator_of(*text, options, file);
  CsvRecords records(*text, {separator, options.quote}, file);

  Fields record;
  if (!records.next(record)) records.fail("it is empty: there is not one line with a field.");
  const bool has_header =
      options.header ? *options.header : names_columns(record, options, numbers, records);
  const CsvColumns all(file, separator, record, has_header, options.header.has_value());
  if (has_header && !records.next(record)) records.fail("it has a header and no rows.");

  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < all.size(); ++i) wanted.push_back(i);
  if (!options.columns.empty()) wanted = all.positions(options.columns);
  auto state = std::make_shared<Table::State>(
      Table::State{file, options, numbers, all.chosen(options.columns), text, {}, {}});
  do {
    require_width(record, all, records);
    for (const std::size_t column : wanted) state->fields.push_back(record[column]);
    state->lines.push_back(records.line());
  } while (records.next(record));
  return Table(std::move(state));
}

Table read_table(const std::string& path, const CsvOptions& options) {
  return reading(path, [&] { return parse_table(FileSource(path).text(), options, path); });
}

}  // namespace tempo
