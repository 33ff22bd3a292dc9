// SPDX-License-Identifier: Apache-2.0
// A single batch: an update, or the loss and the metrics.
#include "training/batches/class_weight.hpp"
#include "training/fit/update.hpp"
#include "training/models/run.hpp"

namespace tempo {

namespace {

Dataset checked(const std::string& who, const ModelState& model, const Inputs& x, const Inputs& y,
                const Tensor& sample_weight) {
  require_compiled(who, model);
  Dataset batch{x, y, sample_weight};
  require_samples(who, batch, true);
  require_weights(who, sample_weight);
  return batch;
}

}  // namespace

Logs Model::run_train_on_batch(const Inputs& x, const Inputs& y,
                               const TrainOnBatchOptions& options) {
  const std::string who = std::string(state_->kind()) + ".train_on_batch";
  Dataset batch = checked(who, *state_, x, y, options.sample_weight);
  if (!options.class_weight.empty())
    batch.weight = sample_weight_of(who, batch, options.class_weight);
  return beside_training(who, *this, *state_, [&] {
    const SoleTrainer sole(who, *state_);
    take_up(*state_);
    Tracker tracker(state_->objective);
    Updates update(who, *state_);
    const Dataset finite = finite_where_none_counts(*state_, batch);
    const Scored scored = update(finite, Updates::no_epoch, 0);
    tracker.add(who, finite, scored.y_pred, scored.loss.item(), scored.losses);
    return tracker.logs();
  });
}

Logs Model::run_test_on_batch(const Inputs& x, const Inputs& y,
                              const TestOnBatchOptions& options) const {
  const std::string who = std::string(state_->kind()) + ".test_on_batch";
  const Dataset batch = checked(who, *state_, x, y, options.sample_weight);
  return beside_training(who, *this, *state_, [&] {
    const NoGradient predicting;
    Tracker tracker(state_->objective);
    SideEffects effects;
    Penalized penalized;
    const Scored scored = score(who, *state_, state_->objective, batch, false, effects, penalized);
    tracker.add(who, batch, scored.y_pred, scored.loss.item(), scored.losses);
    return tracker.logs();
  });
}

}  // namespace tempo
