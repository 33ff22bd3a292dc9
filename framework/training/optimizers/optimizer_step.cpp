// SPDX-License-Identifier: Apache-2.0
// A step of an optimizer, made as a whole or not at all.
#include <algorithm>
#include <array>
#include <span>

#include <tempo/gradient.hpp>
#include <tempo/ops.hpp>

#include "tensor/finite.hpp"
#include "training/finite.hpp"
#include "training/optimizers/optimizer_state.hpp"

namespace tempo {

namespace {

// In bytes: smaller weights keep the memory of their next values, which costs little in the cache.
constexpr std::size_t small = 1 << 16;

}  // namespace

// With |w|, |slots| and |g| up to 1e15, every formula stays below 1e31, and a float holds 3e38:
// squares are up to 1e30, and 1e3 * 3e15 / 1e-12 is the largest quotient. A second moment whose
// root was finite is not negative.
bool OptimizerState::keeps_finite() const {
  constexpr double most = 1e3, least = 1e-12;
  const Rates all = rates();
  return learning_rate <= most && common.weight_decay <= most && least_divisor() >= least &&
         std::all_of(all.begin(), all.end(), [](double rate) { return rate <= most; });
}

bool OptimizerState::runs_in_place(const Memory& of, const Tensor& gradient) const {
  const tempo_tensor& weight = *of.weight.handle();
  if (weight.rules && weight.rules->projection) return false;
  const Array& g = gradient.handle()->array;
  g.finish();  // deferred work shares the weight
  return weight.type.bytes() > small && !of.slots.empty() && of.update &&
         of.update->runs_in_place() && of.moderate == weight.version && keeps_finite() &&
         weight.array.sole_owner() &&
         std::all_of(of.slots.begin(), of.slots.end(),
                     [](const auto& slot) { return slot.second.sole_owner(); }) &&
         all_within(g.view(), Formula::moderate);
}

// An average begins as a copy of the weight, though its slot begins as zeros.
std::vector<double> OptimizerState::numbers_of(const Memory& of) const {
  const Rates now = rates();
  std::vector<double> numbers{learning_rate};
  numbers.insert(numbers.end(), now.begin(), now.end());
  if (common.use_ema) numbers.push_back(of.averaged ? common.ema_momentum : 0);
  return numbers;
}

Formula::Size OptimizerState::run(Memory& of, const Tensor& gradient,
                                  std::span<const View> next) const {
  std::vector<View> x;
  x.reserve(of.slots.size() + 2);
  x.push_back(of.weight.handle()->array.view());
  for (const auto& [slot, array] : of.slots) x.push_back(array.view());
  x.push_back(gradient.handle()->array.view());
  const std::vector<double> numbers = numbers_of(of);
  const Formula::Size size = (*of.update)(x, numbers, next);
  of.stays_moderate = size == Formula::Size::moderate;
  return size;
}

// Runs a formula that is not elementwise op by op, on the values themselves.
void OptimizerState::prepare_op_by_op(Memory& of, const Tensor& gradient) {
  Tensors x{of.weight}, numbers;
  Slots::Named before;
  for (const auto& [slot, array] : of.slots) {
    before.emplace_back(slot, to_tensor(make_value(array)));
    x.push_back(before.back().second);
  }
  x.push_back(gradient);
  for (const double n : numbers_of(of)) numbers.push_back(scalar(n, of.weight.dtype()));
  Slots slots(of.weight, before);
  const Tensors next = next_values(of, x, numbers, slots);
  for (const Slots::Begun& b : slots.begun())
    of.slots.emplace_back(b.name, full(b.shape, b.value, of.weight.dtype()).handle()->array);
  of.stays_moderate = false;
  of.next.clear();
  for (const Tensor& value : next) {
    of.next.push_back(value.handle()->array);
    of.next.back().finish();
  }
  for (std::size_t i = 0; i < of.next.size(); ++i)
    if (!all_finite(of.next[i].view())) refuse(of, i, gradient);
}

void OptimizerState::prepare(Memory& of, const Tensor& gradient) {
  if (!elementwise()) return prepare_op_by_op(of, gradient);
  if (!of.update) of.update = update_formula(of);
  of.next.resize(of.slots.size() + 1);
  std::vector<View> next;
  next.reserve(of.next.size());
  for (Array& room : of.next) {
    if (!room || !room.sole_owner()) room = Array(of.weight.handle()->type);
    next.push_back(room.view());
  }
  if (run(of, gradient, next) != Formula::Size::not_finite) return;
  const auto bad = std::find_if_not(next.begin(), next.end(), all_finite);
  refuse(of, static_cast<std::size_t>(bad - next.begin()), gradient);
}

void OptimizerState::constrain(Memory& of, const Tensor& gradient) const {
  const WeightRules* const rules = of.weight.handle()->rules.get();
  if (!rules || !rules->projection) return;
  Array& next = of.next[0];
  next = rules->projection(to_tensor(make_value(next))).handle()->array;
  next.finish();
  of.stays_moderate = false;
  if (!all_finite(next.view())) refuse(of, 0, gradient);
}

void OptimizerState::run_in_place(Memory& of, const Tensor& gradient) const {
  std::vector<View> next;
  next.reserve(of.slots.size() + 1);
  next.push_back(of.weight.handle()->array.view());
  for (const auto& [slot, array] : of.slots) next.push_back(array.view());
  run(of, gradient, next);
  changed_in_place(*of.weight.handle());
}

void OptimizerState::refuse(const Memory& of, std::size_t which, const Tensor& gradient) const {
  const auto finite = [](const Array& array) { return all_finite(array.view()); };
  const std::string weight = of.weight.path().empty() ? "weight " + of.key : of.weight.path();
  const std::string what = which == 0 ? weight : "`" + of.slots[which - 1].first + "` of " + weight;
  std::string cause =
      "Likely: a learning_rate or gradients that are too large (clipnorm = 1 bounds "
      "them), or an epsilon that is too small.\n  The settings: " +
      text();
  if (!finite(gradient.handle()->array)) cause = "Its gradient holds NaN or infinite numbers.";
  for (const auto& [slot, array] : of.slots)
    if (!finite(array)) cause = "`" + slot + "` of it held NaN or infinite numbers before.";
  if (!finite(of.weight.handle()->array)) cause = "It held NaN or infinite numbers before.";
  throw NotFinite(name() + ": this update would make " + what +
                  " NaN or infinite; no weight was changed.\n  " + cause);
}

void OptimizerState::require_step(const Tensors& weights, const Tensors& gradients) const {
  if (weights.size() != gradients.size())
    throw Error(name() + ": step was given " + std::to_string(weights.size()) + " weights and " +
                std::to_string(gradients.size()) +
                " gradients.\n  It needs one gradient for each weight, in the same order.");
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!weights[i] || !gradients[i])
      throw Error(name() + ": " + (weights[i] ? "gradient " : "weight ") + std::to_string(i) +
                  " was never given a value (it is Tensor{}).");
    if (!weights[i].handle()->weight)
      throw Error(name() + ": weight " + std::to_string(i) + ", " +
                  to_string(weights[i].handle()->type) +
                  ", is not a weight; make it with parameter(x).");
    if (gradients[i].traced())
      throw Error(name() + ": gradient " + std::to_string(i) +
                  " is a placeholder of a traced step; steps are taken outside of it.");
    const TensorType &w = weights[i].handle()->type, &g = gradients[i].handle()->type;
    if (!(w == g))
      throw ShapeError(name() + ": a gradient must have the " +
                       (w.shape == g.shape ? "dtype" : "shape") + " of its weight\n  weight    " +
                       to_string(w) + "  " + weights[i].path() + "\n  gradient  " + to_string(g));
  }
}

