// SPDX-License-Identifier: Apache-2.0
// The inputs of a run that computes also the rows that have ended.
#pragma once

#include <span>

#include "program/run/rows/ending_rows.hpp"
#include "tensor/array.hpp"

namespace tempo {

/// Copies of the sequences [time, batch, ...], whose steps after a row's end mean nothing. There, a
/// value that was kept is that of the row's last step, so that 0 times it is 0. All others are
/// gradients, or were kept of gradients, and are 0. Of the inputs `whole`, each step means
/// something.
class FilledRows {
 public:
  FilledRows(const Program& program, const EndingRows& rows, std::span<const View> inputs,
             std::span<const int64_t> whole);
  std::span<const View> inputs() const { return inputs_; }

 private:
  static void fill(const ProgramValue& v, const EndingRows& rows, const View& from, const View& to);
  std::vector<View> inputs_;
  std::vector<Array> copies_;
};

}  // namespace tempo
