// SPDX-License-Identifier: Apache-2.0
// Which samples make the next batch of a fit, over epochs and rounds through the data.
#pragma once

#include "training/dataset.hpp"

namespace tempo {

inline int64_t batches_in(int64_t count, int64_t size) { return (count - 1) / size + 1; }

class BatchWalk {
 public:
  /// Of so many samples; throws Error where steps_per_epoch is below 0.
  BatchWalk(const std::string& who, int64_t count, const FitOptions& options);
  /// In an epoch.
  int64_t steps() const { return steps_; }
  /// An epoch is a round of its own, unless it has a number of steps.
  void begin_epoch(int epoch);
  Dataset next(const Dataset& samples);
  const Place& place() const { return place_; }
  /// Goes on within an epoch; throws Error where there is no such place.
  void go_to(const std::string& who, const Place& place);

 private:
  void begin_round(int64_t round);
  void draw_order();

  int64_t count_, size_, in_round_, steps_, seed_;
  bool shuffle_, own_steps_, begun_ = false;
  Place place_;
  std::vector<int64_t> order_;
};

}  // namespace tempo
