// The formulas of the optimizers, each with its options.
#include "training/optimizer_state.hpp"
#include "training/settings.hpp"

#include <tempo/ops.hpp>

#include <array>
#include <cmath>

namespace tempo {

namespace {

constexpr Range not_negative{.at_least = 0};
constexpr Range share{.at_least = 0, .below = 1};  // of the past that stays

void describe_common(auto& setting, auto& o) {
  setting("weight_decay", o.weight_decay, not_negative);
  setting("clipnorm", o.clipnorm, not_negative);
  setting("clipvalue", o.clipvalue, not_negative);
  setting("global_clipnorm", o.global_clipnorm, not_negative);
}

void describe(auto& setting, SGDOptions& o) {
  setting("learning_rate", o.learning_rate, not_negative);
  setting("momentum", o.momentum, share);
  setting("nesterov", o.nesterov);
  describe_common(setting, o);
}

void describe(auto& setting, RMSpropOptions& o) {
  setting("learning_rate", o.learning_rate, not_negative);
  setting("rho", o.rho, share);
  setting("momentum", o.momentum, share);
  setting("epsilon", o.epsilon, not_negative);
  setting("centered", o.centered);
  describe_common(setting, o);
}

void describe(auto& setting, AdamOptions& o) {
  setting("learning_rate", o.learning_rate, not_negative);
  setting("beta_1", o.beta_1, share);
  setting("beta_2", o.beta_2, share);
  setting("epsilon", o.epsilon, not_negative);
  setting("amsgrad", o.amsgrad);
  describe_common(setting, o);
}

// R::names are those that a text may use; the first is the one that is written.
template <class R, class O>
struct Rule : OptimizerState {
  using Options = O;
  explicit Rule(const Options& o) : options(o) {
    learning_rate = o.learning_rate;
    common = {o.weight_decay, o.clipnorm, o.clipvalue, o.global_clipnorm};
    check();
  }
  std::string name() const override { return R::names[0]; }
  std::string text() const override {
    SettingsWriter writer(name());
    Options now = settings();
    describe(writer, now);
    return writer.text();
  }
  void check() const final {
    const SettingsCheck range(name());
    Options now = settings();
    describe(range, now);
    require_one_clip();
  }
  Options settings() const {
    Options now = options;
    now.learning_rate = learning_rate;
    return now;
  }

  Options options;
};

// v = mu v - lr g;  w + v, with Nesterov's w + mu v - lr g
struct SGDRule : Rule<SGDRule, SGDOptions> {
  using Rule::Rule;
  static constexpr const char* names[] = {"sgd"};
  Tensor next(const Tensor& w, const Tensor& g, const Tensor& rate, Slots& slots) const override {
    const double mu = options.momentum;
    if (mu == 0) return w - rate * g;
    Tensor& v = slots("momentum");
    v = mu * v - rate * g;
    return options.nesterov ? w + mu * v - rate * g : w + v;
  }
};

// v = rho v + (1 - rho) g^2;  w - lr g / sqrt(v + epsilon); centered: v less the mean's square,
// a variance, which rounding must not make negative
struct RMSpropRule : Rule<RMSpropRule, RMSpropOptions> {
  using Rule::Rule;
  static constexpr const char* names[] = {"rmsprop", "RMSprop"};
  double least_divisor() const override { return options.epsilon; }
  Tensor next(const Tensor& w, const Tensor& g, const Tensor& rate, Slots& slots) const override {
    const double rho = options.rho, mu = options.momentum;
    Tensor& v = slots("velocity");
    v = rho * v + (1 - rho) * square(g);
    Tensor spread = v + options.epsilon;
    if (options.centered) {
      Tensor& average = slots("average_gradient");
      average = rho * average + (1 - rho) * g;
      spread = maximum(spread - square(average), options.epsilon);
    }
    const Tensor increment = rate * g / sqrt(spread);
    if (mu == 0) return w - increment;
    Tensor& m = slots("momentum");
    m = mu * m + increment;
    return w - m;
  }
};

// The form before section 2.1 of the paper ("epsilon hat"): the rate corrects the bias.
struct AdamRule : Rule<AdamRule, AdamOptions> {
  using Rule::Rule;
  static constexpr const char* names[] = {"adam"};
  double least_divisor() const override { return options.epsilon; }
  double rate() const override {
    const double t = static_cast<double>(iterations + 1);
    return learning_rate * std::sqrt(1 - std::pow(options.beta_2, t)) /
           (1 - std::pow(options.beta_1, t));
  }
  Tensor next(const Tensor& w, const Tensor& g, const Tensor& rate, Slots& slots) const override {
    const double b1 = options.beta_1, b2 = options.beta_2;
    {
      Tensor& m = slots("m");
      m = m + (g - m) * (1 - b1);
    }
    {
      Tensor& v = slots("v");
      v = v + (square(g) - v) * (1 - b2);
    }
    if (options.amsgrad) {
      const Tensor v = slots("v");
      Tensor& largest = slots("v_hat");
      largest = maximum(largest, v);
    }
    const Tensor spread = sqrt(slots(options.amsgrad ? "v_hat" : "v"));
    return w - rate * slots("m") / (spread + options.epsilon);
  }
};

using OptimizerRef = std::shared_ptr<OptimizerState>;

template <class R>
Named<OptimizerRef> row() {
  return {{std::begin(R::names), std::end(R::names)}, [](SettingsReader& reader) -> OptimizerRef {
            typename R::Options options;
            describe(reader, options);
            return std::make_shared<R>(options);
          }};
}

std::span<const Named<OptimizerRef>> optimizers() {
  static const auto& rows =
      *new const std::array{row<SGDRule>(), row<RMSpropRule>(), row<AdamRule>()};
  return rows;
}

}  // namespace

Optimizer::Optimizer(const std::string& text)
    : state_(made_from({"optimizer", text}, optimizers())) {}

SGD::SGD(const SGDOptions& options) : Optimizer(std::make_shared<SGDRule>(options)) {}
RMSprop::RMSprop(const RMSpropOptions& options)
    : Optimizer(std::make_shared<RMSpropRule>(options)) {}
Adam::Adam(const AdamOptions& options) : Optimizer(std::make_shared<AdamRule>(options)) {}

}  // namespace tempo
