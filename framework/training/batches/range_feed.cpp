// SPDX-License-Identifier: Apache-2.0
// Walks through a range of batches on a thread that runs ahead of training.
#include "training/batches/range_feed.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <tempo/gradient.hpp>

#include "tensor/process_lock.hpp"
#include "training/batches/class_weight.hpp"

namespace tempo {

class Prefetch {
 public:
  /// At least `asked_for` batches will be read. Any further batch is made when it is asked for.
  Prefetch(BatchRange::Source& source, GeneratorState& generator, std::size_t ahead,
           int64_t asked_for)
      : source_(source),
        generator_(generator),
        ahead_(ahead),
        asked_for_(asked_for),
        thread_([this] { run(); }) {}
  ~Prefetch() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  /// Whether this process began the thread. If not, the state shared with the thread is as it was
  /// at the fork, perhaps locked, and is not touched.
  bool has_thread() const { return made_after_ == forks(); }

  /// The next batch. An exception of the range is rethrown in its place among the batches.
  std::optional<Batch> next() {
    if (!has_thread())
      throw Error(
          "this process was forked while batches were made ahead, by a thread that only its parent "
          "has.\n  Use .prefetch = 0 where a callback or a range forks and the child goes on.");
    std::unique_lock lock(mutex_);
    if (++given_ > asked_for_) {
      asked_for_ = given_;
      changed_.notify_all();
    }
    changed_.wait(lock, [this] { return !made_.empty(); });
    const Made first = made_.front();
    // The end and an exception stay in the queue, so that later calls get them again.
    if (first.batch) made_.pop_front();
    lock.unlock();
    changed_.notify_all();
    if (first.thrown) std::rethrow_exception(first.thrown);
    return first.batch;
  }

 private:
  struct Made {
    std::optional<Batch> batch;
    std::exception_ptr thrown;
  };

  void run() {
    const NoGradient off;
    const OwnGenerator own(generator_);
    int64_t number = 0;
    for (bool more = true; more; ++number) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock,
                      [&] { return stop_ || (made_.size() < ahead_ && number < asked_for_); });
        if (stop_) return;
      }
      Made made;
      try {
        made.batch = source_.next();
      } catch (...) {
        made.thrown = std::current_exception();
      }
      more = made.batch.has_value();
      {
        const std::lock_guard lock(mutex_);
        made_.push_back(std::move(made));
      }
      changed_.notify_all();
    }
  }

  BatchRange::Source& source_;
  GeneratorState& generator_;
  std::size_t ahead_;
  int64_t asked_for_, given_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Made> made_;
  bool stop_ = false;
  const int made_after_ = forks();
  std::thread thread_;  // the last member, as it reads the others
};

RangeFeed::RangeFeed(const std::string& who, const std::string& name, const BatchRange& range,
                     int epochs, const Options& options)
    : who_(who),
      name_(name),
      range_(range),
      walk_(who, name, *range.source()),
      options_(options),
      epochs_(epochs),
      later_epochs_(epochs) {
  if (options.prefetch < 0)
    throw Error(who + ": prefetch is " + std::to_string(options.prefetch) +
                "; it must be at least 0, the number of batches that are made ahead.");
  require_steps(who, options.steps_per_epoch);
  // Batches made ahead must not be lost if the next epoch cannot make them again.
  if (options_.most > 0 && !range.source()->restarts())
    options_.steps_per_epoch = std::exchange(options_.most, 0);
  const int64_t size = range.source()->size();
  steps_ = options_.steps_per_epoch;
  if (steps_ == 0 && size > 0) steps_ = options_.most > 0 ? std::min(options_.most, size) : size;
  if (epochs > 1 && options_.steps_per_epoch == 0 && !range.source()->begins_again())
    throw Error(who + ": " + name + " can be walked through once, and there are " +
                std::to_string(epochs) +
                " epochs.\n  Set steps_per_epoch, which spreads one walk over them; or give a "
                "range that begins again, a std::vector or a function.");
}

RangeFeed::~RangeFeed() = default;

void RangeFeed::DeleteWithThread::operator()(Prefetch* ahead) const {
  if (ahead->has_thread()) delete ahead;
}

void RangeFeed::begin_epoch(int epoch) {
  epoch_ = epoch;
  --later_epochs_;
  place_.batch = 0;
  if (options_.steps_per_epoch == 0 || !begun_) begin_round(epoch);
}

// The number of batches that will still be asked for.
int64_t RangeFeed::to_come() const {
  const int64_t steps = options_.steps_per_epoch, epochs = std::max(0, later_epochs_) + int64_t{1};
  if (steps == 0 || steps > INT64_MAX / epochs) return INT64_MAX;
  return steps * epochs - place_.batch;
}

