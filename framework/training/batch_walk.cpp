// SPDX-License-Identifier: Apache-2.0
// Walks through samples in batches, and can stand again where a fit stood.
#include "training/batch_walk.hpp"

#include <algorithm>

namespace tempo {

BatchWalk::BatchWalk(const std::string& who, int64_t count, const FitOptions& options)
    : count_(count),
      size_(options.batch_size),
      in_round_(batches_in(count, options.batch_size)),
      steps_(options.steps_per_epoch > 0 ? options.steps_per_epoch : in_round_),
      seed_(options.seed),
      shuffle_(options.shuffle),
      own_steps_(options.steps_per_epoch > 0) {
  if (options.steps_per_epoch < 0)
    throw Error(who + ": steps_per_epoch is " + std::to_string(options.steps_per_epoch) +
                "; it must be at least 1, or 0 for all batches.");
}

void BatchWalk::begin_epoch(int epoch) {
  place_.batch = 0;
  if (!own_steps_ || !begun_) begin_round(epoch);
}

void BatchWalk::begin_round(int64_t round) {
  begun_ = true;
  place_.round = round;
  place_.at = 0;
  if (!shuffle_) return;
  place_.generator = generator_state();
  draw_order();
}

void BatchWalk::draw_order() { order_ = shuffled(count_, seed_, place_.round); }

Dataset BatchWalk::next(const Dataset& samples) {
  if (place_.at == in_round_) begin_round(place_.round + 1);
  const int64_t begin = place_.at * size_, end = std::min(begin + size_, count_);
  ++place_.at;
  ++place_.batch;
  return samples.part(begin, end, shuffle_ ? &order_ : nullptr);
}

void BatchWalk::go_to(const std::string& who, const Place& place) {
  if (place.at > in_round_ || place.batch > steps_)
    throw Error(who + ": the backup was made after batch " + std::to_string(place.batch) +
                " of an epoch, and an epoch has " + std::to_string(steps_) +
                ".\n  It is of other data, or of another batch_size; remove it to begin anew.");
  begun_ = true;
  place_ = place;
  if (!shuffle_) return;
  const GeneratorState now = generator_state();
  restore_generator(place.generator);
  draw_order();
  restore_generator(now);
}

}  // namespace tempo