void OptimizerState::take_next(Memory& of) const {
  of.next[0] = exchange_array(*of.weight.handle(), std::move(of.next[0]));
  for (std::size_t k = 0; k < of.slots.size(); ++k) std::swap(of.slots[k].second, of.next[k + 1]);
  if (of.next[0].type().bytes() > small) of.next.clear();
}

std::vector<Memory*> OptimizerState::memories_of(const Tensors& weights) {
  std::vector<Memory*> all;
  all.reserve(weights.size());
  ++round;
  for (const Tensor& weight : weights) {
    all.push_back(&memory_of(weight));
    if (std::exchange(all.back()->round, round) == round)
      throw Error(name() + ": step was given the weight " +
                  (weight.path().empty() ? std::to_string(all.size() - 1) : weight.path()) +
                  " twice.\n  What uses a weight in two places has it once; its gradient is that "
                  "of both uses.");
  }
  return all;
}

// A step is made as a whole or not at all: the next values are computed before any comes into
// force, except for those that are certain to be finite.
void OptimizerState::update(const std::vector<Memory*>& all, const Tensors& g) {
  std::vector<std::size_t> prepared, in_place;
  prepared.reserve(all.size());
  in_place.reserve(all.size());
  learning_rate = rate_now();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool at_once = runs_in_place(*all[i], g[i]);
    (at_once ? in_place : prepared).push_back(i);
    if (at_once) continue;
    prepare(*all[i], g[i]);
    constrain(*all[i], g[i]);
  }
  for (std::size_t i : in_place) run_in_place(*all[i], g[i]);
  for (std::size_t i : prepared) take_next(*all[i]);
  ++iterations;
  if (common.use_ema) {
    for (Memory* of : all) of->averaged = true;
    if (common.ema_overwrite_frequency > 0 && iterations % common.ema_overwrite_frequency == 0)
      for (Memory* of : all) use_averages({of->weight});
  }
  for (Memory* of : all)
    of->moderate = of->stays_moderate ? std::optional(of->weight.handle()->version) : std::nullopt;
}

