// SPDX-License-Identifier: Apache-2.0
// Callbacks on the state of a training: its backups, and the averages of its weights.
#include <filesystem>

#include <tempo/callbacks.hpp>

#include "training/callbacks/monitor.hpp"
#include "training/models/model_state.hpp"

namespace tempo {

namespace {

struct Backup final : Callback {
  explicit Backup(const BackupAndRestoreOptions& o) : options(o) {
    if (o.backup_dir.empty()) throw Error("BackupAndRestore: no backup_dir was given.");
    require_frequency("BackupAndRestore: save_freq", o.save_freq);
  }
  std::string file() const {
    return (std::filesystem::path(options.backup_dir) / "latest.tempo").string();
  }
  void on_train_begin() override {
    since_saved = 0;
    make_folder("BackupAndRestore", options.backup_dir);
    std::error_code unknown;
    if (!std::filesystem::exists(file(), unknown)) return;  // or load reports the file
    model().load(file());
    ModelAccess::state(model()).goes_on = true;
  }
  // The last batch of an epoch is saved when the epoch has ended. If the number of steps is not
  // known, a batch is saved when the next one begins.
  void on_train_batch_begin(int64_t) override {
    if (params().steps == 0 && is_due()) save();
  }
  void on_train_batch_end(int64_t batch, const Logs&) override {
    ++since_saved;
    if (params().steps > 0 && batch + 1 != params().steps && is_due()) save();
  }
  void on_epoch_end(int, const Logs&) override {
    if (options.save_freq.is_epoch() || is_due()) save();
  }
  bool is_due() const {
    return !options.save_freq.is_epoch() && since_saved >= options.save_freq.batches();
  }
  void save() {
    model().save(file());
    since_saved = 0;
  }
  void on_train_end(const Logs&) override {
    if (!options.delete_checkpoint || model().interrupted()) return;
    std::error_code ignored;
    std::filesystem::remove(file(), ignored);
    std::filesystem::remove(options.backup_dir, ignored);  // if nothing else is in it
  }
  BackupAndRestoreOptions options;
  int64_t since_saved = 0;  // batches
};

struct Swap final : Callback {
  explicit Swap(const SwapEMAWeightsOptions& o) : options(o) {}
  void on_epoch_begin(int) override {
    if (options.swap_on_epoch) want(false);
  }
  void on_epoch_end(int, const Logs&) override {
    if (options.swap_on_epoch) want(true);
  }
  void on_test_begin() override { want(true); }
  void on_test_end(const Logs&) override { want(false); }
  void on_predict_begin() override { want(true); }
  void on_predict_end() override { want(false); }
  // Whatever ended the fit: an exception must not leave the averages in place.
  void attach(Model* to, const FitParams& given) override {
    if (!to && attached() && model().optimizer() && model().optimizer().swapped_averages())
      want(false);
    Callback::attach(to, given);
  }
  void want(bool averages) {
    Optimizer optimizer = model().optimizer();
    if (!optimizer || !optimizer.has_averages())
      throw Error(
          "SwapEMAWeights: the optimizer keeps no averages.\n  Make it with .use_ema = true: "
          "Adam({.use_ema = true}).");
    if (optimizer.swapped_averages() != averages)
      optimizer.swap_averages(model().trainable_weights());
  }
  SwapEMAWeightsOptions options;
};

}  // namespace

BackupAndRestore::BackupAndRestore(const BackupAndRestoreOptions& options)
    : callback_(std::make_shared<Backup>(options)) {}
SwapEMAWeights::SwapEMAWeights(const SwapEMAWeightsOptions& options)
    : callback_(std::make_shared<Swap>(options)) {}

}  // namespace tempo
