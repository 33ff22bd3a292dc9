// SPDX-License-Identifier: Apache-2.0
// An optimizer's rule: its formula with its options, described once, and a row of the table of
// rules that a text may name.
#pragma once

#include <tempo/ops.hpp>

#include "training/optimizers/optimizer_state.hpp"
#include "training/settings.hpp"

namespace tempo {

inline constexpr Range not_negative{.at_least = 0};
inline constexpr Range past_share{.at_least = 0, .below = 1};  // the share of the past that is kept

inline void describe_rate(SettingsReader& setting, LearningRate& rate, const Range&) {
  const std::string absent(1, '\0');
  std::string text = absent;
  setting("learning_rate", text);
  if (text != absent) rate = LearningRate::from_text(text);
}
inline void describe_rate(SettingsWriter& setting, LearningRate& rate, const Range&) {
  setting("learning_rate", rate.text());
}
inline void describe_rate(const SettingsCheck& setting, LearningRate& rate, const Range& range) {
  if (!rate.is_schedule()) setting("learning_rate", rate(0), range);
}

/// The common options that are rarely set; they are written only if they are.
template <class Setting>
void describe_averaging(Setting& setting, auto& o) {
  constexpr bool writing = std::is_same_v<Setting, SettingsWriter>;
  if (!writing || o.use_ema) {
    setting("use_ema", o.use_ema);
    setting("ema_momentum", o.ema_momentum, Range{.at_least = 0, .at_most = 1});
  }
  if (!writing || o.ema_overwrite_frequency != 0)
    setting("ema_overwrite_frequency", o.ema_overwrite_frequency, not_negative);
  if (!writing || o.loss_scale_factor != 0)
    setting("loss_scale_factor", o.loss_scale_factor, not_negative);
  if (!writing || o.gradient_accumulation_steps != 0)
    setting("gradient_accumulation_steps", o.gradient_accumulation_steps, not_negative);
}

/// The options of an optimizer: the learning rate, R::describe_own, and the common ones.
template <class R>
void describe_optimizer(auto& setting, auto& o) {
  describe_rate(setting, o.learning_rate, R::of_rate);
  R::describe_own(setting, o);
  setting("weight_decay", o.weight_decay, not_negative);
  setting("clipnorm", o.clipnorm, not_negative);
  setting("clipvalue", o.clipvalue, not_negative);
  setting("global_clipnorm", o.global_clipnorm, not_negative);
  describe_averaging(setting, o);
}

/// R::names are the names that a text may use; the first one is written to files.
template <class R, class O>
struct Rule : OptimizerState {
  using Options = O;
  static constexpr Range of_rate = not_negative;
  explicit Rule(const Options& o) : options(o) {
    if (o.learning_rate.is_schedule())
      schedule = o.learning_rate;
    else
      learning_rate = o.learning_rate(0);
    common = {.weight_decay = o.weight_decay,
              .clipnorm = o.clipnorm,
              .clipvalue = o.clipvalue,
              .global_clipnorm = o.global_clipnorm,
              .use_ema = o.use_ema,
              .ema_momentum = o.ema_momentum,
              .ema_overwrite_frequency = o.ema_overwrite_frequency,
              .loss_scale_factor = o.loss_scale_factor,
              .gradient_accumulation_steps = o.gradient_accumulation_steps};
    check();
  }
  std::string name() const override { return R::names[0]; }
  std::string text() const override {
    SettingsWriter writer(name());
    Options now = settings();
    describe_optimizer<R>(writer, now);
    return writer.text();
  }
  void check() const final {
    const SettingsCheck range(name());
    Options now = settings();
    describe_optimizer<R>(range, now);
    require_one_clip();
    require_ema();
  }
  Options settings() const {
    Options now = options;
    if (!schedule) now.learning_rate = learning_rate;
    return now;
  }
  /// 1 - beta^t: a running mean that began at 0 is too small by this factor after t updates.
  double grown(double beta) const {
    return 1 - std::pow(beta, static_cast<double>(iterations + 1));
  }

  Options options;
};

using OptimizerRef = std::shared_ptr<OptimizerState>;

template <class R>
Named<OptimizerRef> optimizer_row() {
  return {{std::begin(R::names), std::end(R::names)}, [](SettingsReader& reader) -> OptimizerRef {
            typename R::Options options;
            describe_optimizer<R>(reader, options);
            return std::make_shared<R>(options);
          }};
}

using OptimizerRows = std::vector<Named<OptimizerRef>>;
OptimizerRows moment_optimizers();    ///< of a running mean of gradients and of their squares
OptimizerRows adaptive_optimizers();  ///< of sums and norms
/// An optimizer of a plugin; null if no plugin has one of that name.
OptimizerRef plugin_optimizer(SettingsReader& reader);

}  // namespace tempo
