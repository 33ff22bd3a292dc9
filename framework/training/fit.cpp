// SPDX-License-Identifier: Apache-2.0
// Training, evaluation and prediction, batch by batch.
#include <algorithm>

#include "training/callbacks.hpp"
#include "training/kept_state.hpp"
#include "training/progress.hpp"
#include "training/settings.hpp"
#include "training/update.hpp"

namespace tempo {

namespace {

// One fit of a model: inside another one, of a callback, it leaves that one's flag and record.
class Run {
 public:
  Run(const std::string& who, ModelState& model, const FitParams& params) : model_(model) {
    const std::thread::id me = std::this_thread::get_id();
    std::thread::id owner;
    if (!model.trained_by.compare_exchange_strong(owner, me) && owner != me)
      throw Error(who +
                  ": another thread is training this model.\n  Train one model in one thread at a "
                  "time; copies of a Model are the same model.");
    inner_ = owner == me;
    history = std::make_shared<History>(params);
    stop_before_ = model.stop;
    model.stop = false;
    before_ = std::exchange(model.history, history);
  }
  ~Run() {
    if (inner_) {
      model_.stop = stop_before_;
      model_.history = before_;
    } else {
      model_.trained_by = std::thread::id();
    }
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  std::shared_ptr<History> history;

 private:
  ModelState& model_;
  bool inner_ = false, stop_before_ = false;
  std::shared_ptr<History> before_;
};

Logs evaluated(const std::string& who, ModelState& model, const Loss& loss_function,
               Tracker tracker, const Dataset& data, int64_t batch_size, const Callbacks& callbacks,
               Progress* progress = nullptr) {
  const NoGradient predicting;
  tracker.reset();
  callbacks(&Callback::on_test_begin);
  int64_t number = 0;
  for (int64_t begin = 0; begin < data.count(); begin += batch_size, ++number) {
    callbacks(&Callback::on_test_batch_begin, number);
    const Dataset batch = data.part(begin, std::min(begin + batch_size, data.count()));
    SideEffects effects;
    const Scored scored = score(who, model, loss_function, batch, false, effects);
    naming_labels(who, batch, [&] {
      tracker.add(batch.count(), batch.y, scored.y_pred, batch.weight, scored.loss.item());
    });
    const Logs logs = tracker.logs();
    callbacks(&Callback::on_test_batch_end, number, logs);
    if (progress) progress->batch(number + 1, logs);
  }
  Logs logs = tracker.logs();
  callbacks(&Callback::on_test_end, logs);
  return logs;
}

int64_t batches_in(int64_t count, int64_t size) { return (count - 1) / size + 1; }

// What f gives; called in a callback of fit, it leaves training the states that layers keep.
template <class F>
auto beside_training(const Model& model, const ModelState& state, F f) {
  return state.trained_by == std::this_thread::get_id() ? with_states_apart(model, f) : f();
}

void require_compiled(const std::string& who, const ModelState& model) {
  if (model.compiled) return;
  if (!model.not_compiled.empty())
    throw Error(who + ": the model is not compiled: " + model.not_compiled);
  throw Error(
      who +
      ": the model was not compiled.\n  Call model.compile({.optimizer = Adam(), .loss = \"mse\"}) "
      "first.");
}

History fitted(Model& handle, ModelState& model, const Inputs& x, const Tensor& y,
               const FitOptions& options) {
  const std::string who = std::string(model.kind()) + ".fit";
  require_compiled(who, model);
  Dataset train{x, y, options.sample_weight};
  require_samples(who, train, true);
  require_batch_size(who, options.batch_size);
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
  require_weights(who, options.sample_weight);
  Dataset held_out;
  if (options.validation_data) {
    held_out = {options.validation_data.x, options.validation_data.y,
                options.validation_data.sample_weight, "validation_data.y"};
    require_samples(who + ", validation_data", held_out, true);
    require_weights(who + ", validation_data", held_out.weight);
  } else if (options.validation_data.y || options.validation_data.sample_weight) {
    throw Error(who + ", validation_data: no x was given.");
  } else if (options.validation_split != 0) {
    const int64_t at =
        split_point(who + ": validation_split", train.count(), options.validation_split);
    held_out = train.part(at, train.count());
    train = train.part(0, at);
  }

  require_even_batches(who, model, train.count(), options.batch_size);
  const int64_t steps = batches_in(train.count(), options.batch_size);
  const FitParams params{
      .epochs = options.epochs, .steps = steps, .batch_size = options.batch_size};
  Progress progress(options.verbose, steps);
  const Run run(who, model, params);
  const Callbacks callbacks(who, options.callbacks, handle, params);
  Updates update(who, model);
  const Loss loss = model.loss;
  Tracker tracker(model.metrics, model.weighted_metrics);
  const Tracker validation(model.metrics, model.weighted_metrics);
  Logs logs;
  if (const auto resumes = std::exchange(model.resumes, {});
      resumes && resumes->seedings == seedings())
    restore_generator(resumes->generator);
  callbacks(&Callback::on_train_begin);
  for (int epoch = options.initial_epoch; epoch < options.epochs && !model.stop; ++epoch) {
    callbacks(&Callback::on_epoch_begin, epoch);
    progress.begin_epoch(epoch, options.epochs);
    tracker.reset();
    std::vector<int64_t> order;
    if (options.shuffle) order = shuffled(train.count(), options.seed, epoch);
    for (int64_t number = 0; number < steps && !model.stop; ++number) {
      callbacks(&Callback::on_train_batch_begin, number);
      const int64_t begin = number * options.batch_size;
      const int64_t end = std::min(begin + options.batch_size, train.count());
      update(train.part(begin, end, options.shuffle ? &order : nullptr), tracker, epoch, number);
      logs = tracker.logs();
      callbacks(&Callback::on_train_batch_end, number, logs);
      progress.batch(number + 1, logs);
    }
    if (!held_out.x.empty())
      for (const auto& [name, value] : with_states_apart(handle, [&] {
             return evaluated(who, model, loss, validation, held_out, options.batch_size,
                              callbacks);
           }))
        logs.set("val_" + name, value);
    run.history->add(epoch, logs);
    model.epoch = epoch + 1;
    callbacks(&Callback::on_epoch_end, epoch, logs);
    progress.end_epoch(logs);
  }
  callbacks(&Callback::on_train_end, logs);
  return *run.history;
}

}  // namespace

void Model::run_compile(const CompileOptions& options) {
  const std::string who = std::string(state_->kind()) + ".compile";
  if (!options.optimizer)
    throw Error(who + ": no optimizer was given.\n  Set .optimizer = Adam(), or \"adam\".");
  if (!options.loss) throw Error(who + ": no loss was given.\n  Set .loss = \"mse\", or another.");
  state_->optimizer = options.optimizer;
  state_->loss = options.loss;
  state_->metrics = options.metrics;
  state_->weighted_metrics = options.weighted_metrics;
  state_->compiled = true;
  state_->warned = state_->reach_is_known = state_->reach_is_checked = state_->mask_is_known = false;
  state_->not_compiled = state_->needs = "";
}

History Model::run_fit(const Inputs& x, const Tensor& y, const FitOptions& options) {
  return beside_training(*this, *state_, [&] { return fitted(*this, *state_, x, y, options); });
}

Logs Model::run_evaluate(const Inputs& x, const Tensor& y, const EvaluateOptions& options) const {
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
    return evaluated(who, *state_, state_->loss, Tracker(state_->metrics, state_->weighted_metrics),
                     data, options.batch_size, callbacks, &progress);
  });
  progress.end_epoch(logs);
  return logs;
}

Tensor Model::run_predict(const Inputs& x, const PredictOptions& options) const {
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
    Tensors parts;
    int64_t number = 0;
    for (int64_t begin = 0; begin < data.count(); begin += options.batch_size, ++number) {
      callbacks(&Callback::on_predict_batch_begin, number);
      const Dataset batch = data.part(begin, std::min(begin + options.batch_size, data.count()));
      parts.push_back(state_->call(batch.x, {})[0]);
      callbacks(&Callback::on_predict_batch_end, number);
    }
    callbacks(&Callback::on_predict_end);
    return concat(parts, 0);
  });
}

History Model::history() const { return state_->history ? *state_->history : History(); }

}  // namespace tempo
