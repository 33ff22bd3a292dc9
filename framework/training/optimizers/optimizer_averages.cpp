// SPDX-License-Identifier: Apache-2.0
// Running averages of weights, accumulated gradients, and the scale of the loss.
#include <tempo/gradient.hpp>
#include <tempo/ops.hpp>

#include "tensor/finite.hpp"
#include "training/finite.hpp"
#include "training/optimizers/optimizer_state.hpp"

namespace tempo {

void OptimizerState::require_ema() const {
  if (common.ema_overwrite_frequency > 0 && !common.use_ema)
    throw Error(name() + ": ema_overwrite_frequency is " +
                std::to_string(common.ema_overwrite_frequency) +
                ", and there are no averages.\n  Set .use_ema = true, too.");
}

Array* OptimizerState::average_of(const Tensor& weight) {
  const auto known = places.find(weight.handle());
  if (known == places.end()) return nullptr;
  for (auto& [slot, array] : known->second->slots)
    if (slot == average_slot) return &array;
  return nullptr;
}

namespace {

void require_averages(const OptimizerState& of) {
  if (!of.common.use_ema)
    throw Error(of.name() + ": it keeps no averages.\n  Make it with .use_ema = true.");
}

}  // namespace

// Weight and average then share one array; the next step gives each its own.
void OptimizerState::use_averages(const Tensors& weights) {
  require_averages(*this);
  const bool in_place = std::exchange(swapped, false);
  for (const Tensor& weight : weights) {
    Array* const average = average_of(weight);
    if (!average) continue;
    if (in_place)
      *average = weight.handle()->array;
    else
      exchange_array(*weight.handle(), *average);
  }
}

void OptimizerState::swap_averages(const Tensors& weights) {
  require_averages(*this);
  for (const Tensor& weight : weights)
    if (Array* const average = average_of(weight))
      *average = exchange_array(*weight.handle(), *average);
  swapped = !swapped;
}

void OptimizerState::add_waiting(const std::vector<Memory*>& all, const Tensors& gradients) {
  std::vector<Array> sums;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Memory& of = *all[i];
    const Tensor sum = of.waiting ? to_tensor(make_value(of.waiting)) + gradients[i] : gradients[i];
    sums.push_back(sum.handle()->array);
    sums.back().finish();
    if (!all_finite(sums.back().view())) refuse(of, 0, gradients[i]);
  }
  for (std::size_t i = 0; i < all.size(); ++i) all[i]->waiting = std::move(sums[i]);
  ++waiting;
}

Tensors OptimizerState::with_waiting(const std::vector<Memory*>& all,
                                     const Tensors& gradients) const {
  Tensors out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Array& sum = all[i]->waiting;
    const Tensor total = sum ? gradients[i] + to_tensor(make_value(sum)) : gradients[i];
    out.push_back(total / steps_per_update());
  }
  return out;
}

Tensor Optimizer::scale_loss(const Tensor& loss) const {
  const double factor = required().common.loss_scale_factor;
  return factor == 0 ? loss : loss * factor;
}

bool Optimizer::has_averages() const { return required().common.use_ema; }
void Optimizer::use_averages(const Tensors& weights) { required().use_averages(weights); }
void Optimizer::swap_averages(const Tensors& weights) { required().swap_averages(weights); }
bool Optimizer::swapped_averages() const { return required().swapped; }

}  // namespace tempo
