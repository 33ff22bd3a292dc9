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
  /// By their names in the header; none given: all of them. Of several that are called ISE, "ISE.0"
  /// is the first and "ISE.1" the second; "ISE" is an error. With .header = false, "0" is the
  /// first column.
  std::vector<std::string> columns = {};
  /// What stands between fields. '\0': it is found. Of ',', ';', '\\t' and '|', without decimal and
  /// thousands, it is the one that parts each of the first lines into equally many fields; where
  /// two of them do, an Error asks which.
  char separator = '\0';
  /// What a field may stand in, so that it holds separators, line ends and, doubled, quotes; '\0'
  /// where it is a character like others.
  char quote = '"';
  /// Whether the first line names the columns. Not said: a line of texts does, one of numbers (and
  /// ?, NA, ...) does not; of any other, an Error asks.
  std::optional<bool> header = {};
  /// What a field becomes in which there is no number. Not said: it is an error.
  std::optional<double> missing = {};
  /// The fields that say that there is no value, besides empty ones. Not said: `NA`, `N/A`, `#N/A`,
  /// `<NA>`, `NaN`, `-NaN`, `null`, `None`, `?` and `-`, in small or capital letters; else exactly
  /// these.
  std::optional<std::vector<std::string>> missing_words = {};
  char decimal = '.';     ///< ',' where 1,5 is one and a half
  char thousands = '\0';  ///< what parts them, as ',' in 1,234.5; '\0' for nothing
  /// As Python or iconv call it: "latin-1", "cp949" (Korean Windows), "UTF-16", ...
  std::string encoding = "UTF-8";
  DType dtype = DType::automatic;
};

/// The rows of a CSV or TSV file, in columns that are taken by name: as numbers, texts or
/// categories. Texts are as they are written; blanks around numbers, names of columns, categories
/// and missing values do not count. Errors are FormatErrors with the line in the file.
class TEMPO_API Table {
 public:
  struct State;
  explicit Table(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  int64_t rows() const;
  const std::vector<std::string>& columns() const;

  /// [rows, columns], of all columns or of these, in this order. Where a value is missing, there is
  /// the `.missing` that the table was read with, or an error.
  Tensor numbers(const std::vector<std::string>& columns = {}) const;
  std::vector<std::string> text(const std::string& column) const;
  /// What stands in a column, each once, in the order of Unicode.
  std::vector<std::string> categories(const std::string& column) const;
  /// The places in `categories`, int64 [rows]; one that is not there is an error, so that those
  /// of the training serve for new data. None given: those of the column.
  Tensor codes(const std::string& column, const std::vector<std::string>& categories = {}) const;
  /// A column for each category, [rows, categories], with a 1 where it stands.
  Tensor one_hot(const std::string& column, const std::vector<std::string>& categories = {}) const;
  /// Where a value is missing: bool [rows, columns].
  Tensor missing(const std::vector<std::string>& columns = {}) const;

  /// Each missing value of all columns, or of these, becomes the one above it; those before the
  /// first stay missing (pandas' ffill).
  Table forward_fill(const std::vector<std::string>& columns = {}) const;
  /// The rows in which no value of all columns, or of these, is missing (pandas' dropna).
  Table without_missing(const std::vector<std::string>& columns = {}) const;
  /// The rows [begin, end); places below 0 count from the end.
  Table slice(int64_t begin, int64_t end) const;
  Table slice(int64_t begin) const { return slice(begin, rows()); }
  /// These rows, in this order; places below 0 count from the end.
  Table select(const std::vector<int64_t>& places) const;
  /// The rows whose field in this column, without blanks around it, is this, or passes the test.
  Table where(const std::string& column, const std::string& value) const;
  Table where(const std::string& column,
              const std::function<bool(const std::string&)>& passes) const;

  /// Prints the columns: numbers or texts, the first ones, how many are missing.
  TEMPO_API friend std::ostream& operator<<(std::ostream& out, const Table& table);

 private:
  std::shared_ptr<const State> state_;
};

/// The rows of a CSV or TSV file. Empty lines are skipped; each other one has as many fields as the
/// first, else there is a FormatError with its number.
TEMPO_API Table read_table(const std::string& path, const CsvOptions& options = {});
TEMPO_OPTIONS(Table read_table, CsvOptions, const std::string&);

/// The numbers of a CSV file: [rows, columns], in the order asked for. int32 and int64 are exact
/// ("1e3" and "1.0" are whole), bool is 0, 1, true or false. Throws FormatError with line and
/// column at the first field that the dtype cannot hold.
TEMPO_API Tensor read_csv(const std::string& path, const CsvOptions& options = {});
TEMPO_OPTIONS(Tensor read_csv, CsvOptions, const std::string&);

}  // namespace tempo
