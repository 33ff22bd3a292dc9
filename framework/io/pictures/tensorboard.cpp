// SPDX-License-Identifier: Apache-2.0
// TensorBoard's callback: writes the logs of a training as events.
#include <chrono>
#include <filesystem>
#include <optional>

#include <tempo/callbacks.hpp>

#include "io/pictures/event_file.hpp"
#include "training/callbacks/monitor.hpp"

namespace tempo {

namespace {

struct Board final : Callback {
  explicit Board(const TensorBoardOptions& o) : options(o) {
    if (o.log_dir.empty()) throw Error("TensorBoard: no log_dir was given.");
    if (o.histogram_freq < 0)
      throw Error("TensorBoard: histogram_freq is " + std::to_string(o.histogram_freq) +
                  "; it must be a number of epochs, or 0 for no histograms.");
    require_frequency("TensorBoard: update_freq", o.update_freq);
  }
  // Each file is made at the first write into it.
  EventFile& file(std::optional<EventFile>& of, const char* name) {
    if (!of) of.emplace((std::filesystem::path(options.log_dir) / name).string());
    return *of;
  }
  EventFile& train_file() { return file(train, "train"); }
  EventFile& validation_file() { return file(validation, "validation"); }

  void on_train_begin() override { batches = 0; }
  void on_epoch_begin(int) override {
    epoch_began = Clock::now();
    iterations_before = model().optimizer().iterations();
  }
  void on_train_batch_begin(int64_t) override {
    if (writes_batches()) batch_began = Clock::now();
  }
  // Batches are numbered from 1 through all epochs.
  void on_train_batch_end(int64_t, const Logs& logs) override {
    if (!writes_batches() || ++batches % options.update_freq.batches() != 0) return;
    if (options.write_steps_per_second)
      train_file().scalar("batch_steps_per_second", 1 / seconds_since(batch_began), batches);
    for (const auto& [name, value] : logs) train_file().scalar("batch_" + name, value, batches);
    train_file().flush();
  }
  void on_test_end(const Logs& logs) override {
    for (const auto& [name, value] : logs)
      validation_file().scalar("evaluation_" + name + "_vs_iterations", value,
                               model().optimizer().iterations());
    validation_file().flush();
  }
  void on_epoch_end(int epoch, const Logs& logs) override {
    for (const auto& [name, value] : logs)
      if (name.starts_with("val_"))
        validation_file().scalar("epoch_" + name.substr(4), value, epoch);
      else
        train_file().scalar("epoch_" + name, value, epoch);
    const Optimizer optimizer = model().optimizer();
    train_file().scalar("epoch_learning_rate", optimizer.learning_rate(), epoch);
    if (options.write_steps_per_second)
      train_file().scalar("epoch_steps_per_second",
                          static_cast<double>(optimizer.iterations() - iterations_before) /
                              seconds_since(epoch_began),
                          epoch);
    if (options.histogram_freq > 0 && epoch % options.histogram_freq == 0)
      for (const auto& [path, weight] : model().named_weights())
        train_file().histogram(path + "/histogram", weight.to_vector(), epoch);
    train_file().flush();
    if (validation) validation->flush();
  }
  void on_train_end(const Logs&) override {
    train.reset();
    validation.reset();
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool writes_batches() const { return !options.update_freq.is_epoch(); }
  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  TensorBoardOptions options;
  std::optional<EventFile> train, validation;
  int64_t batches = 0, iterations_before = 0;
  Clock::time_point epoch_began{}, batch_began{};
};

}  // namespace

TensorBoard::TensorBoard(const TensorBoardOptions& options)
    : callback_(std::make_shared<Board>(options)) {}

}  // namespace tempo
