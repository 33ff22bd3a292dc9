// SPDX-License-Identifier: Apache-2.0
// The source of the batches of fit and evaluate: samples in memory, or a range.
#pragma once

#include "training/models/dataset.hpp"

namespace tempo {

class BatchFeed {
 public:
  virtual ~BatchFeed() = default;
  /// The number of steps in an epoch; 0 if it is not known before the epoch ends.
  virtual int64_t steps() const = 0;
  virtual void begin_epoch(int epoch) = 0;
  /// The next batch; nothing if the epoch has ended.
  virtual std::optional<Dataset> next() = 0;
  /// The place in the data after the latest batch.
  virtual const Place& place() const = 0;
  /// Continues at a place within this epoch; throws Error if it does not exist.
  virtual void go_to(int epoch, const Place& place) = 0;
};

}  // namespace tempo
