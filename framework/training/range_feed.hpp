// SPDX-License-Identifier: Apache-2.0
// Batches of a range, made ahead on a thread.
#pragma once

#include <exception>
#include <memory>

#include "ops/defaults.hpp"
#include "training/batch_feed.hpp"

namespace tempo {

/// Makes batches on a thread of its own, so many before they are asked for.
class Prefetch;

class RangeFeed final : public BatchFeed {
 public:
  struct Options {
    int64_t prefetch = 2;  // 0: on the caller's thread, when they are asked for
    int64_t steps_per_epoch = 0;
    int64_t most = 0;  // batches in an epoch, where the range may have more; 0: all
    bool with_truth = true;
    bool validates = false;  // beside the range of a fit
    ClassWeight class_weight = {};
  };
  /// `epochs` is how often it will be walked through; `name` is what the user gave it as. Throws
  /// Error where it cannot be so often.
  RangeFeed(const std::string& who, const std::string& name, const BatchRange& range, int epochs,
            const Options& options);
  ~RangeFeed() override;

  int64_t steps() const override { return steps_; }
  void begin_epoch(int epoch) override;
  std::optional<Dataset> next() override;
  const Place& place() const override { return place_; }
  void go_to(const Place& place) override;

 private:
  void begin_round(int64_t round);
  std::optional<Batch> take();
  Dataset checked(const Batch& batch) const;
  std::string number() const;
  [[noreturn]] void explain(const std::exception_ptr& thrown) const;

  std::string who_, name_;
  BatchRange range_;
  Options options_;
  int64_t steps_ = 0;
  int epoch_ = 0;
  bool begun_ = false;
  Place place_;
  GeneratorState generator_;  // of what the range draws
  std::unique_ptr<Prefetch> ahead_;
};

}  // namespace tempo
