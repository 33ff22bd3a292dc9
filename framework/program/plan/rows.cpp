// SPDX-License-Identifier: Apache-2.0
// Cuts the leading axis of all stages into parts that do not read one another.
#include <algorithm>
#include <numeric>
#include <optional>
#include <string>

#include <tempo/names.hpp>

#include "program/plan/planner.hpp"

namespace tempo {

namespace {

int64_t rows_of(const Stage& s) {
  const auto* product = std::get_if<ProductStage>(&s);
  return product ? product->out.first.rows : std::get<TileStage>(s).rows;
}

// The leading extent of the states, if one has an axis.
std::optional<int64_t> leading_extent(const Program& p) {
  for (ValueId v : p.carried)
    if (p.shape(v).rank() > 0) return p.shape(v)[0];
  return {};
}

// A number of parts into which the rows of every stage and last result can be cut; else the rows of
// the first stage.
int64_t common_rows(const Program& p, const std::vector<Stage>& stages) {
  int64_t common = 0;
  for (const Stage& s : stages) common = std::gcd(common, rows_of(s));
  for (const ProgramResult& r : p.results)
    if (r.kind == ProgramResult::last && !p.is_fixed(r.value))
      common = std::gcd(common, tempo::rows_of(p.shape(r.value)));
  return common > 1 ? common : rows_of(stages[0]);
}

// The largest number of matrices of a state; 0 if no state has any.
int64_t matrices(const Program& p) {
  int64_t most = 0;
  for (ValueId v : p.carried)
    if (const Shape& s = p.shape(v); is_of_matrix_state(p, s))
      most = std::max(most, Shape(s.begin(), s.end() - 2).count());
  return most;
}

// The reason why the rows cannot be cut into these parts; empty if they can.
std::string why_whole(int64_t parts, const Uses& uses, const std::vector<Stage>& stages) {
  const Program& p = uses.program();
  const auto is_cut = [&](int64_t rows) { return rows > 0 && rows % parts == 0; };
  const auto has_rows = [&](ValueId v) { return is_cut(tempo::rows_of(uses.type(v).shape)); };
  const std::string into = " cannot be cut into " + std::to_string(parts);
  for (std::size_t k = 0; k < p.carried.size(); ++k)
    if (!has_rows(p.carried[k]))
      return "state " + std::to_string(k) + ", " + to_string(p.shape(p.carried[k])) + "," + into;
  for (const Stage& s : stages) {
    const auto* group = std::get_if<TileStage>(&s);
    if (!is_cut(rows_of(s)) ||
        (group && group->matrix_rows > 0 && rows_of(s) / parts % group->matrix_rows != 0))
      return sdk::counted(rows_of(s), "row") + " of " + (group ? "tiles" : "a product") + into;
  }
  for (const Instruction& i : p.loop)
    for (ValueId v : i.inputs)
      if (!p.is_fixed(v) && has_rows(uses.root(v)) && !has_rows(v))
        return std::string(i.op->name) + " reads all rows as one";
  for (const ProgramResult& r : p.results) {
    if (r.kind == ProgramResult::sum && !uses.maker(r.value, Section::after))
      return "a sum over time grows at each step";
    // The loop makes, carries or gathers it, separately for each part.
    const bool in_parts = !p.is_fixed(r.value) &&
                          uses.section(r.value).value_or(Section::loop) == Section::loop &&
                          has_rows(uses.root(r.value));
    if (r.kind == ProgramResult::last && in_parts && !has_rows(r.value))
      return "a result, " + to_string(p.shape(r.value)) + "," + into;
  }
  return "";
}

}  // namespace

// Parts are independent if every stage is elementwise or a product: each part of its rows is made
// from the same part of its operands, as all are ordered by the leading axis. The exception is a
// value that all rows read as one: it must not be made or copied in parts.
IndependentRows independent_rows(const Uses& uses, const Plan& plan) {
  const Program& p = uses.program();
  const std::vector<Stage>& stages = plan.stages;
  for (const Stage& s : stages)
    if (const auto* call = std::get_if<CallStage>(&s)) {
      if (leading_extent(p).value_or(1) <= 1) return {};
      return {0, std::string(p.loop[call->instruction].op->name) + " may read all rows"};
    }
  if (stages.empty()) return {};
  IndependentRows rows;
  for (const int64_t parts :
       {plan.rows_end ? 0 : matrices(p), leading_extent(p).value_or(common_rows(p, stages))}) {
    if (parts <= 1) continue;
    rows.why_not = why_whole(parts, uses, stages);
    if (rows.why_not.empty()) return {parts, ""};
  }
  return rows;
}

int64_t parts_together(const Uses& uses, const Plan& plan) {
  constexpr int64_t cached_bytes = 16 << 10;
  const Program& p = uses.program();
  const int64_t parts = plan.independent_rows;
  if (parts == 0 || plan.rows_end || plan.channels || matrices(p) == 0) return 0;
  for (const Stage& s : plan.stages)
    if (!std::holds_alternative<TileStage>(s)) return 0;
  int64_t bytes = 0;
  for (ValueId v : p.carried) bytes += static_cast<int64_t>(p.type(v).bytes()) / parts;
  return std::clamp<int64_t>(cached_bytes / std::max<int64_t>(bytes, 1), 1, parts);
}

// While threads wait for their parts, nothing else may use them, such as a call, or a sum that
// grows at each step.
int64_t column_parts(const Uses& uses, const Plan& plan) {
  if (plan.independent_rows >= 2 * fewest_shard_rows || plan.channels || plan.parts_together > 0)
    return 1;
  for (const Stage& s : plan.stages)
    if (std::holds_alternative<CallStage>(s)) return 1;
  for (const ProgramResult& r : uses.program().results)
    if (r.kind == ProgramResult::sum && !uses.maker(r.value, Section::after)) return 1;
  int64_t most = 1;
  for (const Stage& s : plan.stages)
    if (const auto* product = std::get_if<ProductStage>(&s))
      most = std::max(most, product->column_parts());
  return most;
}

}  // namespace tempo
