// SPDX-License-Identifier: Apache-2.0
// The running numbers of an epoch: the loss, weighted by the size of each batch, and the metrics.
#pragma once

#include <tempo/callback.hpp>
#include <tempo/metric.hpp>

namespace tempo {

/// It counts in metrics of its own, so that one that runs inside another, or in another thread,
/// does not change what that one counts.
class Tracker {
 public:
  Tracker(const std::vector<Metric>& metrics, const std::vector<Metric>& weighted_metrics);
  void reset();
  /// Adds a batch of `count` samples. `weight` may be missing.
  void add(int64_t count, const Tensor& y, const Tensor& y_pred, const Tensor& weight, double loss);
  Logs logs() const;

 private:
  struct Counted {
    std::string name;  // in the logs
    Metric metric;
    bool weighted;
  };
  std::vector<Counted> metrics_;
  double total_ = 0, count_ = 0;
};

}  // namespace tempo
