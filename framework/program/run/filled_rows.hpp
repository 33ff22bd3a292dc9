// SPDX-License-Identifier: Apache-2.0
// The inputs of a run that computes also the rows that have ended.
#pragma once

#include <span>

#include "program/ending_rows.hpp"
#include "tensor/array.hpp"

namespace tempo {

/// Copies of the sequences [time, batch, ...] that mean nothing where a row has ended. A value that
/// was kept is there that of the row's last step, so that 0 times it is 0. A gradient is 0, and so
/// is what was kept of a gradient: it is made of gradients that a condition has made 0.
class FilledRows {
 public:
  FilledRows(const Program& program, const EndingRows& rows, std::span<const View> inputs);
  std::span<const View> inputs() const { return inputs_; }

 private:
  static void fill(const ProgramValue& v, const EndingRows& rows, const View& from, const View& to);
  std::vector<View> inputs_;
  std::vector<Array> copies_;
};

}  // namespace tempo
