// SPDX-License-Identifier: Apache-2.0
// The source of the batches of fit and evaluate: samples in memory, or a range.
#pragma once

#include "training/models/dataset.hpp"

namespace tempo {

class BatchFeed {
 public:
  virtual ~BatchFeed() = default;
  /// In an epoch; 0: that is not known before its end.
  virtual int64_t steps() const = 0;
  virtual void begin_epoch(int epoch) = 0;
  /// Nothing where the epoch has ended.
  virtual std::optional<Dataset> next() = 0;
  /// Where it stands.
  virtual const Place& place() const = 0;
  /// Goes on within this epoch; throws Error where there is no such place.
  virtual void go_to(int epoch, const Place& place) = 0;
};

}  // namespace tempo
