// SPDX-License-Identifier: Apache-2.0
// The number that a callback monitors: its value in the logs, and whether larger is better.
#include "training/callbacks/monitor.hpp"

#include <algorithm>

#include <tempo/names.hpp>

#include "training/models/model_state.hpp"
#include "training/settings.hpp"

namespace tempo {

Monitor::Monitor(std::string who, std::string name, std::string mode)
    : who_(std::move(who)), name_(std::move(name)), mode_(std::move(mode)) {
  if (mode_ != "auto" && mode_ != "min" && mode_ != "max")
    unknown_name(who_, "mode", mode_, {"auto", "min", "max"});
}

double Monitor::value(const Logs& logs) const {
  if (const double* value = logs.find(name_)) return *value;
  std::vector<std::string> names;
  for (const auto& [name, value] : logs) names.push_back(name);
  throw Error(who_ + ": there is no `" + name_ + "` to monitor; an epoch has " +
              sdk::listed(names) + "." +
              (name_.starts_with("val_")
                   ? "\n  Give fit validation_split or validation_data, or set .monitor = \"loss\"."
                   : ""));
}

std::optional<double> Monitor::of_epoch(const Logs& logs, const FitParams& params) const {
  const bool validated = std::any_of(
      logs.begin(), logs.end(), [](const Logs::Entry& e) { return e.first.starts_with("val_"); });
  if (name_.starts_with("val_") && params.validates && !validated) return {};
  return value(logs);
}

int Monitor::direction(const Model& model) const {
  if (mode_ != "auto") return mode_ == "min" ? -1 : 1;
  std::string name = name_;
  if (name.starts_with("val_")) name = name.substr(4);
  if (name == "loss") return -1;
  // "accuracy_1" is the second metric of that name.
  const std::size_t end = name.find_last_not_of("0123456789");
  const std::string first = end + 1 < name.size() && name[end] == '_' ? name.substr(0, end) : name;
  for (const Output& of : ModelAccess::state(model).objective.outputs()) {
    if (!of.name.empty() && name == of.logged("loss")) return -1;
    for (const auto* metrics : {&of.metrics, &of.weighted_metrics})
      for (const Metric& metric : *metrics)
        if (const std::string logged = of.logged(metric.name()),
            weighted = of.logged("weighted_" + metric.name());
            name == logged || name == weighted || first == logged || first == weighted)
          if (const std::optional<bool> up = metric.higher_is_better()) return *up ? 1 : -1;
  }
  throw Error(who_ + ": whether `" + name_ +
              "` should become smaller or larger is not known.\n  Set .mode = \"min\" or \"max\".");
}

}  // namespace tempo
