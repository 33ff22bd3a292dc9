// SPDX-License-Identifier: Apache-2.0
// What regularizers and layers add to a loss, for loops of one's own; fit and evaluate add it
// themselves.
#pragma once

#include <memory>

#include <tempo/model.hpp>

namespace tempo TEMPO_HIDDEN {

class SideEffects;

/// The sum of the penalties that these weights' regularizers give; 0 without any. Each counts once,
/// and frozen ones not, as in Keras.
TEMPO_API Tensor regularization_loss(const Tensors& weights);
inline Tensor regularization_loss(const Model& model) {
  return regularization_loss(model.weights());
}
inline Tensor regularization_loss(const Layer& layer) {
  return regularization_loss(layer.weights());
}

/// While one lives, it sums the losses that layers called on this thread add: those of
/// activity_regularizer, and add_loss. Without one they are not computed.
///
///     const AddedLosses added;
///     Tensor loss = mse(y, model(x, {.training = true})) + regularization_loss(model);
///     loss = loss + added.total();
class AddedLosses {
 public:
  TEMPO_API AddedLosses();
  TEMPO_API ~AddedLosses();
  AddedLosses(const AddedLosses&) = delete;
  AddedLosses& operator=(const AddedLosses&) = delete;
  /// So far; 0 for none.
  TEMPO_API Tensor total() const;

 private:
  std::unique_ptr<SideEffects> seen_;
};

}  // namespace tempo
