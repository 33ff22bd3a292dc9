// SPDX-License-Identifier: Apache-2.0
// Batches of a range, made ahead on a thread.
#pragma once

#include <exception>
#include <memory>

#include "ops/defaults.hpp"
#include "training/batches/batch_feed.hpp"

namespace tempo {

/// Makes batches on a thread of its own, before they are asked for.
class Prefetch;

/// While one exists, nothing else walks through this range; throws Error if another walk does.
class Walk {
 public:
  Walk(const std::string& who, const std::string& name, BatchRange::Source& source)
      : source_(source) {
    if (source.walked.test_and_set())
      throw Error(who + ": " + name +
                  " is being walked through already, and a BatchRange stands at one place.\n  Give "
                  "the range that it was made of, or another BatchRange of that.");
  }
  ~Walk() { source_.walked.clear(); }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

 private:
  BatchRange::Source& source_;
};

class RangeFeed final : public BatchFeed {
 public:
  struct Options {
    int64_t prefetch = 2;  // 0: on the caller's thread, when they are asked for
    int64_t steps_per_epoch = 0;
    int64_t most = 0;  // batches in an epoch at most, if the range has more; 0: all
    bool with_truth = true;
    bool validates = false;  // whether it is the validation range of a fit
    ClassWeight class_weight = {};
    int first_epoch = 0;
    std::string stateful = {};  // the name of a layer that needs batches of one size
  };
  /// `epochs` is how often the range will be walked through; `name` is the option it was given as.
  /// Throws Error if the range cannot be walked through that often.
  RangeFeed(const std::string& who, const std::string& name, const BatchRange& range, int epochs,
            const Options& options);
  ~RangeFeed() override;

  int64_t steps() const override { return steps_; }
  void begin_epoch(int epoch) override;
  std::optional<Dataset> next() override;
  const Place& place() const override { return place_; }
  void go_to(int epoch, const Place& place) override;

 private:
  void begin_round(int64_t round, int64_t done = 0);
  int64_t to_come() const;
  std::optional<Batch> take();
  Dataset checked(const Batch& batch);
  void require_class_found() const;
  std::string number() const;
  [[noreturn]] void explain(const std::exception_ptr& thrown) const;

  std::string who_, name_;
  BatchRange range_;
  Walk walk_;
  Options options_;
  int64_t steps_ = 0;
  int epochs_, later_epochs_;  // all epochs; those after the one that runs
  int epoch_ = 0;
  bool begun_ = false, class_found_ = false;
  int64_t size_of_first_ = 0;  // samples in the first batch
  Place place_;
  GeneratorState generator_;  // that the range draws from
  // In a forked child the thread does not exist and cannot be joined: the object is left alone.
  struct DeleteWithThread {
    void operator()(Prefetch* ahead) const;
  };
  std::unique_ptr<Prefetch, DeleteWithThread> ahead_;
};

}  // namespace tempo
