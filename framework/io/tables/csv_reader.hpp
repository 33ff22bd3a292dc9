// SPDX-License-Identifier: Apache-2.0
// A CSV text as a table in memory, for Table and read_csv.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tempo/table.hpp>

#include "io/tables/csv_columns.hpp"
#include "io/tables/csv_numbers.hpp"
#include "io/tables/csv_records.hpp"

namespace tempo {

struct Table::State {
  std::string file;  ///< begins each error
  CsvOptions options;
  CsvNumbers numbers;
  CsvColumns columns;
  std::shared_ptr<const CsvText> text;   ///< the text that the fields point into
  std::vector<std::string_view> fields;  ///< row by row
  std::vector<int64_t> lines;            ///< the line of each row in the file

  std::size_t rows() const { return lines.size(); }
  std::string_view field(std::size_t row, std::size_t column) const {
    return fields[row * columns.size() + column];
  }
  bool is_missing(std::size_t row, std::size_t column) const {
    return numbers.is_missing(trimmed(field(row, column)));
  }
  /// Throws FormatError: the file, the row's line, the column, then the sentence `what`.
  [[noreturn]] void fail(std::size_t row, std::size_t column, const std::string& what) const;
};

/// As read_table, from a text; `file` begins each error.
Table parse_table(std::string text, const CsvOptions& options, const std::string& file);

}  // namespace tempo
