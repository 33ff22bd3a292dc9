// SPDX-License-Identifier: Apache-2.0
// The objective of training: the loss of each output, their sum, and the metrics.
#pragma once

#include <tempo/model.hpp>

namespace tempo {

/// One result of a model, with its loss and metrics.
struct Output {
  std::string name;  // "" if there is one output
  Loss loss;         // empty: the output is not trained
  double weight = 1;
  std::vector<Metric> metrics = {}, weighted_metrics = {};
  /// The name of a metric or loss in logs: "price_mae".
  std::string logged(const std::string& what) const {
    return name.empty() ? what : name + "_" + what;
  }
};

struct Dataset;

class Objective {
 public:
  Objective() = default;
  /// From the options of compile; throws Error if they do not fit together.
  Objective(const std::string& who, const CompileOptions& options);

  const std::vector<Output>& outputs() const { return outputs_; }
  bool has_several() const { return outputs_.size() > 1; }
  /// The result of the model that the loss of output i reads.
  const Tensor& read_by(std::size_t i, const Tensors& y_pred) const;
  /// "mse", or "mse, binary_crossentropy".
  std::string name() const;

  struct Losses {
    Tensor total;
    Tensors each;  // if there are several outputs, unweighted; Tensor{} for one without a loss
  };
  /// The losses of a batch with results y_pred; throws if these do not match the batch's y.
  Losses operator()(const std::string& who, const Dataset& batch, const Tensors& y_pred) const;

 private:
  void take_several(const std::string& who, const CompileOptions& options);
  void take_weights(const std::string& who, const PerOutput<double>& weights);
  void take_metrics(const std::string& who, const std::vector<OutputMetrics>& metrics);
  Output& named(const std::string& who, const char* option, const std::string& output);

  std::vector<Output> outputs_;
};

}  // namespace tempo
