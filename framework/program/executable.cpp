// SPDX-License-Identifier: Apache-2.0
// Plans a Program and runs it. An Executable is made once, and many calls use it.
#include "program/executable.hpp"

#include <algorithm>

#include "ops/known.hpp"
#include "program/run/cost.hpp"
#include "program/run/execution.hpp"
#include "program/run/rows/filled_rows.hpp"
#include "program/verify.hpp"
#include "tensor/parallel.hpp"

namespace tempo {

namespace {

constexpr int64_t enough = 4 << 20;  // multiplications that are worth a thread

template <class... N>
std::string size(N... extents) {
  return to_string(Shape{extents...});
}

std::string text_of(const ProductStage& p) {
  std::string text;
  const char* before = "product ";
  for (const ProductTerm& t : p.terms) {
    const Region& a = t.a.first;
    const int64_t n = p.out.first.cols;
    const char* const with = t.in_int8 ? " x int8 " : " x packed ";
    text += before + (t.blocked ? size(a.rows, p.blocks, a.cols) + with + size(p.blocks, a.cols, n)
                                : size(a.rows, a.cols) + with + size(a.cols, p.blocks * n));
    before = " + ";
  }
  return text + (p.accumulates ? ", added in place" : "") + (p.bias ? ", plus a row" : "");
}

std::string text_of(const TileStage& group) {
  std::string text = "tiles " + size(group.rows, group.cols);
  text += group.matrix_rows > 0 ? ", matrices of " + std::to_string(group.matrix_rows) + " rows" +
                                      (group.compiled ? ", compiled:" : ":")
          : group.in_one_run ? " in one run:"
                             : " row by row:";
  for (const TileOp& op : group.ops) {
    const bool folds = op.op == &sum_to_op || op.op == &sum_op;
    text += folds && op.n_inputs == 2              ? (op.sums_rows ? " column dot" : " row dot")
            : op.sums_rows                         ? " column sum"
            : op.op == &add_op && op.n_inputs == 3 ? " multiply-add"
                                                   : " " + op.op->name;
  }
  return text;
}

}  // namespace

Executable::Executable(Program optimised, bool rows_end) : program_(std::move(optimised)) {
  const Uses uses(program_, Uses::Views::seen_through);
  plan_ = make_plan(uses, rows_end);
  surroundings_ = surroundings_of(uses, plan_);
#ifdef TEMPO_CHECKED
  verify(program_);
  verify_rows(program_, plan_.independent_rows);
#endif
}

void Executable::run(int64_t time, std::span<const View> inputs, std::span<const View> outputs,
                     const EndingRows* rows, std::span<const int64_t> whole,
                     const KeptProducts* kept) const {
  if (!rows || drops_rows())
    return Execution(*this, time, inputs, outputs, threads(), rows, kept).run();
  const FilledRows filled(program_, *rows, inputs, whole);
  Execution(*this, time, filled.inputs(), outputs, threads(), rows, kept).run();
}

// As many as are worth a thread. Rows, and channels, do not read each other, so no bit changes.
int64_t Executable::shards(int64_t time) const {
  const int64_t parts = plan_.independent_rows, together = plan_.parts_together;
  const int64_t rows = plan_.channels || together > 0 ? surroundings_.rows : parts,
                by_work = surroundings_.work_per_row * rows * time / enough;
  const int64_t most = plan_.channels ? plan_.channels->channels / ChannelLoop::fewest
                       : together > 0 ? parts / together
                                      : parts / fewest_shard_rows;
  return std::max<int64_t>(1, std::min(by_work, most));
}

int64_t Executable::column_parts(int64_t time) const {
  const bool is_long = surroundings_.work_per_row * surroundings_.rows * time >= enough;
  return is_long && shards(time) == 1 ? plan_.column_parts : 1;
}

bool Executable::leaves_threads_idle(int64_t time) const {
  return surroundings_.work_per_row * surroundings_.rows * time >= enough &&
         shards(time) < threads();
}

std::string Executable::explain(int64_t time) const {
  return to_string(*this) + cost_of(*this, time);
}

std::string to_string(const Executable& executable) {
  const Program& p = executable.program();
  std::string text;
  for (const Stage& stage : executable.plan().stages) {
    if (const auto* product = std::get_if<ProductStage>(&stage))
      text += "  " + text_of(*product) + "\n";
    else if (const auto* group = std::get_if<TileStage>(&stage))
      text += "  " + text_of(*group) + "\n";
    else
      text += "  call " + p.loop[std::get<CallStage>(stage).instruction].op->name + "\n";
  }
  if (const int64_t together = executable.plan().parts_together)
    text += "  " + std::to_string(executable.plan().independent_rows) +
            " matrices are independent; " + std::to_string(together) +
            " at a time go through all steps of a stretch\n";
  else if (executable.plan().independent_rows > 0)
    text += "  rows are independent\n";
  else if (const std::string& why = executable.plan().why_not_independent; !why.empty())
    text += "  one shard: " + why + "\n";
  if (executable.plan().channels) text += "  channels are independent\n";
  if (executable.plan().column_parts > 1) text += "  threads share the columns of products\n";
  return text;
}

}  // namespace tempo
