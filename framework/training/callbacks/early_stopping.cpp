// SPDX-License-Identifier: Apache-2.0
// EarlyStopping: watches a number and keeps the best weights.
#include <cmath>
#include <iostream>
#include <limits>

#include <tempo/model.hpp>
#include <tempo/names.hpp>

#include "graph/value.hpp"
#include "training/callbacks/monitor.hpp"

namespace tempo {

namespace {

Tensors copies(const Tensors& weights) {
  Tensors out;
  for (const Tensor& w : weights)
    out.push_back(sdk::make(w.dtype(), w.shape(), w.handle()->array.view().data));
  return out;
}

}  // namespace

struct EarlyStopping::Watch final : Callback {
  explicit Watch(const EarlyStoppingOptions& o)
      : options(o), monitor("EarlyStopping", o.monitor, o.mode) {
    const auto refuse = [](const char* option, const std::string& value, const char* rule) {
      throw Error(std::string("EarlyStopping: ") + option + " is " + value + "; it must " + rule +
                  ".");
    };
    if (o.patience < 0) refuse("patience", std::to_string(o.patience), "be at least 0");
    if (o.start_from_epoch < 0)
      refuse("start_from_epoch", std::to_string(o.start_from_epoch), "be at least 0");
    if (!(o.min_delta >= 0) || std::isinf(o.min_delta))
      refuse("min_delta", sdk::shortest(o.min_delta), "be a number of at least 0");
    if (o.baseline && std::isnan(*o.baseline)) refuse("baseline", "NaN", "be a number");
  }

  void on_train_begin() override {
    if (watching)
      throw Error(
          "EarlyStopping: this one watches a fit that is still running.\n  Give the fit inside it "
          "one of its own.");
    watching = true;
    wait = stopped_epoch = best_epoch = 0;
    best.reset();
    forget_weights();
    direction = 0;
  }

  void on_epoch_end(int epoch, const Logs& logs) override {
    const std::optional<double> logged = monitor.of_epoch(logs, params());
    if (!logged) return;
    const double now = *logged;
    if (direction == 0) direction = monitor.direction(model());
    if (epoch < options.start_from_epoch) return;
    if (options.restore_best_weights && best_weights.empty()) keep(epoch);
    ++wait;
    if (better(now, best.value_or(-direction * std::numeric_limits<double>::infinity()))) {
      best = now;
      best_epoch = epoch;
      if (options.restore_best_weights) keep(epoch);
      if (!options.baseline || better(now, *options.baseline)) wait = 0;
      return;
    }
    if (wait >= options.patience && epoch > 0) {
      stopped_epoch = epoch;
      model().stop_training();
    }
  }

  void on_train_end(const Logs&) override {
    if (stopped_epoch > 0 && options.verbose > 0)
      std::cout << "Epoch " << stopped_epoch + 1 << ": early stopping\n";
    restore();
  }

  // If on_train_end was not called, an exception ended training.
  void attach(Model* to, const FitParams& params) override {
    if (!to) {
      if (watching) restore();
      watching = false;
      forget_weights();
    }
    Callback::attach(to, params);
  }

  void restore() {
    if (best_weights.empty()) return;
    if (options.verbose > 0)
      std::cout << "Restoring model weights from the end of the best epoch: " << best_epoch + 1
                << ".\n";
    for (std::size_t i = 0; i < weights.size(); ++i) assign(weights[i], best_weights[i]);
    forget_weights();
  }

  void forget_weights() {
    weights.clear();
    best_weights.clear();
  }

  bool better(double now, double before) const {
    return improves(direction, now, before, options.min_delta);
  }

  void keep(int epoch) {
    weights = model().weights();
    best_weights = copies(weights);
    best_epoch = epoch;
  }

  EarlyStoppingOptions options;
  Monitor monitor;
  int wait = 0, stopped_epoch = 0, best_epoch = 0;
  int direction = 0;      // -1: smaller is better; 1: larger
  bool watching = false;  // from the beginning of a fit to its end
  std::optional<double> best;
  Tensors weights, best_weights;  // of the model; their best values
};

EarlyStopping::EarlyStopping(const EarlyStoppingOptions& options)
    : watch_(std::make_shared<Watch>(options)) {}
EarlyStopping::operator CallbackHandle() const { return CallbackHandle(watch_); }
int EarlyStopping::stopped_epoch() const { return watch_->stopped_epoch; }
int EarlyStopping::best_epoch() const { return watch_->best_epoch; }
double EarlyStopping::best() const {
  if (!watch_->best)
    throw Error(
        "EarlyStopping: there is no best value; no epoch has ended yet with a value that is a "
        "number.");
  return *watch_->best;
}

}  // namespace tempo
