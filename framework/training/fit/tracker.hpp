// SPDX-License-Identifier: Apache-2.0
// The running numbers of an epoch: the losses, weighted by the size of each batch, and the metrics.
#pragma once

#include "training/models/dataset.hpp"

namespace tempo {

/// The losses of outputs as numbers; 0 for an output without a loss.
std::vector<double> numbers_of(const Tensors& losses);

/// It has metrics of its own, so that a tracker inside another one, or in another thread, does not
/// change the counts of the other.
class Tracker {
 public:
  explicit Tracker(const Objective& objective);
  void reset();
  /// Adds a batch, the results of the model for it, and their losses.
  void add(const std::string& who, const Dataset& batch, const Tensors& y_pred, double loss,
           const Tensors& losses);
  /// The two parts of add: the losses, as those of `count` samples, and the metrics.
  void add_losses(int64_t count, double loss, const std::vector<double>& losses);
  void add_to_metrics(const std::string& who, const Dataset& batch, const Tensors& y_pred);
  /// "loss", the loss of each output if there are several, and the metrics.
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
  std::vector<Sum> losses_;  // if there are several outputs; "" for one without a loss
  double total_ = 0, count_ = 0;
};

}  // namespace tempo
