// SPDX-License-Identifier: Apache-2.0
// The numbers of a table, in the dtype of the result.
#include "io/tables/csv.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include <tempo/number.hpp>

#include "graph/value.hpp"
#include "io/encoding.hpp"
#include "io/source.hpp"
#include "io/tables/csv_reader.hpp"

namespace tempo {
namespace {

using Problem = CsvNumbers::Problem;

class CsvTensor {
 public:
  explicit CsvTensor(const Table::State& table)
      : table_(table),
        dtype_(table.options.dtype == DType::automatic ? default_dtype() : table.options.dtype) {}

  Tensor of(const std::vector<std::size_t>& columns) const {
    Array out(dtype_, {static_cast<int64_t>(table_.rows()), static_cast<int64_t>(columns.size())});
    dispatch(dtype_, [&]<class T>(T) {
      T* to = out.as<T>();
      for (std::size_t row = 0; row < table_.rows(); ++row)
        for (const std::size_t column : columns) *to++ = number<T>(row, column);
    });
    return to_tensor(make_value(std::move(out)));
  }

 private:
  template <class T>
  T number(std::size_t row, std::size_t column) const {
    const std::string_view field = trimmed(table_.field(row, column));
    T value{};
    if (table_.numbers.is_missing(field)) {
      if (!table_.options.missing) fail_missing(row, column, field);
      if (!fits(*table_.options.missing, value)) fail_missing_value(row, column, field);
      return value;
    }
    const Problem problem = table_.numbers.read(field, value);
    if (problem != Problem::none) fail_field(problem, row, column, field);
    return value;
  }

  template <class T>
  static bool fits(double missing, T& value) {
    if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<T>(missing);
      return std::isinf(value) == std::isinf(missing);
    } else {
      constexpr double low = static_cast<double>(std::numeric_limits<T>::min());
      constexpr double high = static_cast<double>(std::numeric_limits<T>::max());
      constexpr bool wide = sizeof(T) == 8;  // its largest value is not a double
      if (!(missing >= low && (wide ? missing < high : missing <= high))) return false;
      value = static_cast<T>(missing);
      return static_cast<double>(value) == missing;
    }
  }

  [[noreturn]] void fail_missing(std::size_t row, std::size_t column,
                                 std::string_view field) const {
    table_.fail(row, column,
                "there is no number" + (field.empty() ? "." : ", but " + in_quotes(field) + ".") +
                    "\n  .missing = NAN (or 0, ...) says what to put there.");
  }

  [[noreturn]] void fail_missing_value(std::size_t row, std::size_t column,
                                       std::string_view field) const {
    table_.fail(row, column,
                "there is no number" + (field.empty() ? "" : ", but " + in_quotes(field)) +
                    ", and .missing = " + sdk::shortest(*table_.options.missing) +
                    " is nothing that " + name_of(dtype_) +
                    " can hold.\n  Another .missing can be held, or another .dtype holds it.");
  }

  [[noreturn]] void fail_field(Problem problem, std::size_t row, std::size_t column,
                               std::string_view field) const {
    const std::string what = in_quotes(field);
    switch (problem) {
      case Problem::range:
        table_.fail(row, column,
                    what + " is out of range for " + name_of(dtype_) + "." +
                        (dtype_ == float32 ? "\n  .dtype = float64 reaches to 1.8e308."
                         : dtype_ == int32 ? "\n  .dtype = int64 reaches to 9223372036854775807."
                                           : ""));
      case Problem::fraction:
        table_.fail(row, column,
                    what + " is not a whole number, as " + name_of(dtype_) +
                        " needs.\n  .dtype = float64 reads fractions.");
      case Problem::no_truth:
        table_.fail(row, column, what + " is neither 0 nor 1, true nor false, as bool needs.");
      default: break;
    }
    const std::string style = table_.numbers.advice(field);
    table_.fail(row, column,
                what + " is not a number." + style + table_.columns.advice(field, style.empty()));
  }

  const Table::State& table_;
  DType dtype_;
};

}  // namespace

Tensor Table::numbers(const std::vector<std::string>& columns) const {
  return reading(state_->file,
                 [&] { return CsvTensor(*state_).of(state_->columns.positions(columns)); });
}

Tensor parse_csv(std::string_view text, const CsvOptions& options, const std::string& name) {
  return parse_table(std::string(text), options, name).numbers();
}

Tensor read_csv(const std::string& path, const CsvOptions& options) {
  return read_table(path, options).numbers();
}

}  // namespace tempo
