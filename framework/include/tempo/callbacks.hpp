// SPDX-License-Identifier: Apache-2.0
// Callbacks that come with Tempo, besides EarlyStopping.
#pragma once

#include <concepts>
#include <functional>
#include <iostream>

#include <tempo/model.hpp>

namespace tempo TEMPO_HIDDEN {

/// How often an action runs: "epoch", at the end of each epoch, or once in a number of batches.
class Frequency {
 public:
  /// "epoch", or "batch" for every batch.
  Frequency(const char* text) : Frequency(std::string(text)) {}
  TEMPO_API Frequency(const std::string& text);
  template <std::integral Count>
  requires(!std::same_as<Count, bool>) Frequency(Count batches)
      : batches_(static_cast<int64_t>(batches)) {}
  bool is_epoch() const { return batches_ == epochs; }
  int64_t batches() const { return batches_; }

 private:
  static constexpr int64_t epochs = INT64_MIN;
  int64_t batches_ = epochs;
};

struct ModelCheckpointOptions {
  /// The file to write, "best.tempo". The name may contain the epoch and the batch, from 1, and
  /// logged numbers: "{epoch:02d}-{val_loss:.3f}.tempo". A missing folder is created.
  std::string filepath = {};
  std::string monitor = "val_loss";
  int verbose = 0;                 ///< 1: prints a message
  bool save_best_only = false;     ///< only if `monitor` is better than ever before
  bool save_weights_only = false;  ///< Model::save_weights in place of Model::save
  std::string mode = "auto";       ///< "min", "max"; "auto" knows losses and metrics
  Frequency save_freq = "epoch";   ///< or a number of batches, counted across epochs
  /// With save_best_only: the first value must be better than this.
  std::optional<double> initial_value_threshold = {};
};

/// Saves the model at the end of epochs, or after a number of batches. NaN is never the best.
class ModelCheckpoint {
 public:
  TEMPO_API ModelCheckpoint(const ModelCheckpointOptions& options);
  TEMPO_OPTIONS(ModelCheckpoint, ModelCheckpointOptions);
  operator CallbackHandle() const { return callback_; }

 private:
  std::shared_ptr<Callback> callback_;
};

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;  ///< below 1: the learning rate is multiplied by it
  int patience = 10;    ///< epochs without improvement before that
  int verbose = 0;      ///< 1: prints a message
  std::string mode = "auto";
  double min_delta = 1e-4;  ///< a smaller change is no improvement
  int cooldown = 0;         ///< epochs after a reduction that do not count
  double min_lr = 0;        ///< the smallest learning rate
};

/// Lowers the learning rate when a logged number no longer improves.
class ReduceLROnPlateau {
 public:
  TEMPO_API ReduceLROnPlateau(const ReduceLROnPlateauOptions& options = {});
  TEMPO_OPTIONS(ReduceLROnPlateau, ReduceLROnPlateauOptions);
  operator CallbackHandle() const { return callback_; }

 private:
  std::shared_ptr<Callback> callback_;
};

struct CSVLoggerOptions {
  std::string filename = {};
  std::string separator = ",";
  bool append = false;  ///< appends to an existing file of the same columns, without a header
};

/// Writes one line per epoch: the epoch, from 0, and the logged numbers in the order of their
/// names. A number that an epoch lacks is "NA".
class CSVLogger {
 public:
  TEMPO_API CSVLogger(const CSVLoggerOptions& options);
  TEMPO_OPTIONS(CSVLogger, CSVLoggerOptions);
  operator CallbackHandle() const { return callback_; }

 private:
  std::shared_ptr<Callback> callback_;
};

struct TerminateOnNaNOptions {
  bool raise_error = false;  ///< fit throws, as it does without this callback
};

/// Ends training when the loss, a gradient or a weight becomes NaN or infinite, in place of the
/// Error that fit throws otherwise. The loss of that epoch is logged as NaN; the weights are those
/// from before the batch.
class TerminateOnNaN : public Callback {
 public:
  explicit TerminateOnNaN(const TerminateOnNaNOptions& options = {}) : options_(options) {}
  TEMPO_OPTIONS(explicit TerminateOnNaN, TerminateOnNaNOptions);
  bool on_not_finite(int64_t batch) override {
    if (options_.raise_error) return false;
    std::cout << "Batch " << batch << ": Invalid loss, terminating training\n";
    return true;
  }

 private:
  TerminateOnNaNOptions options_;
};

struct BackupAndRestoreOptions {
  std::string backup_dir = {};    ///< a folder for this training alone; it is created
  Frequency save_freq = "epoch";  ///< or a number of batches within an epoch
  bool delete_checkpoint = true;  ///< at the end of a training that was not interrupted
};

