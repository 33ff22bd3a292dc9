// SPDX-License-Identifier: Apache-2.0
// Evaluation and prediction, batch by batch.
#include "training/fit/evaluation.hpp"

#include <algorithm>
#include <numeric>

#include "training/batches/batch_walk.hpp"
#include "training/batches/range_feed.hpp"
#include "training/fit/interrupt.hpp"
#include "training/fit/update.hpp"
#include "training/models/run.hpp"

namespace tempo {

Logs evaluated(const std::string& who, ModelState& model, const Objective& objective,
               Tracker tracker, BatchFeed& batches, const Callbacks& callbacks,
               const Evaluation& how) {
  const NoGradient predicting;
  tracker.reset();
  callbacks(&Callback::on_test_begin);
  Penalized penalized;
  for (int64_t number = 0; const std::optional<Dataset> batch = batches.next(); ++number) {
    callbacks(&Callback::on_test_batch_begin, number);
    SideEffects effects;
    const Scored scored = score(who, model, objective, *batch, false, effects, penalized);
    tracker.add(who, *batch, scored.y_pred, scored.loss.item(), scored.losses);
    const Logs logs = tracker.logs();
    callbacks(&Callback::on_test_batch_end, number, logs);
    if (how.progress) how.progress->batch(number + 1, logs);
    if (how.may_be_cut && Interruptible::requested()) break;
  }
  Logs logs = tracker.logs();
  callbacks(&Callback::on_test_end, logs);
  return logs;
}

namespace {

Logs evaluated_alone(const std::string& who, const Model& model, BatchFeed& batches,
                     int64_t batch_size, const EvaluateOptions& options) {
  ModelState& state = ModelAccess::state(model);
  Model handle = model;
  const Callbacks callbacks(who, options.callbacks, handle,
                            {.steps = batches.steps(), .batch_size = batch_size});
  Progress progress(options.verbose, batches.steps());
  progress.begin_epoch(0, 0);
  batches.begin_epoch(0);
  Logs logs = beside_training(who, model, state, [&] {
    return evaluated(who, state, state.objective, Tracker(state.objective), batches, callbacks,
                     {.progress = &progress});
  });
  progress.end_epoch(logs);
  return logs;
}

// Adds the results of the model for a batch; `parts` holds those of the batches before it.
void add_results(const std::string& who, const Tensors& results, std::vector<Tensors>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Tensor& now = results[i];
    if (!parts[i].empty() && now.shape().without_first() != parts[i][0].shape().without_first())
      throw ShapeError(
          who + ": batch " + std::to_string(parts[i].size() + 1) + " gives " +
          to_string(now.shape()) + ", and batch 1 " + to_string(parts[i][0].shape()) +
          ": they do not make one tensor.\n  Predict sequences padded to one length; or "
          "batch by batch, for (const Batch& b : batches) model.predict(b.x).");
    parts[i].push_back(now);
  }
}

// The parts as one tensor. If each row has a place, the rows are in the order of their places.
Tensor joined(const Tensors& parts, const std::vector<int64_t>& places) {
  const Tensor all = concat(parts, 0);
  if (std::is_sorted(places.begin(), places.end()) ||
      static_cast<int64_t>(places.size()) != all.shape()[0])
    return all;
  std::vector<int64_t> order(places.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return places[static_cast<std::size_t>(a)] < places[static_cast<std::size_t>(b)];
  });
  return samples(all, order);
}

Tensors predicted(const std::string& who, const Model& model, BatchFeed& batches,
                  int64_t batch_size, const PredictOptions& options, bool all) {
  ModelState& state = ModelAccess::state(model);
  Model handle = model;
  const Callbacks callbacks(who, options.callbacks, handle,
                            {.steps = batches.steps(), .batch_size = batch_size});
  batches.begin_epoch(0);
  return beside_training(who, model, state, [&] {
    const NoGradient predicting;
    callbacks(&Callback::on_predict_begin);
    std::vector<Tensors> parts;   // of each result
    std::vector<int64_t> places;  // of the samples so far
    for (int64_t number = 0; const std::optional<Dataset> batch = batches.next(); ++number) {
      callbacks(&Callback::on_predict_batch_begin, number);
      const Tensors results = state.call(batch->x, {});
      parts.resize(all ? results.size() : 1);
      add_results(who, results, parts);
      places.insert(places.end(), batch->places.begin(), batch->places.end());
      callbacks(&Callback::on_predict_batch_end, number);
    }
    callbacks(&Callback::on_predict_end);
    Tensors out;
    for (const Tensors& of_one : parts) out.push_back(joined(of_one, places));
    return out;
  });
}

}  // namespace

Logs Model::run_evaluate(const Inputs& x, const Inputs& y, const EvaluateOptions& options) const {
  const std::string who = std::string(state_->kind()) + ".evaluate";
  require_compiled(who, *state_);
  const Dataset data{x, y, options.sample_weight};
  require_samples(who, data, true);
  const int64_t batch_size = batch_size_of(options.batch_size);
  require_batch_size(who, batch_size);
  require_weights(who, data.weight);
  require_even_batches(who, *state_, data.count(), batch_size);
  BatchWalk batches(who, data, {.batch_size = batch_size});
  return evaluated_alone(who, *this, batches, batch_size, options);
}

Logs Model::run_evaluate(const BatchRange& range, const EvaluateOptions& options) const {
  const std::string who = std::string(state_->kind()) + ".evaluate";
  require_compiled(who, *state_);
  require_in_memory(who, "sample_weight", static_cast<bool>(options.sample_weight),
                    weight_in_batch);
  require_in_memory(who, "batch_size", options.batch_size.has_value(), own_batches);
  RangeFeed batches(who, "batches", range, 1,
                    {.prefetch = options.prefetch, .stateful = stateful_layer(*state_)});
  return evaluated_alone(who, *this, batches, 0, options);
}

Tensors Model::run_predict(const Inputs& x, const PredictOptions& options, bool all) const {
  const std::string who = std::string(state_->kind()) + ".predict";
  const Dataset data{x, {}, {}};
  require_samples(who, data, false);
  const int64_t batch_size = batch_size_of(options.batch_size);
  require_batch_size(who, batch_size);
  require_even_batches(who, *state_, data.count(), batch_size);
  BatchWalk batches(who, data, {.batch_size = batch_size});
  return predicted(who, *this, batches, batch_size, options, all);
}

Tensors Model::run_predict(const BatchRange& range, const PredictOptions& options, bool all) const {
  const std::string who = std::string(state_->kind()) + ".predict";
  require_in_memory(who, "batch_size", options.batch_size.has_value(), own_batches);
  RangeFeed batches(
      who, "batches", range, 1,
      {.prefetch = options.prefetch, .with_truth = false, .stateful = stateful_layer(*state_)});
  return predicted(who, *this, batches, 0, options, all);
}

}  // namespace tempo
