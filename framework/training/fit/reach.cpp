// SPDX-License-Identifier: Apache-2.0
// Walks the graph of a loss, and names the weights that it should reach but does not.
#include "training/fit/reach.hpp"

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

std::string mask_lost_in(const Tensor& y_pred) {
  if (mask_of(y_pred) || y_pred.rank() < 3) return "";
  const Shape steps{y_pred.shape()[0], y_pred.shape()[1]};
  const auto of_these_steps = [&](const Value& value) {
    const Shape& shape = value.type.shape;
    return shape.rank() > 2 && shape[0] == steps[0] && shape[1] == steps[1];
  };
  std::unordered_set<const void*> known;
  std::vector<const Application*> open;
  const auto visit = [&](const Value& value) {
    if (const Application* const from = value.from.get();
        from && !value.unmasked && known.insert(from).second)
      open.push_back(from);
  };
  visit(*y_pred.handle());
  while (!open.empty()) {
    const Application* const application = open.back();
    open.pop_back();
    // Only the rows of a product's first factor are steps.
    const std::size_t n = application->op->name == "matmul" ? 1 : application->inputs.size();
    for (std::size_t i = 0; i < n; ++i) {
      const Value& input = *application->inputs[i];
      if (input.mask && input.mask->type.shape == steps) return application->op->name;
      if (of_these_steps(input) || application->op->rearranges) visit(input);
    }
  }
  return "";
}

}  // namespace tempo
