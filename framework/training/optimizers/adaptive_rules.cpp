// SPDX-License-Identifier: Apache-2.0
// Steps scaled by sums of squared gradients: Adagrad and its successors.
#include "training/optimizers/optimizer_rule.hpp"

namespace tempo {

namespace {

constexpr Range not_positive{.at_most = 0};

struct AdagradRule : Rule<AdagradRule, AdagradOptions> {
  using Rule::Rule;
  static constexpr const char* names[] = {"adagrad"};
  static void describe_own(auto& setting, AdagradOptions& o) {
    setting("initial_accumulator_value", o.initial_accumulator_value, not_negative);
    setting("epsilon", o.epsilon, not_negative);
  }
  double least_divisor() const override { return options.epsilon; }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    Tensor& a = slots("accumulator", options.initial_accumulator_value);
    a = a + square(g);
    return w - n[0] * g / sqrt(a + options.epsilon);
  }
};

struct AdadeltaRule : Rule<AdadeltaRule, AdadeltaOptions> {
  using Rule::Rule;
  static constexpr const char* names[] = {"adadelta"};
  static void describe_own(auto& setting, AdadeltaOptions& o) {
    setting("rho", o.rho, past_share);
    setting("epsilon", o.epsilon, not_negative);
  }
  double least_divisor() const override { return 0; }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    const double rho = options.rho;
    Tensor& squares = slots("accumulated_gradient");
    squares = rho * squares + (1 - rho) * square(g);
    const Tensor before = slots("accumulated_delta");
    const Tensor delta =
        sqrt(before + options.epsilon) * g / sqrt(slots("accumulated_gradient") + options.epsilon);
    slots("accumulated_delta") = rho * before + (1 - rho) * square(delta);
    return w - n[0] * delta;
  }
};

// A = a + g^2, with p = -learning_rate_power:
// l = l + g + 2 shrinkage w - (A^p - a^p) / lr w
// w = (clip(l, -l1, l1) - l) / (A^p / lr + 2 l2 + beta / lr)
struct FtrlRule : Rule<FtrlRule, FtrlOptions> {
  using Rule::Rule;
  static constexpr const char* names[] = {"ftrl"};
  static constexpr Range of_rate{.above = 0};  // it divides by the rate
  static void describe_own(auto& setting, FtrlOptions& o) {
    setting("learning_rate_power", o.learning_rate_power, not_positive);
    setting("initial_accumulator_value", o.initial_accumulator_value, not_negative);
    setting("l1_regularization_strength", o.l1_regularization_strength, not_negative);
    setting("l2_regularization_strength", o.l2_regularization_strength, not_negative);
    setting("l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength,
            not_negative);
    setting("beta", o.beta, not_negative);
  }
  double least_divisor() const override { return 0; }
  Rates rates() const override {
    if (learning_rate == 0)
      throw Error("ftrl: the learning rate is 0 at this step, and it must be above 0.");
    return {1 / learning_rate};
  }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    const auto power = [&](const Tensor& x) { return pow(x, -options.learning_rate_power); };
    const Tensor before = slots("accumulator", options.initial_accumulator_value);
    const Tensor after = before + square(g);
    const Tensor of_after = power(after) * n[0];
    const Tensor pull = g + 2 * options.l2_shrinkage_regularization_strength * w;
    const Tensor linear = slots("linear") + pull - (of_after - power(before) * n[0]) * w;
    slots("accumulator") = after;
    slots("linear") = linear;
    const double l1 = options.l1_regularization_strength;
    return (clip(linear, -l1, l1) - linear) /
           (of_after + (2 * options.l2_regularization_strength + options.beta * n[0]));
  }
};

// V = g^2 + epsilon_1 in running means b V' + (1 - b) V, b = 1 - t^beta_2_decay. For a matrix, only
// the means of its rows, r, and columns, c, are kept: v = r c / mean(r).
// u = g / sqrt(v);  w - max(epsilon_2, rms(w)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / threshold)
struct AdafactorRule : Rule<AdafactorRule, AdafactorOptions> {
  using Rule::Rule;
  static constexpr const char* names[] = {"adafactor"};
  static void describe_own(auto& setting, AdafactorOptions& o) {
    setting("beta_2_decay", o.beta_2_decay, not_positive);
    setting("epsilon_1", o.epsilon_1, not_negative);
    setting("epsilon_2", o.epsilon_2, not_negative);
    setting("clip_threshold", o.clip_threshold, Range{.at_least = 1e-6});
  }
  bool elementwise() const override { return false; }
  Rates rates() const override {
    const auto t = static_cast<double>(iterations + 1);
    return {std::min(learning_rate, 1 / std::sqrt(t)), 1 - std::pow(t, options.beta_2_decay)};
  }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    const auto rms = [](const Tensor& x) { return sqrt(mean(square(x))); };
    const Tensor u = g / sqrt(squares_of(g, n[1], slots));
    return w - maximum(rms(w), options.epsilon_2) * n[0] *
                   (u / maximum(rms(u) / options.clip_threshold, 1));
  }

 private:
  Tensor squares_of(const Tensor& g, const Tensor& past, Slots& slots) const {
    const Tensor squares = square(g) + options.epsilon_1;
    const auto follow = [&](const char* name, const Tensor& now) {
      Tensor& of = slots(name, 0, now.shape());
      return of = past * of + (1 - past) * now;
    };
    if (g.rank() < 2) return follow("v", squares);
    const Tensor r = follow("r", mean(squares, -1)), c = follow("c", mean(squares, -2));
    return expand_dims(r / mean(r, -1, true), -1) * expand_dims(c, -2);
  }
};

}  // namespace

OptimizerRows adaptive_optimizers() {
  return {optimizer_row<AdagradRule>(), optimizer_row<AdadeltaRule>(), optimizer_row<FtrlRule>(),
          optimizer_row<AdafactorRule>()};
}

Adagrad::Adagrad(const AdagradOptions& options)
    : Optimizer(std::make_shared<AdagradRule>(options)) {}
Adadelta::Adadelta(const AdadeltaOptions& options)
    : Optimizer(std::make_shared<AdadeltaRule>(options)) {}
Ftrl::Ftrl(const FtrlOptions& options) : Optimizer(std::make_shared<FtrlRule>(options)) {}
Adafactor::Adafactor(const AdafactorOptions& options)
    : Optimizer(std::make_shared<AdafactorRule>(options)) {}

}  // namespace tempo
