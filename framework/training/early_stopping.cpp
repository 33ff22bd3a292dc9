#include "graph/value.hpp"
#include "training/settings.hpp"

#include <tempo/model.hpp>
#include <tempo/names.hpp>

#include <iostream>

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
  explicit Watch(const EarlyStoppingOptions& o) : options(o) {
    if (o.mode != "auto" && o.mode != "min" && o.mode != "max")
      unknown_name("EarlyStopping, mode", o.mode, {"auto", "min", "max"});
    if (o.patience < 0)
      throw Error("EarlyStopping: patience is " + std::to_string(o.patience) +
                  "; it must be at least 0.");
  }

  void on_train_begin() override {
    wait = stopped_epoch = best_epoch = 0;
    best.reset();
    best_weights.clear();
    direction = 0;
  }

  void on_epoch_end(int epoch, const Logs& logs) override {
    const double now = monitored(logs);
    if (direction == 0) direction = find_direction();
    if (epoch < options.start_from_epoch) return;
    if (options.restore_best_weights && best_weights.empty()) keep(epoch);
    ++wait;
    if (!best || improves(now, *best)) {
      best = now;
      best_epoch = epoch;
      if (options.restore_best_weights) keep(epoch);
      if (!options.baseline || improves(now, *options.baseline)) wait = 0;
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
    if (best_weights.empty()) return;
    if (options.verbose > 0)
      std::cout << "Restoring model weights from the end of the best epoch: " << best_epoch + 1
                << ".\n";
    const Tensors weights = model().weights();
    for (std::size_t i = 0; i < weights.size(); ++i) assign(weights[i], best_weights[i]);
  }

  double monitored(const Logs& logs) const {
    if (const double* value = logs.find(options.monitor)) return *value;
    std::vector<std::string> names;
    for (const auto& [name, value] : logs) names.push_back(name);
    throw Error(
        "EarlyStopping: there is no `" + options.monitor + "` to monitor; there are " +
        sdk::listed(names) + "." +
        (options.monitor.starts_with("val_")
             ? "\n  Give fit validation_split or validation_data, or set .monitor = \"loss\"."
             : ""));
  }

  int find_direction() const {
    if (options.mode != "auto") return options.mode == "min" ? -1 : 1;
    std::string name = options.monitor;
    if (name.starts_with("val_")) name = name.substr(4);
    if (name == "loss") return -1;
    for (const auto* metrics : {&model().metrics(), &model().weighted_metrics()})
      for (const Metric& metric : *metrics)
        if (metric.name() == name) return metric.higher_is_better() ? 1 : -1;
    throw Error(
        "EarlyStopping: whether `" + options.monitor +
        "` should become smaller or larger is not known.\n  Set .mode = \"min\" or \"max\".");
  }

  bool improves(double now, double before) const {
    return direction < 0 ? now + options.min_delta < before : now - options.min_delta > before;
  }

  void keep(int epoch) {
    best_weights = copies(model().weights());
    best_epoch = epoch;
  }

  EarlyStoppingOptions options;
  int wait = 0, stopped_epoch = 0, best_epoch = 0;
  int direction = 0;  // -1: smaller is better
  std::optional<double> best;
  Tensors best_weights;
};

EarlyStopping::EarlyStopping(const EarlyStoppingOptions& options)
    : watch_(std::make_shared<Watch>(options)) {}
EarlyStopping::operator CallbackHandle() const { return CallbackHandle(watch_); }
int EarlyStopping::stopped_epoch() const { return watch_->stopped_epoch; }
int EarlyStopping::best_epoch() const { return watch_->best_epoch; }
double EarlyStopping::best() const {
  if (!watch_->best)
    throw Error("EarlyStopping: there is no best value before the first epoch ends.");
  return *watch_->best;
}

}  // namespace tempo
