// SPDX-License-Identifier: Apache-2.0
// The loss of one or several outputs, from the options of compile.
#include "training/models/objective.hpp"

#include <algorithm>

#include <tempo/ops.hpp>

#include "training/models/dataset.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

[[noreturn]] void refuse(const std::string& who, const std::string& what, const std::string& fix) {
  throw Error(who + ": " + what + ".\n  " + fix + ".");
}

void require_weight(const std::string& who, double weight) {
  if (!(weight >= 0) || std::isinf(weight))
    throw Error(who + ": a loss weight is " + sdk::shortest(weight) +
                "; it must be a number of at least 0.");
}

// A metric with several numbers is added as one metric for each number.
void add_parts(std::vector<Metric>& to, const std::vector<Metric>& given) {
  for (const Metric& metric : given) {
    const std::vector<Metric> parts = metric.parts();
    if (parts.size() == 1)
      to.push_back(metric);
    else
      to.insert(to.end(), parts.begin(), parts.end());
  }
}

}  // namespace

Objective::Objective(const std::string& who, const CompileOptions& options) {
  if (options.loss && !options.losses.empty())
    refuse(who, "both loss and losses were given",
           "Set .loss for a model of one output, .losses for one of several");
  if (!options.loss && options.losses.empty())
    throw Error(who + ": no loss was given.\n  Set .loss = \"mse\", or another.");
  if (options.losses.values().size() > 1) {
    take_several(who, options);
    return;
  }

  const Loss loss = options.loss ? options.loss : options.losses.values()[0].value;
  if (!loss) refuse(who, "the one loss is Loss{}", "Set .loss = \"mse\", or another");
  if (!options.output_metrics.empty())
    refuse(who, "output_metrics was given, and there is one loss",
           "Set .metrics, or .losses for a model of several outputs");
  outputs_.push_back({.name = "", .loss = loss});
  add_parts(outputs_[0].metrics, options.metrics);
  add_parts(outputs_[0].weighted_metrics, options.weighted_metrics);
  take_weights(who, options.loss_weights);
}

void Objective::take_several(const std::string& who, const CompileOptions& options) {
  bool any = false;
  for (const auto& [output, loss] : options.losses.values()) {
    const std::string name =
        output.empty() ? "output_" + std::to_string(outputs_.size() + 1) : output;
    for (const Output& other : outputs_)
      if (other.name == name) refuse(who, "two outputs are called `" + name + "`", "Rename one");
    outputs_.push_back({.name = name, .loss = loss});
    any = any || loss;
  }
  if (!any) refuse(who, "no output has a loss", "Set .losses = {\"mse\", \"mse\"}, or others");
  if (!options.metrics.empty() || !options.weighted_metrics.empty())
    refuse(who, "metrics was given, and there are several outputs",
           "Set .output_metrics = {{\"" + outputs_[0].name + "\", {\"mae\"}}}");
  take_weights(who, options.loss_weights);
  take_metrics(who, options.output_metrics);
}

Output& Objective::named(const std::string& who, const char* option, const std::string& output) {
  std::vector<std::string> names;
  for (Output& o : outputs_) {
    if (o.name == output) return o;
    names.push_back(o.name);
  }
  unknown_name(who + ", " + option, "output", output, names);
}

void Objective::take_weights(const std::string& who, const PerOutput<double>& weights) {
  const auto& given = weights.values();
  for (const auto& w : given) require_weight(who, w.value);
  if (given.empty()) return;
  if (given.size() == outputs_.size() &&
      std::all_of(given.begin(), given.end(), [](auto& w) { return w.output.empty(); })) {
    for (std::size_t i = 0; i < given.size(); ++i) outputs_[i].weight = given[i].value;
    return;
  }
  for (const auto& w : given) {
    if (w.output.empty() || !has_several())
      throw Error(who + ": there are " + std::to_string(given.size()) + " loss_weights and " +
                  std::to_string(outputs_.size()) +
                  " losses.\n  Give one for each, in the same order, or {{\"" +
                  (has_several() ? outputs_[0].name : "price") + "\", 0.5}} by name.");
    named(who, "loss_weights", w.output).weight = w.value;
  }
}

void Objective::take_metrics(const std::string& who, const std::vector<OutputMetrics>& metrics) {
  for (const OutputMetrics& m : metrics) {
    Output& of = named(who, "output_metrics", m.output);
    add_parts(of.metrics, m.metrics);
    add_parts(of.weighted_metrics, m.weighted_metrics);
  }
}

std::string Objective::name() const {
  std::string names;
  for (const Output& o : outputs_)
    if (o.loss) names += (names.empty() ? "" : ", ") + o.loss.name();
  return names;
}

const Tensor& Objective::read_by(std::size_t i, const Tensors& y_pred) const {
  if (has_several()) return y_pred[i];
  return y_pred[std::min(static_cast<std::size_t>(outputs_[i].loss.reads()), y_pred.size() - 1)];
}

Objective::Losses Objective::operator()(const std::string& who, const Dataset& batch,
                                        const Tensors& y_pred) const {
  const auto number = [](std::size_t n) { return std::to_string(n); };
  if (batch.y.size() != outputs_.size())
    throw Error(who + ": y has " + number(batch.y.size()) +
                " tensors, and the model was compiled "
                "with " +
                number(outputs_.size()) + (has_several() ? " losses" : " loss") +
                ".\n  Each output with a loss needs its y, in the order of the losses: y = {y_1, "
                "y_2}, .losses = {\"mse\", \"mse\"}.");
  if (has_several() && y_pred.size() != outputs_.size())
    throw Error(who + ": the model has " + number(y_pred.size()) +
                " outputs, and was compiled "
                "with " +
                number(outputs_.size()) +
                " losses.\n  Give one loss for each output; Loss{} for one that is not trained.");
  const bool any_weight = std::any_of(outputs_.begin(), outputs_.end(),
                                      [](const Output& o) { return o.loss && o.weight > 0; });
  Losses out;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Output& of = outputs_[i];
    if (!of.loss) {
      out.each.emplace_back();
      continue;
    }
    const Tensor& read = read_by(i, y_pred);
    const Tensor loss = naming_labels(
        who, batch, [&] { return of.loss(batch.y[i], read, batch.weight); }, i);
    if (loss.count() != 1)
      throw ShapeError(who + ": the loss `" + of.loss.name() + "` gave " +
                       to_string(loss.shape(), loss.dtype()) +
                       ".\n  Training needs one number; a reduction other than \"none\" gives it.");
    out.each.push_back(loss);
    if (of.weight == 0 && any_weight) continue;  // 0 times NaN would be NaN
    const Tensor weighted = of.weight == 1 ? loss : loss * of.weight;
    out.total = out.total ? out.total + weighted : weighted;
  }
  if (!has_several()) out.each.clear();
  return out;
}

}  // namespace tempo
