// Training, evaluation and prediction, batch by batch.
#include "plugin/layer.hpp"
#include "training/callbacks.hpp"
#include "training/finite.hpp"
#include "training/kept_state.hpp"
#include "training/labels.hpp"
#include "training/model_state.hpp"
#include "training/order.hpp"
#include "training/progress.hpp"
#include "training/reach.hpp"
#include "training/settings.hpp"
#include "training/tracker.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

namespace tempo {

namespace {

class Recording {
 public:
  Recording() : before_(sdk::host().recording(1)) {}
  ~Recording() { sdk::host().recording(before_); }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  int32_t before_;
};

// Inputs, truth and weights of some samples; y and weight may be missing.
struct Data {
  Tensors x;
  Tensor y, weight;
  const char* name_of_y = "y";
  int64_t first = 0;                            // sample of what the user gave, or of
  const std::vector<int64_t>* order = nullptr;  // the places there, when they are shuffled

  int64_t count() const { return x[0].shape().front(); }
  Data part(int64_t begin, int64_t end, const std::vector<int64_t>* by = nullptr) const {
    Data out;
    out.name_of_y = name_of_y;
    out.first = first + begin;
    out.order = by;
    for (const Tensor& t : x) out.x.push_back(part_of(t, begin, end, by));
    if (y) out.y = part_of(y, begin, end, by);
    if (weight) out.weight = part_of(weight, begin, end, by);
    return out;
  }
  int64_t place_of(int64_t sample) const {
    return order ? (*order)[static_cast<std::size_t>(first + sample)] : first + sample;
  }
};

// What f gives; a label that it refuses is named by its place in what the user gave.
template <class F>
auto naming_labels(const std::string& who, const Data& batch, F f) {
  try {
    return f();
  } catch (const LabelError& e) {
    throw Error(who + ": " + e.text(batch.name_of_y, batch.place_of(e.sample())));
  }
}

void require_samples(const std::string& who, const Data& data, bool with_truth) {
  if (data.x.empty()) throw Error(who + ": no x was given.");
  std::vector<std::pair<std::string, Tensor>> all;
  for (std::size_t i = 0; i < data.x.size(); ++i)
    all.emplace_back(data.x.size() == 1 ? "x" : "x[" + std::to_string(i) + "]", data.x[i]);
  if (with_truth) all.emplace_back("y", data.y);
  if (data.weight) all.emplace_back("sample_weight", data.weight);
  for (const auto& [name, t] : all) {
    const std::string subject = (who + ": ").append(name);
    if (!t) throw Error(subject + " was never given a value (it is Tensor{}).");
    if (t.rank() == 0)
      throw ShapeError(subject + " is a scalar; samples lie along the first axis.");
  }
  bool equal = true;
  std::string table;
  for (const auto& [name, t] : all) {
    equal = equal && t.shape().front() == data.count();
    std::string line = "\n  " + name;
    line.resize(std::max<std::size_t>(line.size() + 2, 18), ' ');
    table += line += to_string(t.shape(), t.dtype());
  }
  if (!equal)
    throw ShapeError(who + ": these hold different numbers of samples" + table +
                     "\n  Samples lie along the first axis, which must be equal.");
  if (data.count() == 0) throw Error(who + ": there are no samples" + table);
}

void require_batch_size(const std::string& who, int64_t size) {
  if (size < 1)
    throw Error(who + ": batch_size is " + std::to_string(size) + "; it must be at least 1.");
}

bool is_stateful(const Layer& layer) {
  const tempo_layer_view v = layer.view();
  for (uint32_t i = 0; i < v.n_options; ++i)
    if (std::string(v.options[i].name) == "stateful") return v.options[i].integer != 0;
  for (const Layer& child : layer.handle()->children)
    if (is_stateful(child)) return true;
  return false;
}

// A stateful layer keeps a state for each sequence of a batch, so all batches are of one size.
void require_even_batches(const std::string& who, const ModelState& model, int64_t count,
                          int64_t batch_size) {
  if (count <= batch_size || count % batch_size == 0) return;
  for (const Layer& layer : model.layers)
    if (is_stateful(layer))
      throw Error(who + ": `" + layer.name() + "` is stateful, and " + std::to_string(count) +
                  " samples are not a multiple of batch_size " + std::to_string(batch_size) +
                  ".\n  Leave out the last " + std::to_string(count % batch_size) +
                  " samples, or set a batch_size that divides " + std::to_string(count) + ".");
}

// A weight of a sample is a share of the loss: what turns its sign is a loss of another kind.
void require_weights(const std::string& who, const Tensor& weight) {
  if (!weight || weight.count() == 0) return;
  if (!is_finite(weight))
    throw Error(who +
                ": sample_weight holds NaN or infinite numbers.\n  A sample that shall not "
                "count has the weight 0.");
  if (const double least = min(cast(weight, float64)).item(); least < 0)
    throw Error(who + ": sample_weight holds " + shortest(least) +
                "; weights are at least 0.\n  A loss of your own can turn the sign of a sample.");
}

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

struct Scored {
  Tensor y_pred, loss;
};

Scored score(const std::string& who, ModelState& model, const Loss& its_loss, const Data& batch,
             bool training) {
  const Tensor y_pred = model.call(batch.x, {.training = training})[0];
  const Tensor loss =
      naming_labels(who, batch, [&] { return its_loss(batch.y, y_pred, batch.weight); });
  if (loss.count() != 1)
    throw ShapeError(who + ": the loss `" + its_loss.name() + "` gave " +
                     to_string(loss.shape(), loss.dtype()) +
                     ".\n  Training needs one number; a reduction other than \"none\" gives it.");
  return {y_pred, loss};
}

// The updates of a fit, with the optimizer and the loss that the model had when it began.
class Training {
 public:
  Training(std::string who, ModelState& model)
      : who_(std::move(who)), model_(model), optimizer_(model.optimizer), loss_(model.loss) {}

