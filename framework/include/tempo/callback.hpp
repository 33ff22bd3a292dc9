// SPDX-License-Identifier: Apache-2.0
// Callbacks: user code that fit, evaluate and predict call while they run. History: the numbers
// that fit recorded.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tempo/export.hpp>
#include <tempo/misspelt.hpp>

namespace tempo TEMPO_HIDDEN {

class Model;

/// Numbers by name, in the order they were added: "loss", the metrics, "val_loss", ...
class Logs {
 public:
  using Entry = std::pair<std::string, double>;
  Logs() = default;
  Logs(std::initializer_list<Entry> entries) : entries_(entries) {}

  /// Throws Error, with the names there are, if there is no number of this name.
  TEMPO_API double operator[](const std::string& name) const;
  bool contains(const std::string& name) const { return find(name) != nullptr; }
  /// Null if there is no number of this name.
  const double* find(const std::string& name) const {
    for (const Entry& e : entries_)
      if (e.first == name) return &e.second;
    return nullptr;
  }
  void set(const std::string& name, double value) {
    for (Entry& e : entries_)
      if (e.first == name) return void(e.second = value);
    entries_.emplace_back(name, value);
  }
  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
};

/// "loss: 0.0123 - accuracy: 0.9800"
TEMPO_API std::ostream& operator<<(std::ostream& out, const Logs& logs);

/// The parameters of a fit.
struct FitParams {
  int epochs = 0;
  int64_t steps = 0;       ///< batches in an epoch; 0 if a range does not know before its end
  int64_t batch_size = 0;  ///< 0 if a range makes the batches
  bool validates = false;  ///< whether any epoch has a validation
};

/// The numbers that fit recorded: for each name, one value for each epoch that logged it.
class History {
 public:
  /// `history["loss"].back()`; throws Error, with the names there are, if there is none of this
  /// name.
  TEMPO_API const std::vector<double>& operator[](const std::string& name) const;
  TEMPO_API bool contains(const std::string& name) const;
  /// "loss", the metrics, "val_loss", ... in the order of the logs.
  TEMPO_API std::vector<std::string> names() const;
  /// The numbers of the epochs that ran, counted from 0.
  const std::vector<int>& epochs() const { return epochs_; }
  /// The epochs of this name's values: with .validation_freq, some epochs have no "val_loss".
  /// Throws as [] does.
  TEMPO_API const std::vector<int>& epochs(const std::string& name) const;
  const FitParams& params() const { return params_; }

  explicit History(const FitParams& params = {}) : params_(params) {}
  TEMPO_API void add(int epoch, const Logs& logs);

 private:
  struct Series {
    std::string name;
    std::vector<int> epochs;
    std::vector<double> values;
  };
  const Series* find(const std::string& name) const;
  const Series& series(const std::string& name) const;

  std::vector<Series> series_;
  std::vector<int> epochs_;
  FitParams params_;
};

/// The base of a callback; override what you need. Epochs and batches count from 0. Exceptions pass
/// through fit unchanged. A callback that is listed twice is called once. An inner fit may use a
/// callback of the outer one; when it ends, the callback is attached to the outer fit again.
/// Callbacks are called on the thread of fit, evaluate or predict.
class Callback {
 public:
  Callback() = default;
  Callback(const Callback&) = default;
  Callback& operator=(const Callback&) = default;
  virtual ~Callback() = default;

  virtual void on_train_begin() {}
  virtual void on_train_end(const Logs&) {}
  /// `logs`, here and below, are means over the epoch so far; on_epoch_end also has "val_...".
  virtual void on_epoch_begin(int) {}
  virtual void on_epoch_end(int, const Logs&) {}
  virtual void on_train_batch_begin(int64_t) {}
  virtual void on_train_batch_end(int64_t, const Logs&) {}
  /// Called if the loss, a gradient or a new weight of this batch is NaN or infinite. The weights
  /// are those from before it. True: fit ends in good order; false for all callbacks: fit throws.
  virtual bool on_not_finite(int64_t) { return false; }
  virtual void on_test_begin() {}
  virtual void on_test_end(const Logs&) {}
  virtual void on_test_batch_begin(int64_t) {}
  virtual void on_test_batch_end(int64_t, const Logs&) {}
  virtual void on_predict_begin() {}
  virtual void on_predict_end() {}
  virtual void on_predict_batch_begin(int64_t) {}
  virtual void on_predict_batch_end(int64_t) {}

  /// The model at work: `model().stop_training()`. Valid only inside the functions above; elsewhere
  /// it throws Error.
  Model& model() const {
    if (!model_) not_attached();
    return *model_;
  }
  /// Whether it is attached to a running fit, evaluate or predict.
  bool attached() const { return model_ != nullptr; }
  /// The parameters of the fit.
  const FitParams& params() const { return params_; }
  /// fit, evaluate and predict call it with their model when they begin, and when they end with the
  /// model that it had before, or null.
  virtual void attach(Model* model, const FitParams& params) {
    model_ = model;
    params_ = params;
  }

 private:
  [[noreturn]] TEMPO_API static void not_attached();
  Model* model_ = nullptr;
  FitParams params_;
};

/// One entry of `.callbacks = {...}`: a copy of a callback, or a shared one.
class CallbackHandle {
 public:
  template <std::derived_from<Callback> C>
  CallbackHandle(C callback) : shared_(std::make_shared<C>(std::move(callback))) {}
  template <std::derived_from<Callback> C>
  CallbackHandle(std::shared_ptr<C> callback) : shared_(std::move(callback)) {}
  Callback* operator->() const { return shared_.get(); }

 private:
  std::shared_ptr<Callback> shared_;
};

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;       ///< a smaller change is no improvement; at least 0
  int patience = 0;           ///< epochs without improvement before it stops; at least 0
  int verbose = 0;            ///< 1: prints a message
  std::string mode = "auto";  ///< "min", "max"; "auto" knows losses and metrics
  std::optional<double> baseline = {};
  /// At the end of training, even if an exception ended it. If no value was ever the best, the
  /// weights of the first epoch are restored.
  bool restore_best_weights = false;
  int start_from_epoch = 0;
};

/// Stops training when a logged number no longer improves. NaN is no improvement. This is a handle:
/// after fit it tells what happened.
class EarlyStopping {
 public:
  TEMPO_API EarlyStopping(const EarlyStoppingOptions& options = {});
  TEMPO_OPTIONS(EarlyStopping, EarlyStoppingOptions);
  TEMPO_API operator CallbackHandle() const;

  /// The epoch, from 0, after which it stopped training; 0 if it did not.
  TEMPO_API int stopped_epoch() const;
  TEMPO_API int best_epoch() const;
  /// The best value seen; throws Error if there is none.
  TEMPO_API double best() const;

 private:
  struct Watch;
  std::shared_ptr<Watch> watch_;
};

}  // namespace tempo
