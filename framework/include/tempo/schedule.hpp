// SPDX-License-Identifier: Apache-2.0
// Learning rates: a number, or a schedule that computes one for each update.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tempo/export.hpp>
#include <tempo/misspelt.hpp>

namespace tempo TEMPO_HIDDEN {

struct ScheduleState;

/// The factor of an optimizer's steps: `.learning_rate = 0.01`, or a schedule,
/// `.learning_rate = CosineDecay({.initial_learning_rate = 0.01, .decay_steps = 1000})`. A schedule
/// is saved with the optimizer and goes on from the number of its steps. A function of that number,
/// or of nothing, will do as well: `.learning_rate = [](int64_t step) { return 0.1 / (1 + step);
/// }`. No file can hold one, so load_model must be given it.
class LearningRate {
 public:
  /// A user's function, as libtempo calls it.
  class Function {
   public:
    virtual ~Function() = default;
    virtual double operator()(int64_t step) const = 0;
  };

  LearningRate(double value) : value_(value) {}
  template <class F>
  requires((std::is_invocable_r_v<double, const F&, int64_t> ||
            std::is_invocable_r_v<double, const F&>)&&!std::derived_from<F, LearningRate>)
      LearningRate(F function)
      : LearningRate(
            std::shared_ptr<const Function>(std::make_shared<Bound<F>>(std::move(function)))) {}
  /// From "0.01" or "cosine_decay(initial_learning_rate=0.01, decay_steps=1000)".
  TEMPO_API static LearningRate from_text(const std::string& text);

  /// Whether it is a schedule or a function.
  bool is_schedule() const { return schedule_ != nullptr; }
  /// Whether it is a function, even one that was saved and is not given: that throws if called.
  TEMPO_API bool is_own() const;
  /// The rate of the step that follows `step` steps.
  TEMPO_API double operator()(int64_t step) const;
  /// The text from which from_text makes the same rate; "own" for a function.
  TEMPO_API std::string text() const;

 protected:
  explicit LearningRate(std::shared_ptr<const ScheduleState> schedule)
      : schedule_(std::move(schedule)) {}

 private:
  template <class F>
  struct Bound : Function {
    explicit Bound(F f) : function(std::move(f)) {}
    double operator()(int64_t step) const override {
      if constexpr (std::is_invocable_r_v<double, const F&, int64_t>)
        return function(step);
      else
        return function();
    }
    F function;
  };
  TEMPO_API explicit LearningRate(std::shared_ptr<const Function> function);

  double value_ = 0;
  std::shared_ptr<const ScheduleState> schedule_;
};

// `step` below counts the updates before this one. Schedules follow Keras. An option without a
// default must be given; decay_steps is at least 1.

/// Marks an option that is not given.
inline constexpr double not_given = std::numeric_limits<double>::quiet_NaN();

struct ExponentialDecayOptions {
  double initial_learning_rate = not_given;
  double decay_steps = not_given;
  double decay_rate = not_given;
  bool staircase = false;  ///< step / decay_steps is rounded down
};

/// initial_learning_rate * decay_rate ^ (step / decay_steps)
class ExponentialDecay : public LearningRate {
 public:
  TEMPO_API ExponentialDecay(const ExponentialDecayOptions& options);
  TEMPO_OPTIONS(ExponentialDecay, ExponentialDecayOptions);
};

struct PiecewiseConstantDecayOptions {
  std::vector<double> boundaries = {};  ///< steps, in rising order
  std::vector<double> values = {};      ///< one more than boundaries
};

/// values[0] up to and including step boundaries[0], then values[1] up to boundaries[1], ...
class PiecewiseConstantDecay : public LearningRate {
 public:
  TEMPO_API PiecewiseConstantDecay(const PiecewiseConstantDecayOptions& options);
  TEMPO_OPTIONS(PiecewiseConstantDecay, PiecewiseConstantDecayOptions);
};

struct PolynomialDecayOptions {
  double initial_learning_rate = not_given;
  double decay_steps = not_given;
  double end_learning_rate = 0.0001;
  double power = 1;
  bool cycle = false;  ///< after decay_steps, decays on to the next multiple of them
};

/// (initial_learning_rate - end_learning_rate) (1 - step / decay_steps)^power + end_learning_rate;
/// the end_learning_rate after decay_steps.
class PolynomialDecay : public LearningRate {
 public:
  TEMPO_API PolynomialDecay(const PolynomialDecayOptions& options);
  TEMPO_OPTIONS(PolynomialDecay, PolynomialDecayOptions);
};

struct InverseTimeDecayOptions {
  double initial_learning_rate = not_given;
  double decay_steps = not_given;
  double decay_rate = not_given;
  bool staircase = false;  ///< step / decay_steps is rounded down
};

/// initial_learning_rate / (1 + decay_rate * step / decay_steps)
class InverseTimeDecay : public LearningRate {
 public:
  TEMPO_API InverseTimeDecay(const InverseTimeDecayOptions& options);
  TEMPO_OPTIONS(InverseTimeDecay, InverseTimeDecayOptions);
};

struct CosineDecayOptions {
  double initial_learning_rate = not_given;
  double decay_steps = not_given;    ///< after the warm-up
  double alpha = 0;                  ///< the share of the first rate that is left at the end
  double warmup_target = not_given;  ///< not given: there is no warm-up
  double warmup_steps = 0;           ///< needs a warmup_target
};

/// Half a cosine from initial_learning_rate to alpha times it (Loshchilov and Hutter, 2017). With a
/// warmup_target, the rate first rises to it linearly, over warmup_steps, and falls from there.
class CosineDecay : public LearningRate {
 public:
  TEMPO_API CosineDecay(const CosineDecayOptions& options);
  TEMPO_OPTIONS(CosineDecay, CosineDecayOptions);
};

struct CosineDecayRestartsOptions {
  double initial_learning_rate = not_given;
  double first_decay_steps = not_given;
  double t_mul = 2;  ///< how many times longer each period is than the one before; at least 1
  double m_mul = 1;  ///< the first rate of each period is this times that of the one before
  double alpha = 0;  ///< the share of the first rate that is left at the end of each period
};

/// Half a cosine in each period, with restarts (Loshchilov and Hutter, 2017).
class CosineDecayRestarts : public LearningRate {
 public:
  TEMPO_API CosineDecayRestarts(const CosineDecayRestartsOptions& options);
  TEMPO_OPTIONS(CosineDecayRestarts, CosineDecayRestartsOptions);
};

}  // namespace tempo
