// SPDX-License-Identifier: Apache-2.0
// A logged number that a callback watches, and which way it should go.
#pragma once

#include <optional>
#include <string>

#include <tempo/callbacks.hpp>

namespace tempo {

class Monitor {
 public:
  /// `who` is named in errors; `mode` is "min", "max" or "auto".
  Monitor(std::string who, std::string name, std::string mode);
  /// Throws Error where nothing of that name was logged.
  double value(const Logs& logs) const;
  /// At the end of an epoch: none where that was one without validation.
  std::optional<double> of_epoch(const Logs& logs, const FitParams& params) const;
  /// -1: smaller is better. Throws Error where it is not known.
  int direction(const Model& model) const;

 private:
  std::string who_, name_, mode_;
};

/// Whether `now` betters `before` by more than min_delta. NaN is neither smaller nor larger.
inline bool improves(int direction, double now, double before, double min_delta) {
  return direction < 0 ? now + min_delta < before : now - min_delta > before;
}

/// Makes the folder, and those that it lies in, where they are missing; throws Error where it
/// cannot.
void make_folder(const std::string& who, const std::string& folder);
/// Throws Error for less than a batch; `who` is "ModelCheckpoint: save_freq".
void require_frequency(const std::string& who, const Frequency& frequency);

}  // namespace tempo
