// SPDX-License-Identifier: Apache-2.0
// The state of an Optimizer: its numbers, and what it remembers of each weight.
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

/// The tensors that an optimizer remembers of one weight, by name, as its formula sees them: what
/// it reads is the value before the step, and what it assigns the one after it.
class Slots {
 public:
  using Named = std::vector<std::pair<std::string, Tensor>>;
  /// A slot that was asked for and was not there.
  struct Begun {
    std::string name;
    Shape shape;
    double value;
  };
  Slots(Tensor weight, Named before) : weight_(std::move(weight)), slots_(std::move(before)) {}
  /// One that is not there begins as this value everywhere, of the weight's shape unless told.
  Tensor& operator()(const char* name, double first = 0, const std::optional<Shape>& shape = {});
  const Named& all() const { return slots_; }
  const std::vector<Begun>& begun() const { return begun_; }

 private:
  Tensor weight_;
  Named slots_;
  std::vector<Begun> begun_;
};

/// What the running average of a weight, and the gradients that wait, are called among slots.
inline constexpr const char* average_slot = "average";
inline constexpr const char* waiting_slot = "gradient_accumulator";

/// The numbers of a step that a formula is given.
using Rates = std::array<double, 3>;

/// What an optimizer keeps for one weight, which is found by its identity.
struct Memory {
  Tensor weight;
  std::string key;  // unlike all others: the path, or the number of a weight without one
  std::vector<std::pair<std::string, Array>> slots = {};
  bool decays = true;
  std::optional<Formula> update = {};  // made at the first step
  std::vector<Array> next = {};        // of the weight and the slots, while a step is being made
  uint64_t round = 0;                  // the call of step that it was last part of
  // The weight and its slots are `moderate` since a step, as long as the weight has this version.
  std::optional<uint64_t> moderate = {};
  bool stays_moderate = false;  // while a step is being made: it is, after this step
  bool averaged = false;        // an average of it has begun
  Array waiting = {};           // the sum of gradients that wait for an update; empty: none do
};

/// The settings that every optimizer has.
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
  /// Throws Error where a setting is out of its range, the learning rate of now included.
  virtual void check() const = 0;
  /// The numbers of this iteration, such as a rate that is corrected for how many there were.
  virtual Rates rates() const { return {learning_rate}; }
  /// The formula: the next value of a weight. It is traced once and run as one loop, so it reads no
  /// values, and `n` holds the rates() as tensors; C++ numbers are constants of it.
  virtual Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const = 0;
  /// Whether the formula is elementwise; the others are computed op by op.
  virtual bool elementwise() const { return true; }
  /// The least that the formula divides by, or takes the root of and divides by; 0 where its values
  /// may be large though all that it reads is moderate.
  virtual double least_divisor() const { return 1; }

  void require_one_clip() const;
  Tensors clipped(const Tensors& gradients) const;

  void require_ema() const;
  /// The running average of a weight; null: it has none yet.
  Array* average_of(const Tensor& weight);
  void use_averages(const Tensors& weights);
  void swap_averages(const Tensors& weights);
  /// How many steps make an update.
  int steps_per_update() const { return std::max(1, common.gradient_accumulation_steps); }
  void require_same_weights(const std::vector<Memory*>& all) const;
  /// These gradients wait for an update.
  void add_waiting(const std::vector<Memory*>& all, const Tensors& gradients);
  /// The mean of these and of those that wait.
  Tensors with_waiting(const std::vector<Memory*>& all, const Tensors& gradients) const;

  void step(const Tensors& weights, const Tensors& gradients);
  /// What is kept of each, which is given once.
  std::vector<Memory*> memories_of(const Tensors& weights);
  void update(const std::vector<Memory*>& all, const Tensors& gradients);
  void require_step(const Tensors& weights, const Tensors& gradients) const;
  Memory& memory_of(const Tensor& weight);
  /// The next values of the weight and of its slots, from `x`: these now, and the gradient.
  Tensors next_values(const Memory& of, const Tensors& x, const Tensors& numbers,
                      Slots& slots) const;
  Formula update_formula(Memory& of) const;
  /// The learning rate, the rates() and, with use_ema, how much of the average stays.
  std::vector<double> numbers_of(const Memory& of) const;
  void prepare_op_by_op(Memory& of, const Tensor& gradient);
  /// Whether the formula makes finite values of moderate ones.
  bool keeps_finite() const;
  /// Whether the next values are finite for sure and may come into force as they are made.
  bool runs_in_place(const Memory& of, const Tensor& gradient) const;
  /// Makes the next values, and throws Error where one is not finite.
  void prepare(Memory& of, const Tensor& gradient);
  /// Puts in place of the weight's next value what its constraint makes of that.
  void constrain(Memory& of, const Tensor& gradient) const;
  /// What was prepared comes into force.
  void take_next(Memory& of) const;
  void run_in_place(Memory& of, const Tensor& gradient) const;
  Formula::Size run(Memory& of, const Tensor& gradient, std::span<const View> next) const;
  [[noreturn]] void refuse(const Memory& of, std::size_t which, const Tensor& gradient) const;
  bool decays(const Tensor& weight) const;
  /// Asks that again for the weights that are known.
  void find_what_decays();
  using SlotTypes = std::vector<std::pair<std::string, TensorType>>;
  /// What the formula keeps of a weight.
  SlotTypes slots_of(const TensorType& weight) const;
  void require_slot(const std::string& slot, const std::string& of) const;

  /// Of the next step.
  double rate_now() const {
    return schedule ? (*schedule)(iterations * steps_per_update() + waiting) : learning_rate;
  }

  std::optional<LearningRate> schedule;
  double learning_rate = 0;  // with a schedule: of the latest step
  CommonSettings common;
  int64_t iterations = 0;
  int64_t waiting = 0;   // steps since the latest update
  bool swapped = false;  // weights and averages stand in each other's places
  uint64_t round = 0;    // how often step was called
  std::vector<std::string> exclude_words;
  Tensors exclude_weights;
  std::deque<Memory> memory;  // in the order of first use
  std::unordered_map<const tempo_tensor*, Memory*> places;
  OneAtATime steps;
  std::map<std::string, Tensor> restored;  // by "lstm/kernel/m", until their weight comes
};

}  // namespace tempo
