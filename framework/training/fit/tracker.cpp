// SPDX-License-Identifier: Apache-2.0
// Sums losses and metrics over the batches of an epoch.
#include "training/fit/tracker.hpp"

#include <set>

namespace tempo {

std::vector<double> numbers_of(const Tensors& losses) {
  std::vector<double> out;
  for (const Tensor& loss : losses) out.push_back(loss ? loss.item() : 0);
  return out;
}

Tracker::Tracker(const Objective& objective) {
  std::set<std::string> taken{"loss"};
  const std::vector<Output>& outputs = objective.outputs();
  if (objective.has_several())
    for (const Output& of : outputs) {
      losses_.push_back({of.loss ? of.logged("loss") : ""});
      taken.insert(losses_.back().name);
    }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto add = [&](const Metric& metric, bool weighted) {
      std::string name = outputs[i].logged(metric.name());
      if (weighted && taken.count(name)) name = outputs[i].logged("weighted_" + metric.name());
      const std::string base = name;
      for (int n = 1; !taken.insert(name).second; ++n) name = base + "_" + std::to_string(n);
      metrics_.push_back({name, metric.fresh(), weighted, i});
    };
    for (const Metric& m : outputs[i].metrics) add(m, false);
    for (const Metric& m : outputs[i].weighted_metrics) add(m, true);
  }
}

void Tracker::reset() {
  total_ = count_ = 0;
  for (Sum& s : losses_) s.total = 0;
  for (Counted& m : metrics_) m.metric.reset();
}

void Tracker::add(const std::string& who, const Dataset& batch, const Tensors& y_pred, double loss,
                  const Tensors& losses) {
  add_losses(batch.count(), loss, numbers_of(losses));
  add_to_metrics(who, batch, y_pred);
}

void Tracker::add_losses(int64_t count, double loss, const std::vector<double>& losses) {
  const auto n = static_cast<double>(count);
  total_ += loss * n;
  count_ += n;
  for (std::size_t i = 0; i < losses_.size(); ++i) losses_[i].total += losses[i] * n;
}

void Tracker::add_to_metrics(const std::string& who, const Dataset& batch, const Tensors& y_pred) {
  for (Counted& m : metrics_)
    naming_labels(
        who, batch,
        [&] {
          m.metric.update(batch.y[m.output], y_pred[m.output],
                          m.weighted ? batch.weight : Tensor{});
        },
        m.output);
}

Logs Tracker::logs() const {
  const auto mean = [&](double total) { return count_ == 0 ? 0 : total / count_; };
  Logs out{{"loss", mean(total_)}};
  for (const Sum& s : losses_)
    if (!s.name.empty()) out.set(s.name, mean(s.total));
  for (const Counted& m : metrics_) out.set(m.name, m.metric.result());
  return out;
}

}  // namespace tempo
