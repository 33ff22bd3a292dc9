// SPDX-License-Identifier: Apache-2.0
// The callbacks that come with Tempo: saving, logging, and a learning rate that falls.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

#include <tempo/callbacks.hpp>
#include <tempo/names.hpp>

#include "training/callbacks/monitor.hpp"
#include "training/settings.hpp"

namespace tempo {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// A number in a format such as "{val_loss:.3f}" or "{epoch:02d}"; `format` follows the colon.
std::string formatted(const std::string& who, double value, const std::string& format) {
  if (format.empty()) return sdk::shortest(value);
  const char kind = format.back();
  const std::string size = format.substr(0, format.size() - 1);
  const bool valid = size.size() <= 6 &&
                     size.find_first_not_of("0123456789.") == std::string::npos &&
                     std::count(size.begin(), size.end(), '.') <= (kind == 'd' ? 0 : 1);
  if (!valid || (kind != 'd' && kind != 'f' && kind != 'e' && kind != 'g'))
    throw Error(who + ": `:" + format + "` is no format; there are :02d and :.3f.");
  char room[400];
  if (kind == 'd')
    std::snprintf(room, sizeof room, ("%" + size + "lld").c_str(), std::llround(value));
  else
    std::snprintf(room, sizeof room, ("%" + size + kind).c_str(), value);
  return room;
}

std::string filled_in(const std::string& who, const std::string& pattern, int epoch, int64_t batch,
                      const Logs& logs) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t open = std::min(pattern.find('{', at), pattern.size());
    out += pattern.substr(at, open - at);
    if (open == pattern.size()) break;
    const std::size_t close = pattern.find('}', open);
    if (close == std::string::npos)
      throw Error(who + ": a brace of `" + pattern + "` is not closed.");
    const std::string inside = pattern.substr(open + 1, close - open - 1);
    const std::size_t colon = std::min(inside.find(':'), inside.size());
    const std::string name = inside.substr(0, colon);
    const double value = name == "epoch"   ? epoch + 1
                         : name == "batch" ? static_cast<double>(batch + 1)
                                           : logs[name];
    out += formatted(who, value, colon < inside.size() ? inside.substr(colon + 1) : "");
    at = close + 1;
  }
  return out;
}

struct Checkpoint final : Callback {
  explicit Checkpoint(const ModelCheckpointOptions& o)
      : options(o), monitor("ModelCheckpoint", o.monitor, o.mode) {
    if (o.filepath.empty()) throw Error("ModelCheckpoint: no filepath was given.");
    require_frequency("ModelCheckpoint: save_freq", o.save_freq);
    if (o.initial_value_threshold && std::isnan(*o.initial_value_threshold))
      throw Error("ModelCheckpoint: initial_value_threshold is NaN; it must be a number.");
  }
  void on_epoch_begin(int e) override { epoch = e; }
  void on_train_batch_end(int64_t batch, const Logs& logs) override {
    last_batch = batch;
    if (options.save_freq.is_epoch()) return;
    if (++since_saved < options.save_freq.batches()) return;
    since_saved = 0;
    save(batch, logs, options.save_best_only ? monitor.value(logs) : 0);
  }
  void on_epoch_end(int, const Logs& logs) override {
    if (!options.save_freq.is_epoch()) return;
    const std::optional<double> now = options.save_best_only ? monitor.of_epoch(logs, params()) : 0;
    if (now) save(params().steps > 0 ? params().steps - 1 : last_batch, logs, *now);
  }
  // `now` is the value of the monitored number, for save_best_only.
  void save(int64_t batch, const Logs& logs, double now) {
    std::string why;
    if (options.save_best_only) {
      const int direction = monitor.direction(model());
      if (!best) best = options.initial_value_threshold.value_or(-direction * infinity);
      if (!improves(direction, now, *best, 0)) {
        say(options.monitor + " did not improve from " + sdk::shortest(*best) + ".");
        return;
      }
      why = options.monitor + " improved from " + sdk::shortest(*best) + " to " +
            sdk::shortest(now) + ", ";
      best = now;
    }
    const std::string path = filled_in("ModelCheckpoint", options.filepath, epoch, batch, logs);
    say(why + "saving model to " + path + ".");
    if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty())
      make_folder("ModelCheckpoint", folder.string());
    options.save_weights_only ? model().save_weights(path) : model().save(path);
  }
  void say(const std::string& what) const {
    if (options.verbose > 0) std::cout << "Epoch " << epoch + 1 << ": " << what << "\n";
  }
  ModelCheckpointOptions options;
  Monitor monitor;
  std::optional<double> best;
  int epoch = 0;
  int64_t since_saved = 0, last_batch = 0;
};

