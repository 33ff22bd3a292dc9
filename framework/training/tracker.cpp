// SPDX-License-Identifier: Apache-2.0
// Sums losses and metrics over the batches of an epoch.
#include "training/tracker.hpp"

#include <set>

namespace tempo {

Tracker::Tracker(const std::vector<Metric>& metrics, const std::vector<Metric>& weighted_metrics) {
  std::set<std::string> taken{"loss"};
  const auto add = [&](const Metric& metric, bool weighted) {
    std::string name = metric.name();
    if (weighted && taken.count(name)) name = "weighted_" + name;
    const std::string base = name;
    for (int i = 1; !taken.insert(name).second; ++i) name = base + "_" + std::to_string(i);
    metrics_.push_back({name, metric.fresh(), weighted});
  };
  for (const Metric& m : metrics) add(m, false);
  for (const Metric& m : weighted_metrics) add(m, true);
}

void Tracker::reset() {
  total_ = count_ = 0;
  for (Counted& m : metrics_) m.metric.reset();
}

void Tracker::add(int64_t count, const Tensor& y, const Tensor& y_pred, const Tensor& weight,
                  double loss) {
  const auto n = static_cast<double>(count);
  total_ += loss * n;
  count_ += n;
  for (Counted& m : metrics_) m.metric.update(y, y_pred, m.weighted ? weight : Tensor{});
}

Logs Tracker::logs() const {
  Logs out{{"loss", count_ == 0 ? 0 : total_ / count_}};
  for (const Counted& m : metrics_) out.set(m.name, m.metric.result());
  return out;
}

}  // namespace tempo
