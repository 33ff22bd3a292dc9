// SPDX-License-Identifier: Apache-2.0
// Replaces the first states of a recurrence by the last ones of its previous run.
#include "plugin/carried_states.hpp"

#include <algorithm>

#include <tempo/ops.hpp>

#include "graph/trace.hpp"
#include "plugin/layer.hpp"

namespace tempo {

namespace {
thread_local CarriedStates* innermost = nullptr;
}

CarriedStates::Call::Call(CarriedStates& states, int64_t batch, int64_t time,
                          std::vector<Output>* outputs)
    : innermost_(innermost, &states) {
  states.run_.clear();
  states.held_.clear();
  states.batch_ = batch;
  states.time_ = time;
  states.outputs_ = outputs;
}

CarriedStates* CarriedStates::current() { return Trace::current() ? nullptr : innermost; }

// Other sequences, such as those within each step, begin anew. Steps that no mask counts may have
// been cut off. Over zero steps a layer only inspects its cell, so nothing is carried.
bool CarriedStates::sees(const Shape& x) const {
  return x.rank() >= 2 && x[0] == batch_ && x[1] > 0 && x[1] <= time_;
}

CarriedStates::Results CarriedStates::run(const tempo_scan& scan, const tempo_layer* layer,
                                          FunctionRef<Results(const tempo_scan&)> run) {
  if (!sees(scan.n_sequences == 0 ? Shape{} : scan.sequences[0]->type.shape)) return run(scan);
  if (scan.reverse) {
    if (backwards_.empty()) backwards_ = layer ? layer->path() : "scan";
    return run(scan);
  }
  Tensors& last = last_[{layer, run_[layer]++}];
  std::vector<tempo_tensor*> first(scan.states, scan.states + scan.n_states);
  for (std::size_t i = 0; i < std::min(first.size(), last.size()); ++i)
    if (last[i].handle()->type == first[i]->type) first[i] = last[i].handle();
  tempo_scan going_on = scan;
  going_on.states = first.data();
  Results results = run(going_on);
  const NoGradient off;
  last.clear();
  for (std::size_t i = scan.n_outputs; i < scan.n_outputs + first.size(); ++i)
    last.push_back(stop_gradient(Tensor::borrowed(results[i].get())));
  return results;
}

Tensor CarriedStates::held(const Tensor& outputs, const Tensor& mask, const tempo_layer& layer) {
  if (!sees(outputs.shape())) return outputs;
  Tensor &last = last_output_[{&layer, held_[&layer]++}], all = outputs;
  if (last) {
    Shape aligned = mask.shape();
    while (aligned.rank() < outputs.rank()) aligned.push_back(1);
    const Tensor any_counted = cumsum(cast(mask, int32), 1) > 0;
    all = where(reshape(any_counted, aligned), outputs, expand_dims(last, 1));
  }
  const NoGradient off;
  last = stop_gradient(take(all, -1, 1));
  return all;
}

void CarriedStates::note(const tempo_layer& layer, const Tensor& output) {
  if (outputs_) outputs_->push_back({layer.path(), output});
}

}  // namespace tempo