// Runs on the caller's thread: a range that shuffles draws its order here, at the same place among
// the random numbers each time. `done` batches of this round are done already.
void RangeFeed::begin_round(int64_t round, int64_t done) {
  ahead_.reset();
  place_.round = round;
  place_.at = 0;
  place_.generator = generator_state();
  // No two rounds draw the same numbers, even if the global generator stands still between them.
  generator_ = beside_generator();
  generator_.stream += (2 * round + (options_.validates ? 1 : 0)) << 32;
  begun_ = true;
  try {
    range_.source()->begin(round);
  } catch (...) {
    explain(std::current_exception());
  }
  if (options_.prefetch > 0)
    ahead_.reset(new Prefetch(*range_.source(), generator_,
                              static_cast<std::size_t>(options_.prefetch),
                              to_come() > INT64_MAX - done ? INT64_MAX : to_come() + done));
}

std::optional<Batch> RangeFeed::take() {
  try {
    if (ahead_) return ahead_->next();
    const NoGradient off;
    const OwnGenerator own(generator_);
    return range_.source()->next();
  } catch (...) {
    explain(std::current_exception());
  }
}

std::string RangeFeed::number() const {
  return "batch " + std::to_string(place_.batch + 1) + " of epoch " + std::to_string(epoch_ + 1);
}

void RangeFeed::explain(const std::exception_ptr& thrown) const {
  const std::string begin = who_ + ": " + name_ + " threw at " + number() + ": ";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    std::throw_with_nested(Error(begin + error.what()));
  } catch (...) {
    std::throw_with_nested(Error(begin + "something that is no std::exception"));
  }
}

std::optional<Dataset> RangeFeed::next() {
  const bool own_steps = options_.steps_per_epoch > 0;
  if ((own_steps && place_.batch == options_.steps_per_epoch) ||
      (options_.most > 0 && place_.batch == options_.most)) {
    if (later_epochs_ == 0) require_class_found();
    return {};
  }
  std::optional<Batch> batch = take();
  if (!batch && place_.at > 0) require_class_found();
  if (!batch && place_.batch > 0 && !own_steps) return {};
  if (!batch && own_steps && place_.at > 0 && range_.source()->begins_again()) {
    begin_round(place_.round + 1);
    batch = take();
  }
  if (!batch && own_steps && place_.at > 0)
    throw Error(who_ + ": " + name_ + " ended before " + number() + ", which needs " +
                std::to_string(options_.steps_per_epoch) +
                " (steps_per_epoch).\n  It can be walked through once: set fewer steps or epochs, "
                "or give a range that begins again.");
  if (!batch)
    throw Error(who_ + ": " + name_ + " gave no batch in epoch " + std::to_string(epoch_ + 1) +
                ".\n  An epoch ends with the range. A range must begin again in each epoch, and a "
                "function after it gave std::nullopt; or set steps_per_epoch.");
  ++place_.at;
  const Dataset data = checked(*batch);
  ++place_.batch;
  return data;
}

void RangeFeed::require_class_found() const {
  if (!options_.class_weight.empty() && !class_found_) no_class_found(who_ + ", " + name_);
}

Dataset RangeFeed::checked(const Batch& batch) {
  Dataset data{batch.x, batch.y, batch.sample_weight};
  data.name_of_y = number() + ", y";
  const std::string who = who_ + ", " + name_ + ", " + number();
  require_samples(who, data, options_.with_truth);
  require_weights(who, data.weight);
  data.places = batch.places;
  if (!data.places.empty() && static_cast<int64_t>(data.places.size()) != data.count())
    throw Error(who + ": it has " + std::to_string(data.count()) + " samples and " +
                std::to_string(data.places.size()) + " places; each sample has one, or none has.");
  if (size_of_first_ == 0) size_of_first_ = data.count();
  if (!options_.stateful.empty() && data.count() != size_of_first_)
    throw Error(
        who + ": `" + options_.stateful + "` is stateful, and this batch has " +
        std::to_string(data.count()) + " samples, the first one " + std::to_string(size_of_first_) +
        ".\n  It keeps a state for each sequence of a batch: leave out the smaller batch, or "
        "give batches of one size.");
  if (!options_.class_weight.empty())
    data.weight = sample_weight_of(who, data, options_.class_weight, &class_found_);
  return data;
}

void RangeFeed::go_to(int epoch, const Place& place) {
  epoch_ = epoch;
  later_epochs_ = options_.first_epoch + epochs_ - 1 - epoch;
  place_.batch = place.batch;
  class_found_ = true;  // the batches before the backup may have held them
  const GeneratorState now = generator_state();
  restore_generator(place.generator);
  begin_round(place.round, place.at);
  restore_generator(now);
  const GeneratorState of_order = place.generator;
  while (place_.at < place.at) {
    if (!take())
      throw Error(who_ + ": the backup was made after batch " + std::to_string(place.at) + " of " +
                  name_ + ", which has " + std::to_string(place_.at) +
                  ".\n  It is of other data; remove it to begin anew.");
    ++place_.at;
  }
  place_ = place;
  place_.generator = of_order;
}

}  // namespace tempo
