// SPDX-License-Identifier: Apache-2.0
// The state of an Optimizer: its numbers, and its memory of each weight.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include <tempo/optimizer.hpp>
#include <tempo/shared.hpp>

#include "scan/formula.hpp"

namespace tempo {

/// The tensors that an optimizer keeps of one weight, by name, as its formula sees them: it reads
/// the value before the step, and assigns the value after it.
class Slots {
 public:
  using Named = std::vector<std::pair<std::string, Tensor>>;
  /// A slot that was asked for and did not exist.
  struct Begun {
    std::string name;
    Shape shape;
    double value;
  };
  Slots(Tensor weight, Named before) : weight_(std::move(weight)), slots_(std::move(before)) {}
  /// A new slot begins as `first` everywhere; it has the weight's shape unless `shape` is given.
  Tensor& operator()(const char* name, double first = 0, const std::optional<Shape>& shape = {});
  const Named& all() const { return slots_; }
  const std::vector<Begun>& begun() const { return begun_; }

 private:
  Tensor weight_;
  Named slots_;
  std::vector<Begun> begun_;
};

/// The slots of a weight's running average and of its accumulated gradients.
inline constexpr const char* average_slot = "average";
inline constexpr const char* waiting_slot = "gradient_accumulator";

/// The numbers of a step that the formula gets as `n`.
using Rates = std::array<double, 3>;

/// An optimizer's memory of one weight, which is found by the identity of the weight.
struct Memory {
  Tensor weight;
  std::string key;  // unique: the path, or the number of a weight without one
  std::vector<std::pair<std::string, Array>> slots = {};
  bool decays = true;
  std::optional<Formula> update = {};  // made at the first step
  std::vector<Array> next = {};        // of weight and slots, while a step is being made
  uint64_t round = 0;                  // the call of step that last included this weight
  // Weight and slots are known to be `moderate` as long as the weight has this version.
  std::optional<uint64_t> moderate = {};
  bool stays_moderate = false;  // while a step is being made: whether they are after it
  bool averaged = false;        // whether an average of the weight has begun
  Array waiting = {};           // the sum of accumulated gradients; empty: there are none
};

/// The settings of every optimizer.
struct CommonSettings {
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = 0.99;
  int ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  int gradient_accumulation_steps = 0;
};

struct OptimizerState {
  virtual ~OptimizerState() = default;
  virtual std::string name() const = 0;
  virtual std::string text() const = 0;
  /// Throws Error if a setting is out of its range, or the current learning rate is.
  virtual void check() const = 0;
  /// The numbers of this iteration, such as a rate corrected for the number of updates.
  virtual Rates rates() const { return {learning_rate}; }
  /// The formula: the next value of a weight. It is traced once and runs as one loop, so it cannot
  /// read values. `n` holds the rates() as tensors; C++ numbers become constants.
  virtual Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const = 0;
  /// Whether the formula is elementwise; the others are computed op by op.
  virtual bool elementwise() const { return true; }
  /// The smallest number that the formula divides by, directly or as a root; 0 if its results may
  /// be large though all its inputs are moderate.
  virtual double least_divisor() const { return 1; }

  void require_one_clip() const;
  Tensors clipped(const Tensors& gradients) const;

  void require_ema() const;
  /// The running average of a weight; null if it has none yet.
  Array* average_of(const Tensor& weight);
  void use_averages(const Tensors& weights);
  void swap_averages(const Tensors& weights);
  /// The number of steps that make one update.
  int steps_per_update() const { return std::max(1, common.gradient_accumulation_steps); }
  void require_same_weights(const std::vector<Memory*>& all) const;
  /// Adds the gradients to those that wait for an update.
  void add_waiting(const std::vector<Memory*>& all, const Tensors& gradients);
  /// The mean of these gradients and of those that wait.
  Tensors with_waiting(const std::vector<Memory*>& all, const Tensors& gradients) const;

  void step(const Tensors& weights, const Tensors& gradients);
  /// The memory of each weight; each weight may be given only once.
  std::vector<Memory*> memories_of(const Tensors& weights);
  void update(const std::vector<Memory*>& all, const Tensors& gradients);
  void require_step(const Tensors& weights, const Tensors& gradients) const;
  Memory& memory_of(const Tensor& weight);
  /// The next values of the weight and its slots, from `x`: their present values and the gradient.
  Tensors next_values(const Memory& of, const Tensors& x, const Tensors& numbers,
                      Slots& slots) const;
  Formula update_formula(Memory& of) const;
  /// The learning rate, the rates() and, with use_ema, the share of the average that stays.
  std::vector<double> numbers_of(const Memory& of) const;
  void prepare_op_by_op(Memory& of, const Tensor& gradient);
  /// Whether the formula gives finite values for moderate ones.
  bool keeps_finite() const;
  /// Whether the next values are certain to be finite, so that they may be written in place.
  bool runs_in_place(const Memory& of, const Tensor& gradient) const;
  /// Makes the next values; throws Error if one is not finite.
  void prepare(Memory& of, const Tensor& gradient);
  /// Replaces the next value of the weight by its projection onto the constraint.
  void constrain(Memory& of, const Tensor& gradient) const;
  /// Puts the prepared values into force.
  void take_next(Memory& of) const;
  void run_in_place(Memory& of, const Tensor& gradient) const;
  Formula::Size run(Memory& of, const Tensor& gradient, std::span<const View> next) const;
  [[noreturn]] void refuse(const Memory& of, std::size_t which, const Tensor& gradient) const;
  bool decays(const Tensor& weight) const;
  /// Calls `decays` again for all known weights.
  void find_what_decays();
  using SlotTypes = std::vector<std::pair<std::string, TensorType>>;
  /// The slots that the formula keeps for a weight.
  SlotTypes slots_of(const TensorType& weight) const;
  void require_slot(const std::string& slot, const std::string& of) const;

  /// The learning rate of the next step.
  double rate_now() const {
    return schedule ? (*schedule)(iterations * steps_per_update() + waiting) : learning_rate;
  }

  std::optional<LearningRate> schedule;
  double learning_rate = 0;  // with a schedule: the rate of the latest step
  CommonSettings common;
  int64_t iterations = 0;
  int64_t waiting = 0;   // steps since the latest update
  bool swapped = false;  // whether weights and averages are exchanged
  uint64_t round = 0;    // the number of calls of step
  std::vector<std::string> exclude_words;
  Tensors exclude_weights;
  std::deque<Memory> memory;  // in the order of first use
  std::unordered_map<const tempo_tensor*, Memory*> places;
  OneAtATime steps;
  std::map<std::string, Tensor> restored;  // by "lstm/kernel/m"; each waits for its weight
};

}  // namespace tempo
