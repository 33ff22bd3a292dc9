// SPDX-License-Identifier: Apache-2.0
// Training, evaluation and prediction, batch by batch.
#include <algorithm>
#include <iostream>
#include <limits>

#include "training/batch_walk.hpp"
#include "training/callbacks.hpp"
#include "training/class_weight.hpp"
#include "training/finite.hpp"
#include "training/interrupt.hpp"
#include "training/progress.hpp"
#include "training/run.hpp"
#include "training/settings.hpp"
#include "training/truncation.hpp"

namespace tempo {

namespace {

struct Evaluation {
  int64_t batch_size;
  Progress* progress = nullptr;
  bool may_be_cut = false;  // by Ctrl-C, which the caller asks for
};

Logs evaluated(const std::string& who, ModelState& model, const Objective& objective,
               Tracker tracker, const Dataset& data, const Callbacks& callbacks,
               const Evaluation& how) {
  const NoGradient predicting;
  tracker.reset();
  callbacks(&Callback::on_test_begin);
  int64_t number = 0;
  for (int64_t begin = 0; begin < data.count(); begin += how.batch_size, ++number) {
    callbacks(&Callback::on_test_batch_begin, number);
    const Dataset batch = data.part(begin, std::min(begin + how.batch_size, data.count()));
    SideEffects effects;
    const Scored scored = score(who, model, objective, batch, false, effects);
    tracker.add(who, batch, scored.y_pred, scored.loss.item(), scored.losses);
    const Logs logs = tracker.logs();
    callbacks(&Callback::on_test_batch_end, number, logs);
    if (how.progress) how.progress->batch(number + 1, logs);
    if (how.may_be_cut && Interruptible::requested()) break;
  }
  Logs logs = tracker.logs();
  callbacks(&Callback::on_test_end, logs);
  return logs;
}

void require_epochs(const std::string& who, const FitOptions& options) {
  if (options.epochs < 1)
    throw Error(who + ": epochs is " + std::to_string(options.epochs) +
                "; it must be at least 1.\n  It is the number of the last epoch; a model that "
                "needs no training predicts without fit.");
  if (options.initial_epoch < 0)
    throw Error(who + ": initial_epoch is " + std::to_string(options.initial_epoch) +
                "; it must be at least 0, the number of epochs that are done.");
  if (options.initial_epoch > options.epochs)
    throw Error(who + ": initial_epoch is " + std::to_string(options.initial_epoch) +
                ", after epochs, " + std::to_string(options.epochs) +
                ".\n  epochs is the number of the last epoch, not how many follow.");
  for (const auto& [name, value, least] :
       {std::tuple<const char*, int64_t, int64_t>{"validation_steps", options.validation_steps, 0},
        {"validation_batch_size", options.validation_batch_size, 0},
        {"validation_freq", options.validation_freq, 1},
        {"truncate", options.truncate, 0}})
    if (value < least)
      throw Error(who + ": " + name + " is " + std::to_string(value) + "; it must be at least " +
                  std::to_string(least) + ".");
}

int64_t validation_batch_size(const FitOptions& options) {
  return options.validation_batch_size > 0 ? options.validation_batch_size : options.batch_size;
}

// The samples that are held out; without x where none are.
Dataset validation_samples(const std::string& who, const FitOptions& options, Dataset& train) {
  const ValidationData& given = options.validation_data;
  Dataset held_out;
  if (given) {
    held_out = {given.x, given.y, given.sample_weight, "validation_data.y"};
    require_samples(who + ", validation_data", held_out, true);
    require_weights(who + ", validation_data", held_out.weight);
  } else if (!given.y.empty() || given.sample_weight) {
    throw Error(who + ", validation_data: no x was given.");
  } else if (options.validation_split != 0) {
    const int64_t at =
        split_point(who + ": validation_split", train.count(), options.validation_split);
    held_out = train.part(at, train.count());
    train = train.part(0, at);
  }
  if (!held_out.x.empty() && options.validation_steps > 0)
    held_out = held_out.part(
        0, std::min(held_out.count(), options.validation_steps * validation_batch_size(options)));
  return held_out;
}

// The place of the next batch, for a file that is saved now; none between two epochs.
std::optional<Place> to_save(const BatchWalk& batches, bool within_epoch,
                             const FitOptions& options) {
  if (!within_epoch && options.steps_per_epoch == 0) return {};
  Place place = batches.place();
  if (!within_epoch) place.batch = 0;
  return place;
}

void tell_interrupted(const std::string& who, int epoch, int64_t batch) {
  std::cerr << "tempo: " << who << ": Ctrl-C ended it in epoch " << epoch + 1 << ", after batch "
            << batch << "; the weights and the history so far are kept.\n";
}

History fitted(Model& handle, ModelState& model, const Inputs& x, const Inputs& y,
               const FitOptions& options) {
  const std::string who = std::string(model.kind()) + ".fit";
  require_compiled(who, model);
  Dataset train{x, y, options.sample_weight};
  require_samples(who, train, true);
  require_batch_size(who, options.batch_size);
  require_epochs(who, options);
  require_weights(who, options.sample_weight);
  const Dataset held_out = validation_samples(who, options, train);
  if (!options.class_weight.empty())
    train.weight = sample_weight_of(who, train, options.class_weight);
  require_even_batches(who, model, train.count(), options.batch_size);
  BatchWalk batches(who, train.count(), options);
  const int64_t steps = batches.steps();
  const FitParams params{
      .epochs = options.epochs, .steps = steps, .batch_size = options.batch_size};
  Progress progress(options.verbose, steps);
  const Interruptible interruptible;
  const Run run(who, model, params);
  const Callbacks callbacks(who, options.callbacks, handle, params);
  Optimizer optimizer = model.optimizer;
  Updates updates(who, model);
  Truncation update(who, handle, model, updates, options.truncate);
  const Objective objective = model.objective;
  Tracker tracker(objective);
  const Tracker validation(objective);
  Logs logs;
  int first = options.initial_epoch;
  std::optional<Place> place;
  take_up(model);
  callbacks(&Callback::on_train_begin);
  if (std::exchange(model.goes_on, false)) {
    place = take_up(model);
    first = static_cast<int>(model.epoch);
  }
  for (int epoch = first; epoch < options.epochs && !model.stop && !model.interrupted; ++epoch) {
    callbacks(&Callback::on_epoch_begin, epoch);
    progress.begin_epoch(epoch, options.epochs);
    tracker.reset();
    if (place)
      batches.go_to(who, *std::exchange(place, {}));
    else
      batches.begin_epoch(epoch);
    for (int64_t number = batches.place().batch;
         number < steps && !model.stop && !Interruptible::requested(); ++number) {
      callbacks(&Callback::on_train_batch_begin, number);
      const Dataset batch = batches.next(train);
      try {
        update(batch, tracker, epoch, number);
        logs = tracker.logs();
      } catch (const NotFinite& error) {
        if (!callbacks.any(&Callback::on_not_finite, number)) throw Error(error.what());
        model.stop = true;
        logs = tracker.logs();
        logs.set("loss", std::numeric_limits<double>::quiet_NaN());
      }
      model.place = to_save(batches, true, options);
      callbacks(&Callback::on_train_batch_end, number, logs);
      progress.batch(number + 1, logs);
    }
    if (!held_out.x.empty() && !Interruptible::requested() &&
        (epoch + 1) % options.validation_freq == 0)
      for (const auto& [name, value] : with_states_apart(handle, [&] {
             return evaluated(who, model, objective, validation, held_out, callbacks,
                              {.batch_size = validation_batch_size(options), .may_be_cut = true});
           }))
        logs.set("val_" + name, value);
    if (Interruptible::requested()) {
      model.interrupted = true;
      progress.leave();
      tell_interrupted(who, epoch, batches.place().batch);
      break;
    }
    run.history->add(epoch, logs);
    model.epoch = epoch + 1;
    model.place = to_save(batches, false, options);
    callbacks(&Callback::on_epoch_end, epoch, logs);
    progress.end_epoch(logs);
  }
  if (optimizer.has_averages()) optimizer.use_averages(model.trainable_weights());
  callbacks(&Callback::on_train_end, logs);
  return *run.history;
}

}  // namespace

void Model::run_compile(const CompileOptions& options) {
  const std::string who = std::string(state_->kind()) + ".compile";
  if (!options.optimizer)
    throw Error(who + ": no optimizer was given.\n  Set .optimizer = Adam(), or \"adam\".");
  const Objective objective(who, options);
  const bool one = !objective.has_several();
  state_->optimizer = options.optimizer;
  state_->loss = one ? objective.outputs()[0].loss : Loss();
  state_->metrics = options.metrics;
  state_->weighted_metrics = options.weighted_metrics;
  state_->objective = objective;
  state_->compiled = true;
  state_->warned = state_->reach_is_known = state_->reach_is_checked = state_->mask_is_known =
      false;
  state_->not_compiled = state_->needs = "";
}

History Model::run_fit(const Inputs& x, const Inputs& y, const FitOptions& options) {
  return beside_training(*this, *state_, [&] { return fitted(*this, *state_, x, y, options); });
}

Logs Model::run_evaluate(const Inputs& x, const Inputs& y, const EvaluateOptions& options) const {
  const std::string who = std::string(state_->kind()) + ".evaluate";
  require_compiled(who, *state_);
  const Dataset data{x, y, options.sample_weight};
  require_samples(who, data, true);
  require_batch_size(who, options.batch_size);
  require_weights(who, data.weight);
  const int64_t steps = batches_in(data.count(), options.batch_size);
  Model handle = *this;
  const Callbacks callbacks(who, options.callbacks, handle,
                            {.steps = steps, .batch_size = options.batch_size});
  Progress progress(options.verbose, steps);
  progress.begin_epoch(0, 0);
  Logs logs = beside_training(*this, *state_, [&] {
    return evaluated(who, *state_, state_->objective, Tracker(state_->objective), data, callbacks,
                     {.batch_size = options.batch_size, .progress = &progress});
  });
  progress.end_epoch(logs);
  return logs;
}

Tensors Model::run_predict(const Inputs& x, const PredictOptions& options, bool all) const {
  const std::string who = std::string(state_->kind()) + ".predict";
  const Dataset data{x, {}, {}};
  require_samples(who, data, false);
  require_batch_size(who, options.batch_size);
  Model handle = *this;
  const Callbacks callbacks(
      who, options.callbacks, handle,
      {.steps = batches_in(data.count(), options.batch_size), .batch_size = options.batch_size});
  return beside_training(*this, *state_, [&] {
    const NoGradient predicting;
    callbacks(&Callback::on_predict_begin);
    std::vector<Tensors> parts;  // of each result
    int64_t number = 0;
    for (int64_t begin = 0; begin < data.count(); begin += options.batch_size, ++number) {
      callbacks(&Callback::on_predict_batch_begin, number);
      const Dataset batch = data.part(begin, std::min(begin + options.batch_size, data.count()));
      const Tensors results = state_->call(batch.x, {});
      parts.resize(all ? results.size() : 1);
      for (std::size_t i = 0; i < parts.size(); ++i) parts[i].push_back(results[i]);
      callbacks(&Callback::on_predict_batch_end, number);
    }
    callbacks(&Callback::on_predict_end);
    Tensors out;
    for (const Tensors& of_one : parts) out.push_back(concat(of_one, 0));
    return out;
  });
}

bool Model::interrupted() const { return state_->interrupted; }

History Model::history() const { return state_->history ? *state_->history : History(); }

}  // namespace tempo
