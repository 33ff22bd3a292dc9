// SPDX-License-Identifier: Apache-2.0
// Walks the graph of a loss, and names weights that it should reach and does not.
#include "training/reach.hpp"

#include <unordered_set>

#include <tempo/ops.hpp>

#include "autograd/walk.hpp"

namespace tempo {

Tensors gradients_for(const Tensor& loss, const Tensors& weights) {
  return walk({{loss, ones_like(loss)}}, weights);
}

// Without recursion, so that a graph may be as deep as memory allows.
std::string reached_outside(const Tensor& loss, const Tensors& weights) {
  std::unordered_set<const void*> known;
  for (const Tensor& w : weights) known.insert(w.handle());
  std::vector<const Application*> open;
  const auto visit = [&](const Value& value) {
    const Application* const from = value.from.get();
    if (from && value.tracked && from->op->differentiable() && known.insert(from).second)
      open.push_back(from);
  };
  visit(*loss.handle());
  while (!open.empty()) {
    const Application* const application = open.back();
    open.pop_back();
    for (const Ref<Value>& input : application->inputs) {
      const bool learns = input->weight && input->tracked && !input->frozen;
      if (learns && !input->path.empty() && !known.count(input.get())) return input->path;
      visit(*input);
    }
  }
  return "";
}

}  // namespace tempo