struct Plateau final : Callback {
  explicit Plateau(const ReduceLROnPlateauOptions& o)
      : options(o), monitor("ReduceLROnPlateau", o.monitor, o.mode) {
    const SettingsCheck range("ReduceLROnPlateau");
    range("factor", o.factor, {.at_least = 0, .below = 1});
    range("patience", o.patience, {.at_least = 0});
    range("min_delta", o.min_delta, {.at_least = 0});
    range("cooldown", o.cooldown, {.at_least = 0});
    range("min_lr", o.min_lr, {.at_least = 0});
  }
  void on_train_begin() override {
    wait = cooling = 0;
    best.reset();
  }
  void on_epoch_end(int epoch, const Logs& logs) override {
    const std::optional<double> logged = monitor.of_epoch(logs, params());
    if (!logged) return;
    const double now = *logged;
    const int direction = monitor.direction(model());
    if (cooling > 0) {
      --cooling;
      wait = 0;
    }
    if (improves(direction, now, best.value_or(-direction * infinity), options.min_delta)) {
      best = now;
      wait = 0;
    } else if (cooling == 0 && ++wait >= options.patience) {
      reduce(epoch);
    }
  }
  void reduce(int epoch) {
    Optimizer optimizer = model().optimizer();
    const double before = optimizer.learning_rate();
    if (before <= options.min_lr) return;
    const double after = std::max(before * options.factor, options.min_lr);
    optimizer.set_learning_rate(after);
    if (options.verbose > 0)
      std::cout << "Epoch " << epoch + 1 << ": ReduceLROnPlateau reducing learning rate to "
                << sdk::shortest(after) << ".\n";
    cooling = options.cooldown;
    wait = 0;
  }
  ReduceLROnPlateauOptions options;
  Monitor monitor;
  int wait = 0, cooling = 0;
  std::optional<double> best;
};

struct CSV final : Callback {
  explicit CSV(const CSVLoggerOptions& o) : options(o) {
    if (o.filename.empty()) throw Error("CSVLogger: no filename was given.");
  }
  void on_train_begin() override {
    std::error_code none;
    header.clear();
    const bool goes_on =
        options.append && std::filesystem::file_size(options.filename, none) > 0 && !none;
    if (goes_on) std::getline(std::ifstream(options.filename), header);
    file = std::ofstream(options.filename, goes_on ? std::ios::app : std::ios::trunc);
    names.clear();
    require_written();
  }
  void on_epoch_end(int epoch, const Logs& logs) override {
    if (names.empty()) {
      for (const auto& [name, value] : logs) names.push_back(name);
      // The first epoch may be one without validation: a val_ column is added for each number.
      const bool validated = std::any_of(names.begin(), names.end(), [](const std::string& name) {
        return name.starts_with("val_");
      });
      if (params().validates && !validated)
        for (const auto& [name, value] : logs) names.push_back("val_" + name);
      std::sort(names.begin(), names.end());
      std::string now = "epoch";
      for (const std::string& name : names) now += options.separator + name;
      if (header.empty())
        file << now << "\n";
      else if (header != now)
        throw Error("CSVLogger: " + options.filename + " has the columns `" + header +
                    "`, and this training logs `" + now +
                    "`.\n  Give another filename, or .append = false, which begins the file anew.");
    }
    file << epoch;
    for (const std::string& name : names) {
      const double* const value = logs.find(name);
      file << options.separator << (value ? sdk::shortest(*value) : "NA");
    }
    file << "\n" << std::flush;
    require_written();
  }
  void on_train_end(const Logs&) override { file.close(); }
  void require_written() const {
    if (!file) throw Error("CSVLogger: " + options.filename + " cannot be written.");
  }
  CSVLoggerOptions options;
  std::ofstream file;
  std::string header;  // of the file that is continued
  std::vector<std::string> names;
};

}  // namespace

Frequency::Frequency(const std::string& text) : batches_(text == "batch" ? 1 : epochs) {
  if (text != "batch" && text != "epoch")
    unknown_name("frequency", "kind", text, {"epoch", "batch"});
}

void make_folder(const std::string& who, const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    throw Error(who + ": the folder " + folder + " cannot be made: " + failed.message() + ".");
}

void require_frequency(const std::string& who, const Frequency& frequency) {
  if (frequency.is_epoch() || frequency.batches() >= 1) return;
  throw Error(who + " is " + std::to_string(frequency.batches()) +
              "; it must be \"epoch\", or a number of batches of at least 1.");
}

ModelCheckpoint::ModelCheckpoint(const ModelCheckpointOptions& options)
    : callback_(std::make_shared<Checkpoint>(options)) {}
ReduceLROnPlateau::ReduceLROnPlateau(const ReduceLROnPlateauOptions& options)
    : callback_(std::make_shared<Plateau>(options)) {}
CSVLogger::CSVLogger(const CSVLoggerOptions& options) : callback_(std::make_shared<CSV>(options)) {}

}  // namespace tempo
