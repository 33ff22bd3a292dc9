// SPDX-License-Identifier: Apache-2.0
// The losses that regularizers and layers add, for training loops of your own; fit and evaluate add
// them by themselves.
#pragma once

#include <functional>
#include <memory>

#include <tempo/model.hpp>

namespace tempo TEMPO_HIDDEN {

class SideEffects;

/// The sum of the penalties of these weights' regularizers; 0 without any. Each weight counts once,
/// and frozen ones do not count, as in Keras.
TEMPO_API Tensor regularization_loss(const Tensors& weights);
inline Tensor regularization_loss(const Model& model) {
  return regularization_loss(model.weights());
}
inline Tensor regularization_loss(const Layer& layer) {
  return regularization_loss(layer.weights());
}

/// A regularizer of this script: `penalty` gives one number for a weight, or for an output.
///
///     LSTM({.units = 8, .kernel_regularizer = own_regularizer("sparse", [](const Tensor& w) {
///             return 0.01 * sum(sqrt(abs(w) + 1e-6)); })})
///
/// A file holds its name alone, so a program that loads it calls this first; without it the model
/// loads and predicts, and its first fit says so. A second regularizer of the same name is used by
/// layers that are made from then on. Throws Error for a name that is no word.
TEMPO_API Regularizer own_regularizer(const std::string& name,
                                      std::function<Tensor(const Tensor&)> penalty);

/// While one lives, it sums the losses that layers called on this thread add: those of
/// activity_regularizer, of the steps that count, and add_loss. Without one they are not computed.
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
  /// The sum so far; 0 if there are no losses.
  TEMPO_API Tensor total() const;

 private:
  std::unique_ptr<SideEffects> seen_;
};

}  // namespace tempo
