// SPDX-License-Identifier: Apache-2.0
// The arguments of a model's functions: losses of outputs, options of fit and the like.
#pragma once

#include <map>

#include <tempo/batch_range.hpp>
#include <tempo/callback.hpp>
#include <tempo/loss.hpp>
#include <tempo/metric.hpp>
#include <tempo/optimizer.hpp>

namespace tempo TEMPO_HIDDEN {

/// One value for each output of a model, in the order of its outputs: {"mse", "bce"}, or with names
/// for them, {{"price", "mse"}, {"kind", "bce"}}.
template <class T>
class PerOutput {
 public:
  struct Named {
    std::string output;
    T value;
  };
  PerOutput() = default;
  PerOutput(std::initializer_list<Named> values) : values_(values) {}
  explicit PerOutput(std::vector<Named> values) : values_(std::move(values)) {}
  PerOutput(std::initializer_list<T> values) : PerOutput(std::vector<T>(values)) {}
  PerOutput(const std::vector<T>& values) {
    for (const T& value : values) values_.push_back({"", value});
  }
  /// An entry whose output is "" is for the output at its place.
  const std::vector<Named>& values() const { return values_; }
  bool empty() const { return values_.empty(); }

 private:
  std::vector<Named> values_;
};

/// Metrics for one of several outputs.
struct OutputMetrics {
  std::string output;
  std::vector<Metric> metrics = {};
  std::vector<Metric> weighted_metrics = {};
};

struct CompileOptions {
  Optimizer optimizer = "rmsprop";
  Loss loss = {};
  /// For a model of several outputs, in place of `loss`: Loss{} for an output without one. Logs
  /// have their names, "price_loss", "price_mae"; without names, outputs are "output_1",
  /// "output_2", ... They need y = {y_of_the_first, y_of_the_second}.
  PerOutput<Loss> losses = {};
  /// The weights of the losses in the sum that is trained; 1 each if not given. A loss of weight 0
  /// is left out.
  PerOutput<double> loss_weights = {};
  std::vector<Metric> metrics = {};
  std::vector<Metric> weighted_metrics = {};  ///< these read sample_weight
  /// For several outputs: {{"price", {"mae"}}, {"kind", {"accuracy"}}}.
  std::vector<OutputMetrics> output_metrics = {};
};

/// The weight of the samples of a class: {{0, 1}, {1, 5}}; 1 for a class that is not listed.
using ClassWeight = std::map<int64_t, double>;

struct ValidationData {
  Inputs x = {};
  Inputs y = {};
  Tensor sample_weight = {};
  explicit operator bool() const { return !x.empty(); }
};

struct FitOptions {
  /// For samples in memory, 32 if it is not given; a range has its own batches.
  std::optional<int64_t> batch_size = {};
  int epochs = 1;  ///< the number of the last epoch, also when initial_epoch is not 0
  std::vector<CallbackHandle> callbacks = {};
  double validation_split = 0;          ///< this share at the end of the data is held out
  ValidationData validation_data = {};  ///< wins over validation_split
  BatchRange validation_batches = {};   ///< in place of these: a range that begins again
  /// For samples in memory, true if it is not given; a range has its own order.
  std::optional<bool> shuffle = {};
  int64_t seed = -1;  ///< of the shuffling; below 0: drawn from the generator that set_seed starts
  /// For class numbers, [n] or [n, 1], or one-hot labels, [n, classes]; in place of sample_weight.
  ClassWeight class_weight = {};
  /// [n] or [n, time], at least 0. A sample whose weights are all 0 may hold NaN: the model gets a
  /// sample that counts in its place.
  Tensor sample_weight = {};
  int initial_epoch = 0;
  /// Batches in an epoch; 0 for all. The next epoch goes on where this one stopped; after the last
  /// batch, which may be smaller, the samples begin again, in a new order.
  int64_t steps_per_epoch = 0;
  /// How many batches of a range another thread makes ahead; 0: none, and there is no thread. If
  /// training ends before its last epoch, the batches made ahead are lost.
  int64_t prefetch = 2;
  /// Truncated backpropagation through time (Williams and Peng, 1990): sequences [batch, time, ...]
  /// of more steps than this are trained in pieces of this many steps, the last one perhaps
  /// shorter; 0: as a whole. All x, y and sample_weight that have this time axis are cut, and their
  /// masks. Recurrent layers begin each piece with the last states of the piece before, through
  /// which no gradient flows, and begin anew with the next batch, unless they are stateful.
  ///
  /// Each piece makes one update, by the mean loss of the steps that count in it; a piece without
  /// such steps makes none. Callbacks, steps_per_epoch and backups count whole batches. The logged
  /// loss of a batch is the mean over its pieces, weighted by their steps that count. Metrics see
  /// each piece as a batch. If y has no time axis, only the piece in which a sequence ends is
  /// trained; earlier pieces carry the states. Ctrl-C ends training after a piece. Validation uses
  /// whole sequences, because it needs no gradient.
  ///
  /// The model must give the same for pieces as for the whole. fit tries this before the first
  /// update, and throws Error if a layer runs backwards (Bidirectional), or a layer or the loss
  /// looks at other steps (attention, pooling, convolutions; CTC, CRFLoss).
  int64_t truncate = 0;
  int64_t validation_steps = 0;       ///< batches of validation; 0: all
  int64_t validation_batch_size = 0;  ///< of samples in memory; 0: batch_size
  int validation_freq = 1;            ///< epochs from one validation to the next
  int verbose = -1;  ///< 0 silent, 1 a bar, 2 a line per epoch; -1: a bar on a terminal, else lines
};

struct EvaluateOptions {
  std::optional<int64_t> batch_size = {};  ///< as in FitOptions
  std::vector<CallbackHandle> callbacks = {};
  Tensor sample_weight = {};
  int64_t prefetch = 2;  ///< as in FitOptions
  int verbose = 0;
};

struct PredictOptions {
  std::optional<int64_t> batch_size = {};  ///< as in FitOptions
  std::vector<CallbackHandle> callbacks = {};
  int64_t prefetch = 2;  ///< as in FitOptions
};

struct TrainOnBatchOptions {
  ClassWeight class_weight = {};  ///< as in FitOptions
  Tensor sample_weight = {};
};

struct TestOnBatchOptions {
  Tensor sample_weight = {};
};

}  // namespace tempo