  // One update. Nothing changes when the loss, a gradient or a new weight is not finite.
  void update(const Data& batch, Tracker& tracker, int epoch, int64_t number) {
    const Recording recording;
    const auto [y_pred, loss] = score(who_, model_, loss_, batch, true);
    const double value = loss.item();
    if (!std::isfinite(value))
      not_finite(batch, y_pred, "the loss is " + text(value), epoch, number);
    const Tensors weights = model_.trainable_weights();
    if (weights.empty()) throw Error(who_ + ": the model has no trainable weights.");
    if (!std::exchange(model_.reach_is_known, true)) require_listed(loss);
    const NoGradient walking;
    const Tensors gradients = gradients_of(loss, weights);
    for (std::size_t i = 0; i < weights.size(); ++i)
      if (!is_finite(gradients[i]))
        not_finite(batch, y_pred, "the gradient of " + weights[i].path() + " is not finite", epoch,
                   number);
    try {
      optimizer_.step(weights, gradients);
    } catch (const Error& error) {
      throw Error(who_ + ", epoch " + std::to_string(epoch + 1) + ", batch " +
                  std::to_string(number + 1) + ": " + error.what());
    }
    naming_labels(who_, batch, [&, &y_pred = y_pred] {
      tracker.add(batch.count(), batch.y, y_pred, batch.weight, value);
    });
  }

 private:
  // A weight that the loss does not depend on has zeros, as optimizers expect.
  Tensors gradients_of(const Tensor& loss, const Tensors& weights) {
    Tensors gradients = gradients_for(loss, weights);
    std::string without;
    std::size_t count = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (gradients[i]) continue;
      gradients[i] = zeros_like(weights[i]);
      if (count++ == 0 || !model_.warned)
        without += (without.empty() ? "" : ", ") + weights[i].path();
    }
    if (count == weights.size())
      throw Error(
          who_ + ": no gradient of the loss `" + loss_.name() +
          "` reaches any weight, so nothing can be learnt.\n  Argmax, comparisons, casts to "
          "whole numbers and stop_gradient let none through; the loss must follow y_pred "
          "smoothly.");
    if (count > 0 && !std::exchange(model_.warned, true))
      std::cerr << "tempo: " << who_ << ": no gradient reaches " << without
                << "; the loss does not depend on " << (count == 1 ? "it" : "them") << ".\n";
    return gradients;
  }

  void require_listed(const Tensor& loss) {
    const std::string path = reached_outside(loss, model_.weights());
    if (path.empty()) return;
    const std::string layer = path.substr(0, path.find('/'));
    model_.reach_is_known = false;
    throw Error(who_ + ": the model uses `" + layer + "`, but none of its layers holds " + path +
                ", so it would be neither trained nor saved.\n  " +
                (model_.function ? "Put `" + layer + "` into the model's list of layers"
                                 : "The layer that calls `" + layer +
                                       "` must add it in add_children(Children& add)") +
                "; or make it with .trainable = false, if it shall stay as it is.");
  }

