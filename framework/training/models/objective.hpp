// SPDX-License-Identifier: Apache-2.0
// What a model is trained for: the loss of each of its outputs, their sum, and what is watched.
#pragma once

#include <tempo/model.hpp>

namespace tempo {

/// One result of a model, with its loss and metrics.
struct Output {
  std::string name;  // "" where there is one output
  Loss loss;         // none: it is not trained
  double weight = 1;
  std::vector<Metric> metrics = {}, weighted_metrics = {};
  /// "price_mae", of a metric or a loss.
  std::string logged(const std::string& what) const {
    return name.empty() ? what : name + "_" + what;
  }
};

struct Dataset;

class Objective {
 public:
  Objective() = default;
  /// What compile was given; throws Error where that does not fit together.
  Objective(const std::string& who, const CompileOptions& options);

  const std::vector<Output>& outputs() const { return outputs_; }
  bool has_several() const { return outputs_.size() > 1; }
  /// The result of a model that the loss of output i reads.
  const Tensor& read_by(std::size_t i, const Tensors& y_pred) const;
  /// "mse", or "mse, binary_crossentropy".
  std::string name() const;

  struct Losses {
    Tensor total;
    Tensors each;  // of several outputs, before their weights; Tensor{} where one has no loss
  };
  /// Of a batch whose first results are y_pred; throws where a model gives others than y has.
  Losses operator()(const std::string& who, const Dataset& batch, const Tensors& y_pred) const;

 private:
  void take_several(const std::string& who, const CompileOptions& options);
  void take_weights(const std::string& who, const PerOutput<double>& weights);
  void take_metrics(const std::string& who, const std::vector<OutputMetrics>& metrics);
  Output& named(const std::string& who, const char* option, const std::string& output);

  std::vector<Output> outputs_;
};

}  // namespace tempo
