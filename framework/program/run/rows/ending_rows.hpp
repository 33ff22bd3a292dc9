// SPDX-License-Identifier: Apache-2.0
// Rows of a batch that end before the run does: which, when, and which steps allow it.
#pragma once

#include <memory>

#include "program/value_set.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// The rows of a run in its own order: each has the steps that count first, and those with the most
/// of them are the first rows, so that at each time those that have it are the first ones. What the
/// caller holds as [batch, time, ...] is in the caller's order; all else, also [time, batch, ...],
/// is in the run's, and means nothing where a row has ended.
struct EndingRows {
  /// Of [batch, time], whether each step of a row counts.
  EndingRows(const bool* counts, int64_t batch, int64_t time);

  std::vector<int64_t> order;    // of each row: which one it is with the caller
  std::vector<int64_t> lengths;  // of each row: its steps that count
  std::vector<int64_t> times;    // of each row, its steps as they lie with the caller: those that
                                 // count, then the others; empty where none has a gap
  std::vector<int64_t> running;  // rows at each time, and at the end, where there are none
  std::vector<int64_t> before;   // the sum of those at all earlier times
  int64_t rows() const { return static_cast<int64_t>(order.size()); }
  int64_t time() const { return static_cast<int64_t>(before.size()) - 1; }
  int64_t steps() const { return before.back(); }
  /// Where step t of a row lies with the caller.
  int64_t time_of(int64_t row, int64_t t) const {
    return times.empty() ? t : times[static_cast<std::size_t>(row * time() + t)];
  }
};
using EndingRowsRef = std::shared_ptr<const EndingRows>;

/// The sequence of conditions [batch, 1] of a step as written that leaves each row alone where its
/// condition is false: its states stay, and its outputs are 0; or nothing.
std::optional<ValueId> leaves_rows_alone(const Program& program);

/// Whether the instruction is its first input, with a gradient of its own that reads the others
/// (custom_gradient).
bool has_rule(const Instruction& instruction);

/// Of each fixed input of a step as written, whether it has a row for each of the batch. Nothing
/// where one is read both so and as a whole, or has something else for each row. What rules read is
/// not looked at: the gradient has it.
std::optional<std::vector<bool>> fixed_by_row(const Program& program, int64_t batch);

/// While one lives, this thread's runs do otherwise with rows that have ended: for tests.
class EndedRows {
 public:
  enum How {
    left_out_where_it_pays,
    left_out,  ///< wherever that can be done
    computed,  ///< sorted rows, as for a gradient that cannot leave them out
    unknown    ///< rows are not sorted
  };
  explicit EndedRows(How how) : how_(current_, how) {}
  static How current() { return current_; }

 private:
  static thread_local How current_;
  Scoped<How> how_;
};

}  // namespace tempo
