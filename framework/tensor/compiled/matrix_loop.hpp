// SPDX-License-Identifier: Apache-2.0
// A loop over the elements of a matrix as machine code that is made at run time: each element goes
// through all ops in registers of the processor. A loop of one call for each op would write every
// intermediate value to memory and read it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "tensor/array.hpp"

namespace tempo {

/// The ops of a loop over the rows and columns of a matrix, in their order. A value is wide, with
/// an element for each column, or narrow, with one number for each row. Op by op gives the same
/// values but for the rounding of products, which are added without being rounded first.
struct MatrixLoop {
  enum class Function {
    add,           ///< a + b
    subtract,      ///< a - b
    multiply,      ///< a b
    multiply_add,  ///< a b + c
    negative,      ///< -a
    square,        ///< a^2
    row_sum,       ///< of each row of a: the sum of its elements, a narrow value
    row_dot,       ///< of each row: the sum of a b
    column_sum,    ///< the sum of the rows of a: one row, or one number if a is narrow
    column_dot,    ///< the sum of the rows of a b
  };

  /// Where a value lies: at an address that each call gives.
  struct Memory {
    std::size_t address = 0;  // its index
    int64_t row_stride = 0;   // in bytes; 0: all rows read the same
    bool wide = false;
  };
  /// The index of the op that makes the value.
  using Result = std::size_t;
  using Operand = std::variant<Memory, Result>;

  struct Op {
    Function function;
    std::vector<Operand> inputs;
    bool wide;   // whether it runs over all columns; else over the narrow values of the rows
    Memory out;  // a sum of columns has row stride 0
    bool
        kept;  // whether `out` is read after the loop; if not, it is scratch for rows_together rows
  };

  DType dtype;
  int64_t rows, cols;
  std::vector<Op> ops;

  static constexpr int64_t rows_together = 4;
  static constexpr int64_t longest_sum = 256;  // of one number; a longer one loses digits

  /// Whether it sums each row into a number.
  bool folds_rows(const Op& op) const {
    return op.function == Function::row_sum || op.function == Function::row_dot;
  }
  /// Whether it sums all rows into one.
  bool folds_columns(const Op& op) const {
    return op.function == Function::column_sum || op.function == Function::column_dot;
  }
  /// Whether an operand of an op is wide.
  bool is_wide(const Operand& operand) const;
};

/// Machine code for a MatrixLoop. Several threads may call it at once.
class CompiledLoop {
 public:
  virtual ~CompiledLoop() = default;
  /// Runs it for one matrix. The addresses are those of the first row; sums of columns are written,
  /// not added to what is there.
  virtual void operator()(char* const* addresses) const = 0;
};

/// Null if there is no machine code for it: for other processors than x86-64 with AVX2, if rows are
/// not whole vectors or longer than longest_sum, if there are too many values for the registers, or
/// if the system gives no executable memory.
std::shared_ptr<const CompiledLoop> compile(const MatrixLoop& loop);

}  // namespace tempo
