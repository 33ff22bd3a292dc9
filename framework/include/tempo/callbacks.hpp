// SPDX-License-Identifier: Apache-2.0
// Callbacks that come with Tempo, besides EarlyStopping.
#pragma once

#include <functional>
#include <iostream>

#include <tempo/model.hpp>

namespace tempo TEMPO_HIDDEN {

struct ModelCheckpointOptions {
  /// Where to save: "best.tempo", or with the epoch, from 1, and logged numbers in it:
  /// "{epoch:02d}-{val_loss:.3f}.tempo".
  std::string filepath = {};
  std::string monitor = "val_loss";
  int verbose = 0;                 ///< 1: says so
  bool save_best_only = false;     ///< only when `monitor` is better than ever
  bool save_weights_only = false;  ///< Model::save_weights in place of Model::save
  std::string mode = "auto";       ///< "min", "max"; "auto" knows losses and metrics
  /// With save_best_only: what the first value must better.
  std::optional<double> initial_value_threshold = {};
};

/// Saves the model at the end of epochs. NaN is never the best.
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
  double factor = 0.1;  ///< below 1: by which the learning rate is multiplied
  int patience = 10;    ///< epochs without improvement before it is
  int verbose = 0;      ///< 1: says so
  std::string mode = "auto";
  double min_delta = 1e-4;  ///< less than this is no improvement
  int cooldown = 0;         ///< epochs after a reduction in which none is counted
  double min_lr = 0;        ///< the least learning rate
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
  bool append = false;  ///< goes on in a file that is there, without another header
};

/// Writes a line per epoch: the epoch, from 0, and the logged numbers in the order of their names.
/// What an epoch lacks is "NA".
class CSVLogger {
 public:
  TEMPO_API CSVLogger(const CSVLoggerOptions& options);
  TEMPO_OPTIONS(CSVLogger, CSVLoggerOptions);
  operator CallbackHandle() const { return callback_; }

 private:
  std::shared_ptr<Callback> callback_;
};

/// Sets the learning rate at the begin of each epoch to schedule(epoch, learning rate of now);
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

/// What LambdaCallback calls, where it is given.
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
