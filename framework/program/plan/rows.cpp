#include "program/plan/planner.hpp"

#include <algorithm>

namespace tempo {

// Rows are independent if every step is elementwise or a product, on the same number of rows.
int64_t independent_rows(const Uses& uses, const std::vector<PlanStep>& steps) {
  int64_t rows = -1;
  for (const PlanStep& s : steps) {
    if (s.kind == PlanStep::single) return 0;
    const int64_t own = s.kind == PlanStep::product ? s.as_product.out.rows : s.as_tiles.rows;
    if (rows >= 0 && own != rows) return 0;
    rows = own;
  }
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
