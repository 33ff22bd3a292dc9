// SPDX-License-Identifier: Apache-2.0
// One update of a fit: the loss of a batch, its gradients, the optimizer's step.
#pragma once

#include "plugin/side_effects.hpp"
#include "training/fit/tracker.hpp"
#include "training/models/dataset.hpp"

namespace tempo {

struct Scored {
  Tensors y_pred;
  Tensor loss;
  Tensor of_data;  // the loss without what regularizers and layers add; is `loss` if none does
  Tensors losses;  // of several outputs
};
/// What the model gives for the inputs of a batch.
Tensors called(ModelState& model, const Dataset& batch, bool training);
/// The weights of a model that have a regularizer, looked for once, when all are built.
class Penalized {
 public:
  const Tensors& of(const ModelState& model);

 private:
  std::optional<Tensors> found_;
};
/// What the model and its losses give for a batch; `seen` sees what its layers add to the loss.
Scored score(const std::string& who, ModelState& model, const Objective& objective,
             const Dataset& batch, bool training, const SideEffects& seen, Penalized& penalized);

/// The updates of a fit, with the optimizer and the losses that the model had when it began.
class Updates {
 public:
  Updates(std::string who, ModelState& model)
      : who_(std::move(who)),
        model_(model),
        optimizer_(model.optimizer),
        objective_(model.objective) {}

  static constexpr int no_epoch = -1;  // of a batch alone
  /// One update. Nothing changes when the loss, a gradient or a new weight is not finite, or when
  /// the mask of a piece of sequences leaves nothing in.
  Scored operator()(const Dataset& batch, int epoch, int64_t number);

 private:
  void step(const Dataset& batch, int epoch, int64_t number, const Scored& scored,
            SideEffects& effects);
  /// Throws Error where the loss of the data reaches no weight; says once which it doesn't reach.
  void check_reach(const Dataset& batch, const Tensors& weights, const Tensors& gradients);
  Tensors gradients_of(const Dataset& batch, const Scored& scored, const Tensors& weights);
  void require_listed(const Tensor& loss);
  void say_where_a_mask_is_lost(const Tensor& y_pred) const;
  /// Why a loss of the batch is infinite, where it is known: "y[3] ..."; "".
  std::string why_infinite(const Dataset& batch, const Tensors& y_pred) const;
  [[noreturn]] void not_finite(const Dataset& batch, const Tensors& y_pred, const std::string& what,
                               int epoch, int64_t number) const;

  std::string who_;
  ModelState& model_;
  Optimizer optimizer_;
  Objective objective_;
  Penalized penalized_;
};

}  // namespace tempo
