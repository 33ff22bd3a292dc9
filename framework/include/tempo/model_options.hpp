// SPDX-License-Identifier: Apache-2.0
// What the functions of a model are given: losses of outputs, options of fit and the like.
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
  /// An entry whose output is "" stands for that of its place.
  const std::vector<Named>& values() const { return values_; }
  bool empty() const { return values_.empty(); }

 private:
  std::vector<Named> values_;
};

/// Metrics of one of several outputs.
struct OutputMetrics {
  std::string output;
  std::vector<Metric> metrics = {};
  std::vector<Metric> weighted_metrics = {};
};

struct CompileOptions {
  Optimizer optimizer = "rmsprop";
  Loss loss = {};
  /// Of a model of several outputs, in place of `loss`: Loss{} for an output without one. Their
  /// names are in the logs, "price_loss", "price_mae"; without names, outputs are "output_1",
  /// "output_2", ... They need y = {y_of_the_first, y_of_the_second}.
  PerOutput<Loss> losses = {};
  /// By which the losses count in the sum that is trained; 1 each where not given, and what has 0
  /// is left out.
  PerOutput<double> loss_weights = {};
  std::vector<Metric> metrics = {};
  std::vector<Metric> weighted_metrics = {};  ///< these read sample_weight
  /// Of several outputs: {{"price", {"mae"}}, {"kind", {"accuracy"}}}.
  std::vector<OutputMetrics> output_metrics = {};
};

/// How much the samples of a class count: {{0, 1}, {1, 5}}; a class that is not there counts 1.
using ClassWeight = std::map<int64_t, double>;

struct ValidationData {
  Inputs x = {};
  Inputs y = {};
  Tensor sample_weight = {};
  explicit operator bool() const { return !x.empty(); }
};

struct FitOptions {
  /// Of samples in memory, 32 where it is not given; a range has its own batches.
  std::optional<int64_t> batch_size = {};
  int epochs = 1;  ///< the number of the last epoch, also when initial_epoch is not 0
  std::vector<CallbackHandle> callbacks = {};
  double validation_split = 0;          ///< this share at the end of the data is held out
  ValidationData validation_data = {};  ///< wins over validation_split
  BatchRange validation_batches = {};   ///< in place of these, a range that begins again
  /// Of samples in memory, true where it is not given; a range has its own order.
  std::optional<bool> shuffle = {};
  int64_t seed = -1;  ///< of the shuffling; below 0: drawn from the generator that set_seed starts
  /// Of class numbers, [n] or [n, 1], or one-hot labels, [n, classes]; in place of sample_weight.
  ClassWeight class_weight = {};
  /// [n] or [n, time], at least 0. A sample whose weights are all 0 may hold NaN: the model gets
  /// one that counts in its place.
  Tensor sample_weight = {};
  int initial_epoch = 0;
  /// Batches in an epoch, 0 for all there are. The next epoch goes on where this one stopped; after
  /// the last batch, which may be smaller, the samples begin again, in a new order.
  int64_t steps_per_epoch = 0;
  /// How many batches of a range are made before they are asked for, on a thread of their own; 0:
  /// none, and no thread. Where training ends before its last epoch, those that were made are lost.
  int64_t prefetch = 2;
  /// Truncated backpropagation through time (Williams and Peng, 1990): sequences [batch, time, ...]
  /// of more steps than this are trained in pieces of this many, the last one shorter; 0: whole.
  /// Cut are all x, y and sample_weight that have this time axis, and masks with them. Recurrent
  /// layers go on from the states that the piece before ended in, through which no gradient goes,
  /// and begin anew with the next batch, unless they are stateful.
  ///
  /// Each piece is one update, by the mean loss of the steps that count in it; a piece without such
  /// steps is none. Callbacks, steps_per_epoch and backups count whole batches. The logged loss of
  /// a batch is the mean over its pieces, weighted by their steps that count. Metrics see each
  /// piece as a batch. Where y has no time axis, only the piece in which a sequence ends is
  /// trained; those before it carry the states. Ctrl-C ends it after a piece. Validation is of
  /// whole sequences, as it needs no gradient.
  ///
  /// The model must give for pieces what it gives for the whole. That is tried before the first
  /// update: an Error where a layer runs backwards (Bidirectional), a layer looks at other steps
  /// (attention, pooling, convolutions), or the loss does (CTC, CRFLoss).
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
