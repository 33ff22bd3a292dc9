// SPDX-License-Identifier: Apache-2.0
// Chooses the samples of each batch of a fit, over epochs and rounds through the data.
#pragma once

#include "training/batches/batch_feed.hpp"

namespace tempo {

inline int64_t batches_in(int64_t count, int64_t size) { return (count - 1) / size + 1; }

/// Batches of samples that are in memory.
class BatchWalk final : public BatchFeed {
 public:
  struct Order {
    int64_t batch_size;
    bool shuffle = false;
    int64_t seed = -1;
    int64_t steps_per_epoch = 0;
  };
  /// Throws Error if steps_per_epoch is below 0.
  BatchWalk(const std::string& who, const Dataset& samples, const Order& order);
  int64_t steps() const override { return steps_; }
  /// Each epoch is a round of its own, unless steps_per_epoch is set.
  void begin_epoch(int epoch) override;
  std::optional<Dataset> next() override;
  const Place& place() const override { return place_; }
  void go_to(int epoch, const Place& place) override;

 private:
  void begin_round(int64_t round);
  void draw_order();

  std::string who_;
  Dataset samples_;
  int64_t count_, size_, in_round_, steps_, seed_;
  bool shuffle_, own_steps_, begun_ = false;
  Place place_;
  std::vector<int64_t> order_;
};

}  // namespace tempo