  static std::string text(double value) {
    return std::isnan(value) ? "NaN" : value > 0 ? "infinite" : "-infinite";
  }

  [[noreturn]] void not_finite(const Data& batch, const Tensor& y_pred, const std::string& what,
                               int epoch, int64_t number) const {
    std::string cause =
        "Likely: a learning_rate too large (it is " + shortest(optimizer_.learning_rate()) +
        "), or gradients that explode over time; set a smaller one, or clipnorm = 1.";
    for (const Tensor& x : batch.x)
      if (!is_finite(x))
        cause = "x of this batch holds NaN or infinite numbers; clean the data first.";
    const Weighting weighting(who_, mask_of(y_pred), batch.weight);
    const auto counts_finite = [&](const Tensor& t) {
      return is_finite(only(weighting.kept_of(t.shape(), t.rank()), t));
    };
    if (!counts_finite(batch.y))
      cause = "y of this batch holds NaN or infinite numbers; clean the data first.";
    for (const Tensor& w : model_.weights())
      if (!is_finite(w)) cause = "The weight " + w.path() + " held NaN or infinite numbers before.";
    throw Error(who_ + ": " + what + " in epoch " + std::to_string(epoch + 1) + ", batch " +
                std::to_string(number + 1) +
                ".\n  The weights are as they were before this batch.\n  " + cause);
  }

  std::string who_;
  ModelState& model_;
  Optimizer optimizer_;
  Loss loss_;
};

Logs evaluated(const std::string& who, ModelState& model, const Loss& loss_function,
               Tracker tracker, const Data& data, int64_t batch_size, const Callbacks& callbacks,
               Progress* progress = nullptr) {
  const NoGradient predicting;
  tracker.reset();
  callbacks(&Callback::on_test_begin);
  int64_t number = 0;
  for (int64_t begin = 0; begin < data.count(); begin += batch_size, ++number) {
    callbacks(&Callback::on_test_batch_begin, number);
    const Data batch = data.part(begin, std::min(begin + batch_size, data.count()));
    const auto [y_pred, loss] = score(who, model, loss_function, batch, false);
    naming_labels(who, batch, [&, &y_pred = y_pred, &loss = loss] {
      tracker.add(batch.count(), batch.y, y_pred, batch.weight, loss.item());
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
  Data train{x, y, options.sample_weight};
  require_samples(who, train, true);
  require_batch_size(who, options.batch_size);
  if (options.initial_epoch < 0 || options.epochs < 1)
    throw Error(who + ": epochs is " + std::to_string(options.epochs) + " and initial_epoch " +
                std::to_string(options.initial_epoch) + "; they must be at least 1 and 0.");
  if (options.initial_epoch > options.epochs)
    throw Error(who + ": initial_epoch is " + std::to_string(options.initial_epoch) +
                ", behind epochs, " + std::to_string(options.epochs) +
                ".\n  epochs is the number of the last epoch, not how many follow.");
  require_weights(who, options.sample_weight);
  Data held_out;
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
  Training training(who, model);
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
      training.update(train.part(begin, end, options.shuffle ? &order : nullptr), tracker, epoch,
                      number);
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
  state_->warned = state_->reach_is_known = false;
  state_->not_compiled = state_->needs = "";
}

History Model::run_fit(const Inputs& x, const Tensor& y, const FitOptions& options) {
  return beside_training(*this, *state_, [&] { return fitted(*this, *state_, x, y, options); });
}

Logs Model::run_evaluate(const Inputs& x, const Tensor& y, const EvaluateOptions& options) const {
  const std::string who = std::string(state_->kind()) + ".evaluate";
  require_compiled(who, *state_);
  const Data data{x, y, options.sample_weight};
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
  const Data data{x, {}, {}};
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
      const Data batch = data.part(begin, std::min(begin + options.batch_size, data.count()));
      parts.push_back(state_->call(batch.x, {})[0]);
      callbacks(&Callback::on_predict_batch_end, number);
    }
    callbacks(&Callback::on_predict_end);
    return concat(parts, 0);
  });
}

History Model::history() const { return state_->history ? *state_->history : History(); }

}  // namespace tempo
