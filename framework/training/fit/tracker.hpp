// SPDX-License-Identifier: Apache-2.0
// The running numbers of an epoch: the losses, weighted by the size of each batch, and the metrics.
#pragma once

#include "training/models/dataset.hpp"

namespace tempo {

/// The losses of outputs as numbers; 0 of one that has none.
std::vector<double> numbers_of(const Tensors& losses);

/// It counts in metrics of its own, so that one that runs inside another, or in another thread,
/// does not change what that one counts.
class Tracker {
 public:
  explicit Tracker(const Objective& objective);
  void reset();
  /// Adds a batch, what the model gave for it, and what its losses were.
  void add(const std::string& who, const Dataset& batch, const Tensors& y_pred, double loss,
           const Tensors& losses);
  /// The two parts of that: the losses, as those of `count` samples, and what metrics see.
  void add_losses(int64_t count, double loss, const std::vector<double>& losses);
  void add_to_metrics(const std::string& who, const Dataset& batch, const Tensors& y_pred);
  /// "loss", that of each output where there are several, the metrics.
  Logs logs() const;

 private:
  struct Counted {
    std::string name;  // in the logs
    Metric metric;
    bool weighted;
    std::size_t output;
  };
  struct Sum {
    std::string name;
    double total = 0;
  };
  std::vector<Counted> metrics_;
  std::vector<Sum> losses_;  // of several outputs; "" where one has no loss
  double total_ = 0, count_ = 0;
};

}  // namespace tempo
