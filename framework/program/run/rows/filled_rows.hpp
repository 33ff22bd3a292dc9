// SPDX-License-Identifier: Apache-2.0
// The inputs of a run that computes ended rows as well.
#pragma once

#include <span>

#include "program/run/rows/ending_rows.hpp"
#include "tensor/array.hpp"

namespace tempo {

/// Copies of the sequences [time, batch, ...], filled in after the end of each row. A kept value
/// gets that of the row's last step, so that 0 times it is 0. All other values are gradients, or
/// were kept for gradients, and get 0. The inputs in `whole` are valid at each step, and are not
/// copied.
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
