// SPDX-License-Identifier: Apache-2.0
// In how many parts the leading axis of all stages can be cut, of which none reads another.
#include <algorithm>

#include "program/plan/planner.hpp"

namespace tempo {

namespace {

int64_t rows_of(const Stage& s) {
  const auto* product = std::get_if<ProductStage>(&s);
  return product ? product->out.first.rows : std::get<TileStage>(s).rows;
}

// The extent that values begin with.
int64_t leading_extent(const Program& p, const std::vector<Stage>& stages) {
  for (ValueId v : p.carried)
    if (p.shape(v).rank() > 0) return p.shape(v)[0];
  return rows_of(stages[0]);
}

}  // namespace

// They are independent if every stage is elementwise or a product: a part of its rows is then made
// of the same part of all that it reads, as all are in the order of the leading axis; but for what
// all rows read as one, which must not be made or copied in parts.
int64_t independent_rows(const Uses& uses, const std::vector<Stage>& stages) {
  const Program& p = uses.program();
  if (stages.empty()) return 0;
  for (const Stage& s : stages)
    if (std::holds_alternative<CallStage>(s)) return 0;
  const int64_t parts = leading_extent(p, stages);
  if (parts <= 1) return 0;
  const auto is_cut = [&](int64_t rows) { return rows > 0 && rows % parts == 0; };
  const auto has_rows = [&](ValueId v) { return is_cut(tempo::rows_of(uses.type(v).shape)); };
  if (!std::all_of(stages.begin(), stages.end(),
                   [&](const Stage& s) { return is_cut(rows_of(s)); }) ||
      !std::all_of(p.carried.begin(), p.carried.end(), has_rows))
    return 0;
  for (const Instruction& i : p.loop)
    for (ValueId v : i.inputs)
      if (!p.is_fixed(v) && has_rows(uses.root(v)) && !has_rows(v)) return 0;
  for (const ProgramResult& r : p.results) {
    if (r.kind == ProgramResult::sum && !uses.maker(r.value, Section::after)) return 0;
    // What the loop makes or carries, or gathers of the caller's, each part for itself.
    const bool in_parts = !p.is_fixed(r.value) &&
                          uses.section(r.value).value_or(Section::loop) == Section::loop &&
                          has_rows(uses.root(r.value));
    if (r.kind == ProgramResult::last && in_parts && !has_rows(r.value)) return 0;
  }
  return parts;
}

}  // namespace tempo
