// SPDX-License-Identifier: Apache-2.0
// The progress output of fit and evaluate: a bar on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>

#include <tempo/callback.hpp>

namespace tempo {

/// "0.0123", or "1.2300e-05" if four decimals would show 0, as Keras prints numbers.
std::string short_number(double value);

class Progress {
 public:
  /// `verbose` as in FitOptions; 0 steps: the number is unknown before the end of the first epoch.
  Progress(int verbose, int64_t steps);

  /// `epochs` 0: no epochs are counted.
  void begin_epoch(int epoch, int epochs);
  void batch(int64_t done, const Logs& logs);
  void end_epoch(const Logs& logs);
  /// Ends the line within an epoch, so that the next output begins a new one.
  void leave() const;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(int64_t done, const Logs& logs);
  double seconds_since(Clock::time_point begin) const;
  double seconds_a_step(int64_t done) const;

  enum class Style { silent, bar, lines } style_;
  int64_t steps_, done_ = 0;  // done in this epoch
  Clock::time_point began_{}, drawn_{}, after_first_{};
  std::size_t width_ = 0;  // columns of the line on the screen
};

}  // namespace tempo
