// SPDX-License-Identifier: Apache-2.0
// The formulas of learning rate schedules, each with its options.
#include <array>
#include <charconv>
#include <numbers>

#include <tempo/error.hpp>
#include <tempo/schedule.hpp>

#include "training/settings.hpp"

namespace tempo {

struct ScheduleState {
  virtual ~ScheduleState() = default;
  virtual double at(double step) const = 0;
  virtual std::string text() const = 0;
};

namespace {

constexpr Range not_negative{.at_least = 0};
constexpr Range required{.at_least = 0, .required = true};
constexpr Range step_count{.at_least = 1, .required = true};

void describe(auto& setting, auto& o) {
  if constexpr (requires { o.initial_learning_rate; })
    setting("initial_learning_rate", o.initial_learning_rate, required);
  if constexpr (requires { o.decay_steps; }) setting("decay_steps", o.decay_steps, step_count);
  if constexpr (requires { o.first_decay_steps; })
    setting("first_decay_steps", o.first_decay_steps, step_count);
  if constexpr (requires { o.decay_rate; }) setting("decay_rate", o.decay_rate, required);
  if constexpr (requires { o.staircase; }) setting("staircase", o.staircase);
  if constexpr (requires { o.end_learning_rate; }) {
    setting("end_learning_rate", o.end_learning_rate, not_negative);
    setting("power", o.power, not_negative);
    setting("cycle", o.cycle);
  }
  if constexpr (requires { o.t_mul; }) {
    setting("t_mul", o.t_mul, Range{.at_least = 1});
    setting("m_mul", o.m_mul, not_negative);
  }
  if constexpr (requires { o.alpha; }) setting("alpha", o.alpha, not_negative);
  if constexpr (requires { o.warmup_steps; }) {
    setting("warmup_target", o.warmup_target, Range{.at_least = 0, .optional = true});
    setting("warmup_steps", o.warmup_steps, not_negative);
  }
  if constexpr (requires { o.boundaries; }) {
    setting("boundaries", o.boundaries);
    setting("values", o.values);
  }
}

// Falls from 1 to `alpha` as `share` goes from 0 to 1.
double half_cosine(double share, double alpha) {
  return (1 - alpha) * 0.5 * (1 + std::cos(std::numbers::pi * share)) + alpha;
}

// S::name is the schedule's name in texts.
template <class S, class O>
struct Schedule : ScheduleState {
  using Options = O;
  explicit Schedule(const Options& given) : o(given) {
    const SettingsCheck range(S::name);
    Options checked = o;
    describe(range, checked);
  }
  std::string text() const override {
    SettingsWriter writer(S::name);
    Options written = o;
    describe(writer, written);
    return writer.text();
  }
  double periods(double step) const {
    const double exact = step / o.decay_steps;
    return o.staircase ? std::floor(exact) : exact;
  }
  Options o;
};

struct Exponential : Schedule<Exponential, ExponentialDecayOptions> {
  using Schedule::Schedule;
  static constexpr const char* name = "exponential_decay";
  double at(double step) const override {
    return o.initial_learning_rate * std::pow(o.decay_rate, periods(step));
  }
};

struct InverseTime : Schedule<InverseTime, InverseTimeDecayOptions> {
  using Schedule::Schedule;
  static constexpr const char* name = "inverse_time_decay";
  double at(double step) const override {
    return o.initial_learning_rate / (1 + o.decay_rate * periods(step));
  }
};

struct Polynomial : Schedule<Polynomial, PolynomialDecayOptions> {
  using Schedule::Schedule;
  static constexpr const char* name = "polynomial_decay";
  double at(double step) const override {
    double over = o.decay_steps;
    if (o.cycle && step > 0) over *= std::ceil(step / over);
    const double left = 1 - std::min(step, over) / over;
    return (o.initial_learning_rate - o.end_learning_rate) * std::pow(left, o.power) +
           o.end_learning_rate;
  }
};

struct Piecewise : Schedule<Piecewise, PiecewiseConstantDecayOptions> {
  explicit Piecewise(const Options& given) : Schedule(given) {
    const std::string who = name;
    if (o.values.size() != o.boundaries.size() + 1)
      throw Error(who + ": it has " + std::to_string(o.boundaries.size()) + " boundaries and " +
                  std::to_string(o.values.size()) +
                  " values; there must be one value more than boundaries.");
    for (std::size_t i = 0; i < o.boundaries.size(); ++i)
      if (std::isnan(o.boundaries[i]) || (i > 0 && !(o.boundaries[i] > o.boundaries[i - 1])))
        throw Error(who + ": its boundaries must rise, and " + sdk::shortest(o.boundaries[i]) +
                    " does not.");
    const SettingsCheck range(who);
    for (const double value : o.values) range("a value", value, not_negative);
  }
  static constexpr const char* name = "piecewise_constant_decay";
  double at(double step) const override {
    const auto next = std::lower_bound(o.boundaries.begin(), o.boundaries.end(), step);
    return o.values[static_cast<std::size_t>(next - o.boundaries.begin())];
  }
};

struct Cosine : Schedule<Cosine, CosineDecayOptions> {
  explicit Cosine(const CosineDecayOptions& given) : Schedule(given) {
    if (std::isnan(o.warmup_target) && o.warmup_steps > 0)
      throw Error(std::string(name) + ": warmup_steps is " + sdk::shortest(o.warmup_steps) +
                  ", and there is no warmup_target, which it rises to.\n  Give it, as "
                  ".warmup_target = 1e-3, or leave warmup_steps out.");
  }
  static constexpr const char* name = "cosine_decay";
  double at(double step) const override {
    double from = o.initial_learning_rate;
    if (!std::isnan(o.warmup_target)) {
      if (step < o.warmup_steps) return from + (o.warmup_target - from) * (step / o.warmup_steps);
      from = o.warmup_target;
      step -= o.warmup_steps;
    }
    return from * half_cosine(std::min(step, o.decay_steps) / o.decay_steps, o.alpha);
  }
};

// Period i is t_mul^i times as long as the first; the lengths before it are a geometric sum.
struct Restarts : Schedule<Restarts, CosineDecayRestartsOptions> {
  using Schedule::Schedule;
  static constexpr const char* name = "cosine_decay_restarts";
  double at(double step) const override {
    double share = step / o.first_decay_steps, period = std::floor(share);
    if (o.t_mul == 1) {
      share -= period;
    } else {
      // At a restart the quotient of logarithms may be just below the whole number.
      period = std::floor(std::log(1 - share * (1 - o.t_mul)) / std::log(o.t_mul) + 1e-9);
      const double length = std::pow(o.t_mul, period);
      share = (share - (1 - length) / (1 - o.t_mul)) / length;
    }
    const double first = std::pow(o.m_mul, period);
    return o.initial_learning_rate * ((1 - o.alpha) * first * half_cosine(share, 0) + o.alpha);
  }
};

using ScheduleRef = std::shared_ptr<const ScheduleState>;

template <class S>
Named<ScheduleRef> row() {
  return {{S::name}, [](SettingsReader& reader) -> ScheduleRef {
            typename S::Options options;
            describe(reader, options);
            reader.finish();  // reports a misspelt option before a missing one
            return std::make_shared<S>(options);
          }};
}

std::span<const Named<ScheduleRef>> schedules() {
  static const auto& rows =
      *new const std::array{row<Exponential>(), row<Piecewise>(), row<Polynomial>(),
                            row<InverseTime>(), row<Cosine>(),    row<Restarts>()};
  return rows;
}

// A user's function; null if a file says that there was one.
struct Own : ScheduleState {
  explicit Own(std::shared_ptr<const LearningRate::Function> f) : function(std::move(f)) {}
  double at(double step) const override {
    if (!function)
      throw Error(
          "learning_rate: it was a function of the program that saved it, which no file can "
          "hold.\n  Give it: load_model(path, {.learning_rate = f}), or make the optimizer with "
          ".learning_rate = f.");
    const double rate = (*function)(static_cast<int64_t>(step));
    if (rate >= 0 && !std::isinf(rate)) return rate;
    throw Error("learning_rate: the function gave " + sdk::shortest(rate) + " for step " +
                sdk::shortest(step) + "; it must give a number of at least 0.");
  }
  std::string text() const override { return "own"; }
  std::shared_ptr<const LearningRate::Function> function;
};

}  // namespace

LearningRate::LearningRate(std::shared_ptr<const Function> function)
    : schedule_(std::make_shared<Own>(std::move(function))) {}

bool LearningRate::is_own() const { return schedule_ && schedule_->text() == "own"; }

LearningRate LearningRate::from_text(const std::string& text) {
  if (text == "own") return LearningRate(std::shared_ptr<const Function>());
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && stop == end) return value;
  return LearningRate(made_from({"learning_rate", text}, schedules()));
}

double LearningRate::operator()(int64_t step) const {
  return schedule_ ? schedule_->at(static_cast<double>(step)) : value_;
}

std::string LearningRate::text() const {
  return schedule_ ? schedule_->text() : sdk::shortest(value_);
}

ExponentialDecay::ExponentialDecay(const ExponentialDecayOptions& options)
    : LearningRate(std::make_shared<Exponential>(options)) {}
PiecewiseConstantDecay::PiecewiseConstantDecay(const PiecewiseConstantDecayOptions& options)
    : LearningRate(std::make_shared<Piecewise>(options)) {}
PolynomialDecay::PolynomialDecay(const PolynomialDecayOptions& options)
    : LearningRate(std::make_shared<Polynomial>(options)) {}
InverseTimeDecay::InverseTimeDecay(const InverseTimeDecayOptions& options)
    : LearningRate(std::make_shared<InverseTime>(options)) {}
CosineDecay::CosineDecay(const CosineDecayOptions& options)
    : LearningRate(std::make_shared<Cosine>(options)) {}
CosineDecayRestarts::CosineDecayRestarts(const CosineDecayRestartsOptions& options)
    : LearningRate(std::make_shared<Restarts>(options)) {}

}  // namespace tempo
