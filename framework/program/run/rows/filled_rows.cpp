// SPDX-License-Identifier: Apache-2.0
// Fills the steps after the end of rows with values that are safe to compute with.
#include "program/run/rows/filled_rows.hpp"

#include <algorithm>
#include <cstring>

#include "program/program.hpp"

namespace tempo {

FilledRows::FilledRows(const Program& p, const EndingRows& rows, std::span<const View> given,
                       std::span<const int64_t> whole)
    : inputs_(given.begin(), given.end()) {
  for (std::size_t i = p.fixed.size(); i < p.first_state(); ++i) {
    if (std::count(whole.begin(), whole.end(), static_cast<int64_t>(i)) > 0) continue;
    const ProgramValue& v = p[p.input(i)];
    // A value with one axis is a row that all rows read, even if it is as long as the batch.
    const bool by_row = v.type.shape.rank() > 1 && v.type.shape[0] == rows.rows();
    if (v.batch_first || !by_row || (v.name != kept_name && !is_floating(v.type.dtype))) continue;
    copies_.emplace_back(given[i].type);
    inputs_[i] = copies_.back().view();
    fill(v, rows, given[i], inputs_[i]);
  }
}

void FilledRows::fill(const ProgramValue& v, const EndingRows& rows, const View& from,
                      const View& to) {
  const auto batch = static_cast<std::size_t>(rows.rows());
  const std::size_t row = v.type.bytes() / batch, time = rows.before.size() - 1;
  std::memcpy(to.data, from.data, from.type.bytes());
  const auto place = [&](std::size_t t, std::size_t r) {
    return to.as<char>() + (t * batch + r) * row;
  };
  for (std::size_t r = 0; r < batch; ++r) {
    const auto n = static_cast<std::size_t>(rows.lengths[r]);
    for (std::size_t t = n; t < time; ++t)
      if (v.name == kept_name && rows.lengths[0] > 0)
        std::memcpy(place(t, r), n > 0 ? place(n - 1, r) : place(0, 0), row);
      else
        std::memset(place(t, r), 0, row);
  }
}

}  // namespace tempo
