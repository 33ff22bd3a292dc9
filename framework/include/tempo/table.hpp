// SPDX-License-Identifier: Apache-2.0
// Tables: columns of numbers, texts and categories, from CSV and TSV files.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

struct CsvOptions {
  /// The names of the columns to read; none given: all of them. If several are called ISE, "ISE.0"
  /// is the first and "ISE.1" the second; "ISE" is an error. With .header = false, "0" is the first
  /// column.
  std::vector<std::string> columns = {};
  /// The character between fields. '\0': it is found. Of ',', ';', '\\t' and '|', without decimal
  /// and thousands, it is the one that parts each of the first lines into equally many fields; if
  /// two of them do, an Error asks which.
  char separator = '\0';
  /// The quotes around a field that holds separators, line ends or, doubled, quotes. '\0': no
  /// character quotes.
  char quote = '"';
  /// Whether the first line names the columns. Not given: a line of texts does, one of numbers (and
  /// ?, NA, ...) does not; for any other line, an Error asks.
  std::optional<bool> header = {};
  /// The value of a field that holds no number. Not given: it is an error.
  std::optional<double> missing = {};
  /// The fields that stand for a missing value, besides empty ones. Not given: `NA`, `N/A`, `#N/A`,
  /// `<NA>`, `NaN`, `-NaN`, `null`, `None`, `?` and `-`, in small or capital letters; given:
  /// exactly these.
  std::optional<std::vector<std::string>> missing_words = {};
  char decimal = '.';     ///< ',' if 1,5 is one and a half
  char thousands = '\0';  ///< the separator of thousands, as ',' in 1,234.5; '\0' for none
  /// As Python or iconv names it: "latin-1", "cp949" (Korean Windows), "UTF-16", ...
  std::string encoding = "UTF-8";
  DType dtype = DType::automatic;
};

/// The rows of a CSV or TSV file, in columns that are taken by name: as numbers, texts or
/// categories. Texts are as they are written; blanks around numbers, names of columns, categories
/// and missing values are ignored. Errors are FormatErrors with the line in the file.
class TEMPO_API Table {
 public:
  struct State;
  explicit Table(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  int64_t rows() const;
  const std::vector<std::string>& columns() const;

  /// [rows, columns], of all columns or of these, in this order. A missing value is the `.missing`
  /// with which the table was read, or an error.
  Tensor numbers(const std::vector<std::string>& columns = {}) const;
  std::vector<std::string> text(const std::string& column) const;
  /// The different texts of a column, in the order of Unicode.
  std::vector<std::string> categories(const std::string& column) const;
  /// The places in `categories`, int64 [rows]; a text that is not there is an error, so that the
  /// categories of the training serve for new data. None given: those of the column.
  Tensor codes(const std::string& column, const std::vector<std::string>& categories = {}) const;
  /// [rows, categories], with a single 1 in each row, at its category; `categories` as for codes.
  Tensor one_hot(const std::string& column, const std::vector<std::string>& categories = {}) const;
  /// Whether each value is missing: bool [rows, columns].
  Tensor missing(const std::vector<std::string>& columns = {}) const;

  /// Each missing value of all columns, or of these, becomes the one above it; those before the
  /// first value stay missing (pandas' ffill).
  Table forward_fill(const std::vector<std::string>& columns = {}) const;
  /// The rows in which no value of all columns, or of these, is missing (pandas' dropna).
  Table without_missing(const std::vector<std::string>& columns = {}) const;
  /// The rows [begin, end); places below 0 count from the end.
  Table slice(int64_t begin, int64_t end) const;
  Table slice(int64_t begin) const { return slice(begin, rows()); }
  /// These rows, in this order; places below 0 count from the end.
  Table select(const std::vector<int64_t>& places) const;
  /// The rows whose field in this column, without blanks around it, is this or passes the test.
  Table where(const std::string& column, const std::string& value) const;
  Table where(const std::string& column,
              const std::function<bool(const std::string&)>& passes) const;

  /// Prints the columns: numbers or texts, their first values, and how many are missing.
  TEMPO_API friend std::ostream& operator<<(std::ostream& out, const Table& table);

 private:
  std::shared_ptr<const State> state_;
};

/// Reads the rows of a CSV or TSV file. Empty lines are skipped; every other line must have as many
/// fields as the first, or a FormatError gives its number.
TEMPO_API Table read_table(const std::string& path, const CsvOptions& options = {});
TEMPO_OPTIONS(Table read_table, CsvOptions, const std::string&);

/// The numbers of a CSV file: [rows, columns], in the order asked for. int32 and int64 are exact
/// ("1e3" and "1.0" are whole), bool is 0, 1, true or false. Throws FormatError with line and
/// column at the first field that the dtype cannot hold.
TEMPO_API Tensor read_csv(const std::string& path, const CsvOptions& options = {});
TEMPO_OPTIONS(Tensor read_csv, CsvOptions, const std::string&);

}  // namespace tempo
