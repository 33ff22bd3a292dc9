// SPDX-License-Identifier: Apache-2.0
// Cuts sequences along time, and checks that a model gives the same results for pieces as for the
// whole.
#include "training/fit/truncation.hpp"

#include <algorithm>
#include <cmath>

#include <tempo/ops.hpp>

#include "ops/defaults.hpp"
#include "training/fit/interrupt.hpp"
#include "training/models/kept_state.hpp"

namespace tempo {

namespace {

using Outputs = std::vector<CarriedStates::Output>;

constexpr int64_t tried_steps = 16, tried_samples = 8;

const char* const leave_out =
    "All but the recurrent layers must work step by step. Leave truncate out; .recompute = true "
    "of a recurrent layer saves its memory and keeps the whole gradient.";

Tensor steps_of(const Tensor& t, int64_t begin, int64_t end) { return slice(t, 1, begin, end); }

// The last step that counts, for each sample of x; 0 if none does.
Tensor last_steps(const Tensor& x) {
  const Tensor mask = mask_of(x);
  const int64_t n = x.shape()[0], time = x.shape()[1];
  if (!mask || mask.rank() < 2) return full({n}, static_cast<double>(time - 1), int64);
  const Tensor number = arange(0, static_cast<double>(time), 1, int64);
  return max(where(mask, number, zeros_like(number)), 1);
}

bool any(const Tensor& which) { return max(cast(which, int32)).item() > 0; }

// The number of losses of this output that count: of steps, or of samples.
double counted(const Tensor& y_pred, bool at_each_step) {
  const Shape& shape = y_pred.shape();
  const auto all = static_cast<double>(at_each_step ? shape[0] * shape[1] : shape[0]);
  const Tensor mask = mask_of(y_pred);
  return mask ? all * mean(cast(mask, float64)).item() : all;
}

// Whether results differ by more than rounding. NaN or infinity in both places is equal.
bool differ(const Tensor& given_a, const Tensor& given_b) {
  if (given_a.shape() != given_b.shape()) return true;
  const std::vector<double> a = cast(given_a, float64).to_vector(),
                            b = cast(given_b, float64).to_vector();
  double largest = 0;
  for (const double value : a)
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isfinite(a[i]) != std::isfinite(b[i])) return true;
    if (std::isfinite(a[i]) && std::abs(a[i] - b[i]) > 1e-4 * largest + 1e-9) return true;
  }
  return false;
}

// Compares the whole with the steps of all pieces side by side; without steps, with the last piece.
// Inside other layers the first axis may hold steps instead of samples: then nothing is compared.
bool gives_another(const Tensor& whole, const Tensors& pieces, int64_t samples) {
  int64_t steps = 0;
  if (whole.rank() == 0 || whole.shape()[0] != samples) return false;
  for (const Tensor& piece : pieces) steps += piece.rank() < 2 ? 0 : piece.shape()[1];
  if (whole.rank() >= 2 && steps == whole.shape()[1]) return differ(whole, concat(pieces, 1));
  return differ(whole, pieces.back());
}

}  // namespace

void Truncation::refuse(const std::string& what, const std::string& fix) const {
  throw Error(who_ + ": truncate is " + std::to_string(steps_) + ", and " + what + ".\n  " + fix);
}

int64_t Truncation::time_of(const Dataset& batch) const {
  const Shape& x = batch.x[0].shape();
  if (x.rank() < 2)
    refuse("x is " + to_string(x) + ", which has no time axis",
           "It cuts sequences, [batch, time, ...], along time.");
  return x[1];
}

Dataset Truncation::piece_of(const Dataset& batch, int64_t begin, int64_t end) const {
  const int64_t time = time_of(batch);
  Dataset piece = batch;
  piece.first_step = begin;
  const auto cut = [&](Tensor& t) {
    if (has_time(t, time)) t = steps_of(t, begin, end);
  };
  for (Tensor& t : piece.x) cut(t);
  if (!at_each_step_) return piece;
  for (Tensor& t : piece.y) cut(t);
  if (piece.weight) cut(piece.weight);
  return piece;
}

void Truncation::operator()(const Dataset& given, Tracker& tracker, int epoch, int64_t number) {
  const Dataset batch = finite_where_none_counts(model_, given);
  if (steps_ > 0 && time_of(batch) > steps_) {
    if (!tried_) try_out(batch);
    tried_ = true;
    update_by_pieces(batch, tracker, epoch, number);
    return;
  }
  const Scored scored = update_(batch, epoch, number);
  tracker.add(who_, batch, scored.y_pred, scored.loss.item(), scored.losses);
}

// If sequences have a loss at their end, the last piece has full length. Pieces in which no
// sequence ends only carry the states on.
void Truncation::update_by_pieces(const Dataset& batch, Tracker& tracker, int epoch,
                                  int64_t number) {
  const int64_t time = time_of(batch);
  const Tensor last = at_each_step_ ? Tensor{} : last_steps(batch.x[0]);
  CarriedStates carried;
  double all = 0, loss = 0;
  std::vector<double> losses(batch.y.size());
  int64_t end = at_each_step_ ? steps_ : (time - 1) % steps_ + 1;
  for (int64_t begin = 0; begin < time; begin = end, end = std::min(end + steps_, time)) {
    if (Interruptible::requested()) break;
    Dataset piece = piece_of(batch, begin, end);
    piece.carried = &carried;
    if (last) {
      piece.ends = logical_and(last >= static_cast<double>(begin), last < static_cast<double>(end));
      if (!any(piece.ends)) {
        piece.ends = {};
        const NoGradient on_the_way;
        called(model_, piece, true);
        continue;
      }
    }
    const Scored scored = update_(piece, epoch, number);
    tracker.add_to_metrics(who_, piece, scored.y_pred);
    const double n = counted(scored.y_pred[0], at_each_step_);
    const std::vector<double> each = numbers_of(scored.losses);
    all += n;
    if (n > 0) loss += n * scored.loss.item();
    for (std::size_t i = 0; i < each.size(); ++i) losses[i] += n * each[i];
  }
  for (double& each : losses) each /= std::max(all, 1.0);
  tracker.add_losses(batch.count(), loss / std::max(all, 1.0), losses);
}

