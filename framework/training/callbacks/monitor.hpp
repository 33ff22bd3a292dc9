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
  /// Throws Error if nothing of that name was logged.
  double value(const Logs& logs) const;
  /// The value at the end of an epoch; none if the epoch had no validation.
  std::optional<double> of_epoch(const Logs& logs, const FitParams& params) const;
  /// -1: smaller is better; 1: larger. Throws Error if the direction is not known.
  int direction(const Model& model) const;

 private:
  std::string who_, name_, mode_;
};

/// Whether `now` is better than `before` by more than min_delta. NaN never is.
inline bool improves(int direction, double now, double before, double min_delta) {
  return direction < 0 ? now + min_delta < before : now - min_delta > before;
}

/// Makes the folder, and its parent folders, if they do not exist; throws Error if one of them
/// cannot be made.
void make_folder(const std::string& who, const std::string& folder);
/// Throws Error for a frequency below one batch; `who` is "ModelCheckpoint: save_freq".
void require_frequency(const std::string& who, const Frequency& frequency);

}  // namespace tempo
