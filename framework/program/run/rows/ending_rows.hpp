// SPDX-License-Identifier: Apache-2.0
// Rows of a batch that end before the run does: which ones, when, and which steps allow it.
#pragma once

#include <memory>

#include "program/value_set.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// The rows of a run in its own order. Each row has its counted steps first, and longer rows come
/// first, so the running rows of any step are the first ones. Sequences [batch, time, ...] of the
/// caller are in the caller's order; all others, also [time, batch, ...], are in the run's order,
/// and have no meaning after the end of a row.
struct EndingRows {
  /// `counts` [batch, time]: whether each step of a row counts.
  EndingRows(const bool* counts, int64_t batch, int64_t time);

  std::vector<int64_t> order;    // for each row: its place in the caller's order
  std::vector<int64_t> lengths;  // for each row: the number of steps that count
  std::vector<int64_t> times;    // for each row, the caller's times of its steps: those that count,
                                 // then the others; empty if no row has a gap
  std::vector<int64_t> running;  // running rows at each time; 0 at the end
  std::vector<int64_t> before;   // the sum of `running` over all earlier times
  int64_t rows() const { return static_cast<int64_t>(order.size()); }
  int64_t time() const { return static_cast<int64_t>(before.size()) - 1; }
  int64_t steps() const { return before.back(); }
  /// The caller's time of step t of a row.
  int64_t time_of(int64_t row, int64_t t) const {
    return times.empty() ? t : times[static_cast<std::size_t>(row * time() + t)];
  }
};
using EndingRowsRef = std::shared_ptr<const EndingRows>;

/// The sequence of conditions [batch, 1] in a step as written which leaves a row alone if its
/// condition is false: its states stay, and its outputs are 0. Nothing if there is none.
std::optional<ValueId> leaves_rows_alone(const Program& program);

/// Whether the instruction's result is its first input, with a gradient of its own that reads the
/// other inputs (custom_gradient).
bool has_rule(const Instruction& instruction);

/// For each fixed input of a step as written: whether it has a row for each of the batch. Nothing
/// if one is used both in this way and as a whole, or varies by row otherwise. Inputs of rules are
/// not looked at: the gradient has them.
std::optional<std::vector<bool>> fixed_by_row(const Program& program, int64_t batch);

/// While one exists, runs on this thread treat ended rows in another way: for tests.
class EndedRows {
 public:
  enum How {
    left_out_where_it_pays,
    left_out,  ///< wherever possible
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
