// SPDX-License-Identifier: Apache-2.0
// Describes a group of tiles on matrices as a MatrixLoop. The places of values say which op makes
// what another one reads.
#include <algorithm>
#include <cstdlib>

#include "ops/known.hpp"
#include "program/plan/planner.hpp"

namespace tempo {

namespace {

using Function = MatrixLoop::Function;

bool is_sum(const TileOp& op) { return op.op == &sum_op || op.op == &sum_to_op; }

std::optional<Function> function_of(const TileOp& op) {
  const bool product = op.n_inputs == 2;
  if (op.sums_rows) return product ? Function::column_dot : Function::column_sum;
  if (is_sum(op)) return product ? Function::row_dot : Function::row_sum;
  if (op.op == &add_op) return op.n_inputs == 3 ? Function::multiply_add : Function::add;
  const std::pair<const OpDefinition*, Function> known[] = {{&subtract_op, Function::subtract},
                                                            {&multiply_op, Function::multiply},
                                                            {&negative_op, Function::negative},
                                                            {&square_op, Function::square}};
  for (const auto& [definition, function] : known)
    if (op.op == definition) return function;
  return {};
}

bool same_place(const Region& a, const Region& b) {
  return a.block == b.block && a.offset == b.offset;
}

class Translation {
 public:
  explicit Translation(TileStage& group)
      : group_(group),
        dtype_(group.ops[0].out.dtype),
        size_(static_cast<int64_t>(size_of(dtype_))),
        loop_{dtype_, group.matrix_rows, group.cols, {}} {}

  void run() {
    for (const TileOp& op : group_.ops)
      if (!add(op)) return;
    if (bases_.size() > TileStage::most_bases) return;
    group_.compiled = compile(loop_);
    if (group_.compiled) group_.bases = std::move(bases_);
  }

 private:
  // False if there is no machine code for it.
  bool add(const TileOp& op) {
    const bool wide = op.cols == group_.cols;
    const bool folds = is_sum(op) && !op.sums_rows;
    const std::optional<Function> function = function_of(op);
    if (!function || op.out.dtype != dtype_ || (!wide && op.cols != 1)) return false;
    MatrixLoop::Op made{*function, {}, wide, {}, op.out.block != Plan::in_register};
    if (op.sums_rows && !made.kept) return false;
    for (std::size_t n = 0; n < static_cast<std::size_t>(op.n_inputs); ++n) {
      const std::optional<MatrixLoop::Operand> o = operand(op, n);
      if (!o || (!wide && loop_.is_wide(*o))) return false;
      made.inputs.push_back(*o);
    }
    if (folds && !wide) return false;
    if (folds && !std::all_of(made.inputs.begin(), made.inputs.end(),
                              [&](const auto& o) { return loop_.is_wide(o); }))
      return false;
    const bool wide_out = wide && !folds;
    Region out = op.out;
    if (!made.kept) out.row_stride = loop_.cols * size_;
    if (wide_out && made.kept && op.out.col_stride != size_) return false;
    made.out = memory(out, made.kept ? op.out_matrices : 0, wide_out);
    loop_.ops.push_back(std::move(made));
    return true;
  }

  // What an earlier op of the group made, or what lies in memory.
  std::optional<MatrixLoop::Operand> operand(const TileOp& op, std::size_t n) {
    const Region& from = op.inputs[n];
    if (from.dtype != dtype_) return {};
    const bool in_register = from.block == Plan::in_register;
    const bool wide = op.cols > 1 && (in_register ? op.strides[n] : from.col_stride) != 0;
    for (std::size_t k = loop_.ops.size(); k-- > 0;) {
      const TileOp& maker = group_.ops[k];
      if (!same_place(maker.out, from)) continue;
      const bool as_made = loop_.is_wide(k) == wide && !maker.sums_rows &&
                           (in_register || maker.out.row_stride == from.row_stride);
      return as_made ? std::optional<MatrixLoop::Operand>(k) : std::nullopt;
    }
    if (in_register || (wide && from.col_stride != size_)) return {};
    return memory(from, op.matrices[n], wide);
  }

  MatrixLoop::Memory memory(const Region& from, int64_t matrices, bool wide) {
    const auto same = [&](const TileStage::Base& b) {
      return same_place(b.region, from) && b.region.row_stride == from.row_stride &&
             b.region.col_stride == from.col_stride && b.matrices == matrices;
    };
    const auto at = std::find_if(bases_.begin(), bases_.end(), same);
    const auto index = static_cast<std::size_t>(at - bases_.begin());
    if (at == bases_.end()) bases_.push_back({from, matrices});
    return {index, from.row_stride, wide};
  }

  TileStage& group_;
  const DType dtype_;
  const int64_t size_;
  MatrixLoop loop_;
  std::vector<TileStage::Base> bases_;
};

}  // namespace

void compile_matrices(TileStage& group) {
  if (!group.ops.empty() && group.cols > 1) Translation(group).run();
}

}  // namespace tempo
