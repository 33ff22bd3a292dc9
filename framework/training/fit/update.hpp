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
  Tensor of_data;  // the loss without penalties and losses of layers; else the same as `loss`
  Tensors losses;  // if there are several outputs
};
/// The results of the model for the inputs of a batch.
Tensors called(ModelState& model, const Dataset& batch, bool training);
/// The weights of a model that have a regularizer. They are looked up once, when all are built.
class Penalized {
 public:
  const Tensors& of(const ModelState& model);

 private:
  std::optional<Tensors> found_;
};
/// The results and losses of the model for a batch; `seen` holds the losses that its layers add.
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

  static constexpr int no_epoch = -1;  // for a batch outside of a fit
  /// One update. Nothing changes if the loss, a gradient or a new weight is not finite, or if the
  /// mask of a piece leaves no step in.
  Scored operator()(const Dataset& batch, int epoch, int64_t number);

 private:
  void step(const Dataset& batch, int epoch, int64_t number, const Scored& scored,
            SideEffects& effects);
  /// Throws Error if the loss of the data reaches no weight; reports once the weights not reached.
  void check_reach(const Dataset& batch, const Tensors& weights, const Tensors& gradients);
  Tensors gradients_of(const Dataset& batch, const Scored& scored, const Tensors& weights);
  void require_listed(const Tensor& loss);
  void say_where_a_mask_is_lost(const Tensor& y_pred) const;
  /// The cause of an infinite loss of the batch, if it is known: "y[3] ..."; else "".
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
