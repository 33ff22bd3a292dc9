// SPDX-License-Identifier: Apache-2.0
// Sums the penalties of weights, and the losses that layers add.
#include "training/models/regularization.hpp"

#include <set>

#include <tempo/ops.hpp>

#include "ops/regularizers.hpp"
#include "plugin/side_effects.hpp"

namespace tempo {

Tensors penalized_of(const Tensors& weights) {
  Tensors out;
  for (const Tensor& w : weights)
    if (const auto& rules = w.handle()->rules; rules && rules->penalty) out.push_back(w);
  return out;
}

Tensor penalty_of(const Tensors& weights) {
  Tensor total;
  std::set<const tempo_tensor*> met;
  for (const Tensor& w : weights) {
    const tempo_tensor& weight = *w.handle();
    if (weight.frozen || !weight.rules || !weight.rules->penalty || !met.insert(&weight).second)
      continue;
    const Tensor penalty = [&] {
      try {
        return weight.rules->penalty(w);
      } catch (const MissingFunction& error) {
        throw Error(w.path() + ": " + error.what());
      }
    }();
    if (!total)
      total = penalty;
    else
      total = total + (penalty.dtype() == total.dtype() ? penalty : cast(penalty, total.dtype()));
  }
  return total;
}

Tensor regularization_loss(const Tensors& weights) {
  const Tensor total = penalty_of(weights);
  return total ? total : scalar(0);
}

Regularizer own_regularizer(const std::string& name, std::function<Tensor(const Tensor&)> penalty) {
  if (!penalty) throw Error("own_regularizer: `" + name + "` is an empty function.");
  return add_own_regularizer(name, std::move(penalty));
}

AddedLosses::AddedLosses() : seen_(std::make_unique<SideEffects>()) {}
AddedLosses::~AddedLosses() = default;
Tensor AddedLosses::total() const { return seen_->losses() ? seen_->losses() : scalar(0); }

}  // namespace tempo