// An update covers the weights of all its steps: gradients of other weights would be lost.
void OptimizerState::require_same_weights(const std::vector<Memory*>& all) const {
  if (waiting == 0) return;
  const auto of_these = std::count_if(
      all.begin(), all.end(), [](const Memory* of) { return static_cast<bool>(of->waiting); });
  const auto of_any = std::count_if(memory.begin(), memory.end(),
                                    [](const Memory& of) { return static_cast<bool>(of.waiting); });
  const auto count = static_cast<std::ptrdiff_t>(all.size());
  if (of_these == count && of_any == count) return;
  throw Error(name() + ": step was given other weights than the " + std::to_string(waiting) +
              " before it, whose gradients wait for one update.\n  With "
              "gradient_accumulation_steps = " +
              std::to_string(steps_per_update()) +
              " the steps of an update have the same weights: set them before the first of these, "
              "or have an optimizer for each set of weights.");
}

void OptimizerState::step(const Tensors& weights, const Tensors& gradients) {
  const OneAtATime::Turn turn(&steps);
  if (!turn)
    throw Error(name() +
                ": step was called while another thread is in the middle of a step of it.\n  Give "
                "each thread an optimizer of its own; copies of one are the same optimizer.");
  require_step(weights, gradients);
  if (swapped)
    throw Error(name() +
                ": step was called while the weights and their averages are swapped.\n  "
                "swap_averages(weights) puts them back.");
  const NoGradient updates;
  const std::vector<Memory*> all = memories_of(weights);
  require_same_weights(all);
  Tensors g = gradients;
  if (common.loss_scale_factor != 0)
    for (Tensor& gradient : g) gradient = gradient / common.loss_scale_factor;
  if (waiting + 1 < steps_per_update()) return add_waiting(all, g);
  if (steps_per_update() > 1) g = with_waiting(all, g);
  update(all, clipped(g));
  if (std::exchange(waiting, 0) > 0)
    for (Memory& of : memory) of.waiting = {};
}

}  // namespace tempo
