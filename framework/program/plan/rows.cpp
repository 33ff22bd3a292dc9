// SPDX-License-Identifier: Apache-2.0
// On how many rows the stages of a plan work without reading one another.
#include <algorithm>

#include "program/plan/planner.hpp"

namespace tempo {

// Rows are independent if every stage is elementwise or a product, on the same number of rows.
int64_t independent_rows(const Uses& uses, const std::vector<Stage>& stages) {
  std::optional<int64_t> common;
  for (const Stage& s : stages) {
    if (std::holds_alternative<CallStage>(s)) return 0;
    const auto* product = std::get_if<ProductStage>(&s);
    const int64_t own = product ? product->out.rows : std::get<TileStage>(s).rows;
    if (common.value_or(own) != own) return 0;
    common = own;
  }
  const int64_t rows = common.value_or(0);
  const auto has_rows = [&](ValueId v) { return rows_of(uses.type(v).shape) == rows; };
  const Program& p = uses.program();
  if (!std::all_of(p.carried.begin(), p.carried.end(), has_rows)) return 0;
  for (const ProgramResult& r : p.results) {
    const bool in_loop = uses.maker(r.value) || p.is_state(r.value);
    if (r.kind == ProgramResult::sum && !uses.maker(r.value, Section::after)) return 0;
    if (r.kind == ProgramResult::last && in_loop && !has_rows(r.value)) return 0;
  }
  return rows > 1 ? rows : 0;
}

}  // namespace tempo
