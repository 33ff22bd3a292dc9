// SPDX-License-Identifier: Apache-2.0
// Sums added losses, and keeps the earlier values of assigned weights.
#include "plugin/side_effects.hpp"

#include <tempo/ops.hpp>

#include "graph/trace.hpp"

namespace tempo {

namespace {
thread_local SideEffects* innermost = nullptr;
uint64_t current_trace() { return Trace::current() ? Trace::current()->id() : 0; }
}  // namespace

SideEffects::SideEffects() : trace_(current_trace()), innermost_(innermost, this) {}
SideEffects* SideEffects::current() { return innermost; }

void SideEffects::add_loss(const Tensor& loss) {
  if (current_trace() != trace_)
    throw Error(
        "a loss is added in a step that is traced, which gives values of its own for each time.\n"
        "  Add it in the call of a layer, from the outputs of all steps.");
  const Tensor one = reshape(loss, {});
  if (!losses_)
    losses_ = one;
  else
    losses_ = losses_ + (one.dtype() == losses_.dtype() ? one : cast(one, losses_.dtype()));
}

void SideEffects::is_assigned(Value& weight) {
  assigned_.push_back({Ref<Value>::share(&weight), weight.array});
}

void SideEffects::take_back() {
  while (!assigned_.empty()) {
    exchange_array(*assigned_.back().weight, std::move(assigned_.back().before));
    assigned_.pop_back();
  }
}

}  // namespace tempo