// Runs without masks, so that all steps are compared. The random generator is put back to where it
// stood.
void Truncation::try_out(const Dataset& batch) {
  for (const Output& of : model_.objective.outputs())
    if (of.loss && of.loss.of_whole_sequences())
      refuse("the loss `" + of.loss.name() + "` takes a sequence as a whole", leave_out);
  const int64_t step = std::min(steps_, tried_steps);
  const int64_t end = std::min(time_of(batch), 2 * step);
  Dataset few = batch.part(0, std::min(batch.count(), tried_samples));
  few.weight = {};
  few.y = {};
  few = piece_of(few, 0, end);
  for (Tensor& x : few.x) x = with_mask(x, {});
  const auto run = [&](CarriedStates& carried, const Dataset& part, Outputs& outputs) {
    const CarriedStates::Call call(carried, part.count(), part.x[0].shape()[1], &outputs);
    Tensors results = model_.call(part.x, {});
    for (const Tensor& y : results) outputs.push_back({"", y});
    return results;
  };

  build(few);
  const NoGradient trying;
  const GeneratorState before = generator_state();
  Tensors whole, piece;
  Outputs of_whole;
  std::vector<Outputs> of_pieces(2);
  CarriedStates carried;
  whole = with_states_apart(handle_, [&] { return run(carried, few, of_whole); });
  if (!carried.backwards().empty())
    refuse("`" + carried.backwards() + "` runs from the last step to the first", leave_out);
  try {
    with_states_apart(handle_, [&] {
      CarriedStates from_the_start;
      piece = run(from_the_start, piece_of(few, 0, step), of_pieces[0]);
      run(from_the_start, piece_of(few, step, end), of_pieces[1]);
    });
  } catch (const ShapeError& error) {
    refuse(std::string("the model takes no pieces of its sequences: ") + error.what(), leave_out);
  }
  restore_generator(before);
  require_same(of_whole, of_pieces);
  find_time_axes(batch, whole, piece);
  const bool masks = std::any_of(of_whole.begin(), of_whole.end(), [](const auto& output) {
    return static_cast<bool>(mask_of(output.value));
  });
  if (masks && !at_each_step_ && !mask_of(batch.x[0]))
    refuse(
        "y has no time axis, and a layer makes a mask, which tells too late where a sequence "
        "ends",
        "Give x its mask before: with_mask(x, mask), [batch, time], true where a step counts.");
}

// Builds for sequences of any length, so that a refused model is left as it was.
void Truncation::build(const Dataset& few) {
  if (model_.built()) return;
  ModelState::Seen of;
  for (const Tensor& x : few.x) {
    of.inputs.push_back(with_free_batch(x.shape()));
    if (has_time(x, time_of(few))) of.inputs.back()[1] = -1;
    of.input_dtypes.push_back(x.dtype());
  }
  try {
    with_states_apart(handle_, [&] { model_.build(of); });
  } catch (const ShapeError& error) {
    refuse(std::string("the model takes no sequences of any length: ") + error.what(), leave_out);
  }
}

void Truncation::require_same(const Outputs& whole, const std::vector<Outputs>& pieces) const {
  const bool alike = std::all_of(pieces.begin(), pieces.end(),
                                 [&](const Outputs& p) { return p.size() == whole.size(); });
  for (std::size_t i = 0; alike && i < whole.size(); ++i) {
    Tensors of_pieces;
    for (const Outputs& p : pieces) of_pieces.push_back(p[i].value);
    if (gives_another(whole[i].value, of_pieces, whole.back().value.shape()[0]))
      refuse((whole[i].layer.empty() ? "the model" : "`" + whole[i].layer + "`") +
                 " gives something else for pieces of a sequence than for the whole",
             leave_out);
  }
  if (!alike)
    refuse("the model calls other layers for pieces of a sequence than for the whole", leave_out);
}

// Finds which outputs have a time axis, from the results for sequences of two lengths.
void Truncation::find_time_axes(const Dataset& batch, const Tensors& whole, const Tensors& piece) {
  const int64_t time = time_of(batch), of_whole = std::min(time, 2 * std::min(steps_, tried_steps));
  const std::vector<Output>& outputs = model_.objective.outputs();
  std::size_t with = 0, all = 0;
  for (std::size_t i = 0; i < std::min({outputs.size(), whole.size(), batch.y.size()}); ++i) {
    if (!outputs[i].loss) continue;
    const bool over_time =
        has_time(whole[i], of_whole) && has_time(piece[i], std::min(steps_, tried_steps));
    if (over_time && !has_time(batch.y[i], time))
      refuse("the model gives an output at each step, and y is " +
                 to_string(batch.y[i].shape(), batch.y[i].dtype()),
             "y needs a target at each of the " + std::to_string(time) +
                 " steps, [batch, time, ...]; or the last recurrent layer does without "
                 "return_sequences.");
    with += over_time;
    ++all;
  }
  if (with != 0 && with != all)
    refuse("some outputs of the model are at each step, and others of the whole sequence",
           "Train them in one way, or leave truncate out.");
  at_each_step_ = with > 0;
}

}  // namespace tempo