/// Backs up a training that may be killed: the same program, started again, goes on from the latest
/// backup, with the same bits as if it had never stopped. A backup holds the model, its optimizer,
/// the place in the epoch and the state of the random numbers, in one file that is written
/// atomically. Counts of other callbacks are not in it. After a backup within an epoch, the logs of
/// that epoch cover only its rest. List this callback last: a backup then has the others' changes.
class BackupAndRestore {
 public:
  TEMPO_API BackupAndRestore(const BackupAndRestoreOptions& options);
  TEMPO_OPTIONS(BackupAndRestore, BackupAndRestoreOptions);
  operator CallbackHandle() const { return callback_; }

 private:
  std::shared_ptr<Callback> callback_;
};

struct SwapEMAWeightsOptions {
  bool swap_on_epoch = false;  ///< also from the end of an epoch to the start of the next
};

/// During evaluation and prediction, the model's weights are their running averages, which the
/// optimizer keeps with use_ema. With swap_on_epoch, a ModelCheckpoint after this one saves them.
class SwapEMAWeights {
 public:
  TEMPO_API SwapEMAWeights(const SwapEMAWeightsOptions& options = {});
  TEMPO_OPTIONS(SwapEMAWeights, SwapEMAWeightsOptions);
  operator CallbackHandle() const { return callback_; }

 private:
  std::shared_ptr<Callback> callback_;
};

struct TensorBoardOptions {
  std::string log_dir = "logs";
  int histogram_freq = 0;               ///< epochs between histograms of the weights; 0: none
  bool write_steps_per_second = false;  ///< of each epoch and, with update_freq, of batches
  Frequency update_freq = "epoch";      ///< "batch", or the number of batches between logs
};

/// Writes event files for TensorBoard (`tensorboard --logdir logs`): the logs of each epoch as
/// "epoch_loss", ... in log_dir/train and, without "val_", in log_dir/validation; with an
/// update_freq in batches also "batch_loss", ...; the results of evaluations by the optimizer's
/// iterations, as "evaluation_loss_vs_iterations"; and histograms of the weights, as
/// "dense/kernel/histogram".
class TensorBoard {
 public:
  TEMPO_API TensorBoard(const TensorBoardOptions& options = {});
  TEMPO_OPTIONS(TensorBoard, TensorBoardOptions);
  operator CallbackHandle() const { return callback_; }

 private:
  std::shared_ptr<Callback> callback_;
};

/// Sets the learning rate at the start of each epoch to schedule(epoch, current learning rate);
/// epochs count from 0.
class LearningRateScheduler : public Callback {
 public:
  explicit LearningRateScheduler(std::function<double(int, double)> schedule, int verbose = 0)
      : schedule_(std::move(schedule)), verbose_(verbose) {}
  void on_epoch_begin(int epoch) override {
    Optimizer optimizer = model().optimizer();
    const double rate = schedule_(epoch, optimizer.learning_rate());
    optimizer.set_learning_rate(rate);
    if (verbose_ > 0)
      std::cout << "Epoch " << epoch + 1 << ": LearningRateScheduler setting learning rate to "
                << rate << ".\n";
  }

 private:
  std::function<double(int, double)> schedule_;
  int verbose_;
};

/// The functions that a LambdaCallback calls; those not given are skipped.
struct LambdaCallbackOptions {
  std::function<void()> on_train_begin = {};
  std::function<void(const Logs&)> on_train_end = {};
  std::function<void(int)> on_epoch_begin = {};
  std::function<void(int, const Logs&)> on_epoch_end = {};
  std::function<void(int64_t)> on_train_batch_begin = {};
  std::function<void(int64_t, const Logs&)> on_train_batch_end = {};
};

/// A callback of functions: LambdaCallback({.on_epoch_end = [](int epoch, const Logs& logs) { }}).
class LambdaCallback : public Callback {
 public:
  explicit LambdaCallback(LambdaCallbackOptions options) : call_(std::move(options)) {}
  TEMPO_OPTIONS(explicit LambdaCallback, LambdaCallbackOptions);
  void on_train_begin() override {
    if (call_.on_train_begin) call_.on_train_begin();
  }
  void on_train_end(const Logs& logs) override {
    if (call_.on_train_end) call_.on_train_end(logs);
  }
  void on_epoch_begin(int epoch) override {
    if (call_.on_epoch_begin) call_.on_epoch_begin(epoch);
  }
  void on_epoch_end(int epoch, const Logs& logs) override {
    if (call_.on_epoch_end) call_.on_epoch_end(epoch, logs);
  }
  void on_train_batch_begin(int64_t batch) override {
    if (call_.on_train_batch_begin) call_.on_train_batch_begin(batch);
  }
  void on_train_batch_end(int64_t batch, const Logs& logs) override {
    if (call_.on_train_batch_end) call_.on_train_batch_end(batch, logs);
  }

 private:
  LambdaCallbackOptions call_;
};

}  // namespace tempo
