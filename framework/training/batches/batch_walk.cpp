// SPDX-License-Identifier: Apache-2.0
// Walks through samples in batches, and can return to the place where a fit stood.
#include "training/batches/batch_walk.hpp"

#include <algorithm>

namespace tempo {

BatchWalk::BatchWalk(const std::string& who, const Dataset& samples, const Order& order)
    : who_(who),
      samples_(samples),
      count_(samples.count()),
      size_(order.batch_size),
      in_round_(batches_in(count_, size_)),
      steps_(order.steps_per_epoch > 0 ? order.steps_per_epoch : in_round_),
      seed_(order.seed),
      shuffle_(order.shuffle),
      own_steps_(order.steps_per_epoch > 0) {
  require_steps(who, order.steps_per_epoch);
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

std::optional<Dataset> BatchWalk::next() {
  if (place_.batch == steps_) return {};
  if (place_.at == in_round_) begin_round(place_.round + 1);
  const int64_t begin = place_.at * size_, end = std::min(begin + size_, count_);
  ++place_.at;
  ++place_.batch;
  return samples_.part(begin, end, shuffle_ ? &order_ : nullptr);
}

void BatchWalk::go_to(int, const Place& place) {
  if (place.at > in_round_ || place.batch > steps_)
    throw Error(who_ + ": the backup was made after batch " + std::to_string(place.batch) +
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
