// SPDX-License-Identifier: Apache-2.0
// Training, epoch by epoch and batch by batch.
#include <algorithm>
#include <iostream>
#include <limits>

#include "training/batches/batch_walk.hpp"
#include "training/batches/class_weight.hpp"
#include "training/batches/range_feed.hpp"
#include "training/finite.hpp"
#include "training/fit/evaluation.hpp"
#include "training/fit/interrupt.hpp"
#include "training/fit/truncation.hpp"
#include "training/models/run.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

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
  return options.validation_batch_size > 0 ? options.validation_batch_size
                                           : batch_size_of(options.batch_size);
}

// The held-out samples; without x if there are none.
Dataset held_out_of(const std::string& who, const FitOptions& options, Dataset& train) {
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

// The number of epochs that end with validation.
int validations(const FitOptions& options) {
  return options.epochs / options.validation_freq - options.initial_epoch / options.validation_freq;
}

// The validation batches; null if there are none. Held-out samples are removed from `train`.
std::unique_ptr<BatchFeed> validation_of(const std::string& who, const ModelState& model,
                                         const FitOptions& options, Dataset& train) {
  if (options.validation_batches) {
    if (options.validation_data || options.validation_split != 0)
      throw Error(who + ": validation_batches was given, and validation_" +
                  (options.validation_data ? "data" : "split") + ", too.\n  Give one of them.");
    require_in_memory(who, "validation_batch_size", options.validation_batch_size > 0, own_batches);
    return std::make_unique<RangeFeed>(who, "validation_batches", options.validation_batches,
                                       validations(options),
                                       RangeFeed::Options{.prefetch = options.prefetch,
                                                          .most = options.validation_steps,
                                                          .validates = true,
                                                          .stateful = stateful_layer(model)});
  }
  const Dataset held_out = held_out_of(who, options, train);
  if (held_out.x.empty()) return nullptr;
  require_even_batches(who + ", validation", model, held_out.count(),
                       validation_batch_size(options));
  return std::make_unique<BatchWalk>(
      who, held_out, BatchWalk::Order{.batch_size = validation_batch_size(options)});
}

// The place of the next batch, for a file that is saved now; none between two epochs.
std::optional<Place> to_save(const BatchFeed& batches, bool within_epoch,
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

History fitted(const std::string& who, Model& handle, ModelState& model, BatchFeed& batches,
               BatchFeed* held_out, int64_t batch_size, const FitOptions& options) {
  const int64_t steps = batches.steps();
  const FitParams params{.epochs = options.epochs,
                         .steps = steps,
                         .batch_size = batch_size,
                         .validates = held_out && validations(options) > 0};
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
    if (model.stop) break;
    progress.begin_epoch(epoch, options.epochs);
    tracker.reset();
    logs = {};
    if (place)
      batches.go_to(epoch, *std::exchange(place, {}));
    else
      batches.begin_epoch(epoch);
    for (int64_t number = batches.place().batch; !model.stop && !Interruptible::requested();
         ++number) {
      const std::optional<Dataset> batch = batches.next();
      if (!batch) break;
      callbacks(&Callback::on_train_batch_begin, number);
      try {
        update(*batch, tracker, epoch, number);
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
    if (held_out && !Interruptible::requested() && (epoch + 1) % options.validation_freq == 0)
      for (const auto& [name, value] : with_states_apart(handle, [&] {
             held_out->begin_epoch(epoch);
             return evaluated(who, model, objective, validation, *held_out, callbacks,
                              {.may_be_cut = true});
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

History fitted(const std::string& who, Model& handle, ModelState& model, const Inputs& x,
               const Inputs& y, const FitOptions& options) {
  require_compiled(who, model);
  Dataset train{x, y, options.sample_weight};
  require_samples(who, train, true);
  const int64_t batch_size = batch_size_of(options.batch_size);
  require_batch_size(who, batch_size);
  require_epochs(who, options);
  require_weights(who, options.sample_weight);
  const std::unique_ptr<BatchFeed> held_out = validation_of(who, model, options, train);
  if (!options.class_weight.empty())
    train.weight = sample_weight_of(who, train, options.class_weight);
  require_even_batches(who, model, train.count(), batch_size);
  BatchWalk batches(who, train,
                    {.batch_size = batch_size,
                     .shuffle = options.shuffle.value_or(true),
                     .seed = options.seed,
                     .steps_per_epoch = options.steps_per_epoch});
  return fitted(who, handle, model, batches, held_out.get(), batch_size, options);
}

History fitted(const std::string& who, Model& handle, ModelState& model, const BatchRange& range,
               const FitOptions& options) {
  require_compiled(who, model);
  require_epochs(who, options);
  require_in_memory(who, "sample_weight", static_cast<bool>(options.sample_weight),
                    weight_in_batch);
  require_in_memory(who, "batch_size", options.batch_size && !options.validation_data, own_batches);
  require_in_memory(who, "shuffle", options.shuffle.has_value(), own_order);
  require_in_memory(who, "seed", options.seed >= 0, own_order);
  require_in_memory(who, "validation_split", options.validation_split != 0,
                    "Give validation_batches, or validation_data.");
  Dataset none;
  const std::unique_ptr<BatchFeed> held_out = validation_of(who, model, options, none);
  RangeFeed batches(who, "batches", range, options.epochs - options.initial_epoch,
                    {.prefetch = options.prefetch,
                     .steps_per_epoch = options.steps_per_epoch,
                     .class_weight = options.class_weight,
                     .first_epoch = options.initial_epoch,
                     .stateful = stateful_layer(model)});
  return fitted(who, handle, model, batches, held_out.get(), 0, options);
}

}  // namespace

void Model::run_compile(const CompileOptions& options) {
  const std::string who = std::string(state_->kind()) + ".compile";
  const SoleTrainer sole(who, *state_);
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
  const std::string who = std::string(state_->kind()) + ".fit";
  return beside_training(who, *this, *state_,
                         [&] { return fitted(who, *this, *state_, x, y, options); });
}

History Model::run_fit(const BatchRange& batches, const FitOptions& options) {
  const std::string who = std::string(state_->kind()) + ".fit";
  return beside_training(who, *this, *state_,
                         [&] { return fitted(who, *this, *state_, batches, options); });
}

bool Model::interrupted() const { return state_->interrupted; }

History Model::history() const { return state_->history ? *state_->history : History(); }

}  // namespace tempo
