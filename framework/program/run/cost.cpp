// SPDX-License-Identifier: Apache-2.0
// Counts FLOPs by section, and names the kernels outside of the loop.
#include "program/run/cost.hpp"

#include <algorithm>

#include <tempo/names.hpp>

#include "ops/known.hpp"
#include "tensor/cpu.hpp"
#include "tensor/parallel.hpp"
#include "tensor/products/matmul.hpp"

namespace tempo {

namespace {

class Cost {
 public:
  Cost(const Executable& executable, int64_t time)
      : executable_(executable),
        p_(executable.program()),
        time_(time),
        steps_(executable.surroundings().steps_at_once(time)) {}

  std::string text() const {
    const int64_t shards = std::min<int64_t>(executable_.shards(time_), threads());
    std::string text = "over " + sdk::counted(time_, "step");
    if (steps_ < time_) text += ", " + std::to_string(steps_) + " at a time";
    text += ", in " + sdk::counted(shards, "shard") + ", on " + name_of(instruction_set()) +
            " kernels:\n";
    const Surroundings& around = executable_.surroundings();
    if (!around.before.empty()) text += outside("before", around.before);
    text += line("loop", flops(p_.loop)) + "\n";
    if (!around.after.empty()) text += outside("after", around.after);
    return text;
  }

 private:
  static std::string line(const std::string& section, int64_t flops) {
    return "  " + section + std::string(8 - section.size(), ' ') + std::to_string(flops) +
           " FLOPs a step";
  }

  std::string outside(const std::string& section, const std::vector<OutsideCall>& calls) const {
    std::string each, once;
    int64_t of_step = 0, left = 0;  // left: calls of a group, which may run at once
    for (const OutsideCall& call : calls) {
      const Instruction& i = p_[call.instruction];
      const bool is_once = call.how == OutsideCall::How::once;
      std::string& ops = is_once ? once : each;
      const char* const apart = !is_once && left == 0 ? "; then " : ", ";
      if (left == 0) left = call.group;
      --left;
      ops += (ops.empty() ? " " : apart) + i.op->name + kernels_of(call);
      if (!is_once) of_step += flops(i);
    }
    return line(section, of_step) + (each.empty() ? "" : ":" + each) +
           (once.empty() ? "" : "; once:" + once) + "\n";
  }

  int64_t flops(const std::vector<Instruction>& section) const {
    int64_t total = 0;
    for (const Instruction& i : section) total += flops(i);
    return total;
  }
  int64_t flops(const Instruction& i) const {
    const int64_t made = p_.shape(i.outputs[0]).count();
    if (i.is(block_matmul_op)) return 2 * made * p_.shape(i.inputs[0]).back();
    if (i.is(block_outer_op))
      return 2 * p_.shape(i.inputs[0]).count() * p_.shape(i.outputs[0]).back();
    if (i.is(matmul_op)) return 2 * made * p_.shape(i.inputs[0])[i.is_set("transpose_a") ? -2 : -1];
    if (i.op->pointwise) return made;
    return i.summed || i.op->kernel.fold ? p_.shape(i.inputs[0]).count() : 0;
  }

  std::string kernels_of(const OutsideCall& call) const {
    const Instruction& i = p_[call.instruction];
    if (call.product) return std::string(" (") + name_of(instruction_set()) + ")";
    if (!i.is(matmul_op)) return "";
    const bool own = runs_on_own_kernels(p_.type(i.outputs[0]).dtype, shape_in(call, i.inputs[0]),
                                         shape_in(call, i.inputs[1]), i.is_set("transpose_a"),
                                         i.is_set("transpose_b"), i.summed);
    return std::string(" (") + (own ? name_of(instruction_set()) : "OpenBLAS") + ")";
  }

  Shape shape_in(const OutsideCall& call, ValueId v) const {
    const bool of_all = call.how == OutsideCall::How::all_steps && !p_.is_fixed(v);
    return of_all ? p_.shape(v).prepended(steps_) : p_.shape(v);
  }

  const Executable& executable_;
  const Program& p_;
  int64_t time_, steps_;
};

}  // namespace

std::string cost_of(const Executable& executable, int64_t time) {
  return Cost(executable, time).text();
}

}  // namespace tempo
