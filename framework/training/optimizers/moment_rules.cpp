// SPDX-License-Identifier: Apache-2.0
// The family of Adam: steps by running means of the gradient and of its square.
#include <array>

#include "training/optimizers/optimizer_rule.hpp"

namespace tempo {

namespace {

template <class R, class O>
struct MomentRule : Rule<R, O> {
  using Rule<R, O>::Rule;
  static void describe_own(auto& setting, O& o) {
    setting("beta_1", o.beta_1, past_share);
    setting("beta_2", o.beta_2, past_share);
    if constexpr (requires { o.epsilon; }) setting("epsilon", o.epsilon, not_negative);
    if constexpr (requires { o.amsgrad; }) setting("amsgrad", o.amsgrad);
  }
};

// m = m + (g - m) (1 - beta_1)
void follow_mean(const auto& o, const Tensor& g, Slots& slots) {
  Tensor& m = slots("m");
  m = m + (g - m) * (1 - o.beta_1);
}

// And v = v + (g^2 - v) (1 - beta_2)
void follow_moments(const auto& o, const Tensor& g, Slots& slots) {
  follow_mean(o, g, slots);
  Tensor& v = slots("v");
  v = v + (square(g) - v) * (1 - o.beta_2);
}

// The form before section 2.1 of the paper ("epsilon hat"): the learning rate corrects the bias.
template <class R, class O>
struct AdamFormula : MomentRule<R, O> {
  using MomentRule<R, O>::MomentRule, MomentRule<R, O>::options;
  double least_divisor() const override { return options.epsilon; }
  Rates rates() const override {
    return {this->learning_rate * std::sqrt(this->grown(options.beta_2)) /
            this->grown(options.beta_1)};
  }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    follow_moments(options, g, slots);
    if (options.amsgrad) {
      const Tensor v = slots("v");
      Tensor& largest = slots("v_hat");
      largest = maximum(largest, v);
    }
    const Tensor spread = sqrt(slots(options.amsgrad ? "v_hat" : "v"));
    return w - n[0] * slots("m") / (spread + options.epsilon);
  }
};

struct AdamRule : AdamFormula<AdamRule, AdamOptions> {
  using AdamFormula::AdamFormula;
  static constexpr const char* names[] = {"adam"};
};

struct AdamWRule : AdamFormula<AdamWRule, AdamWOptions> {
  using AdamFormula::AdamFormula;
  static constexpr const char* names[] = {"adamw", "AdamW"};
};

// u = max(b2 u, |g|);  w - lr / (1 - b1^t) m / (u + epsilon)
struct AdamaxRule : MomentRule<AdamaxRule, AdamaxOptions> {
  using MomentRule::MomentRule;
  static constexpr const char* names[] = {"adamax"};
  double least_divisor() const override { return options.epsilon; }
  Rates rates() const override { return {learning_rate / grown(options.beta_1)}; }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    follow_mean(options, g, slots);
    Tensor& u = slots("u");
    u = maximum(options.beta_2 * u, abs(g));
    return w - n[0] * slots("m") / (u + options.epsilon);
  }
};

// With b(t) = b1 (1 - 0.96^t / 2) and P = b(1) ... b(t):
// w - lr (b(t+1) m / (1 - P b(t+1)) + (1 - b(t)) g / (1 - P)) / (sqrt(v / (1 - b2^t)) + epsilon)
struct NadamRule : MomentRule<NadamRule, NadamOptions> {
  using MomentRule::MomentRule;
  static constexpr const char* names[] = {"nadam"};
  double least_divisor() const override { return options.epsilon; }
  Rates rates() const override {
    const auto t = static_cast<double>(iterations + 1);
    const double product = std::pow(options.beta_1, t) * warm_product(iterations + 1);
    const double now = options.beta_1 * warm(t), later = options.beta_1 * warm(t + 1);
    return {learning_rate * later / (1 - product * later),
            learning_rate * (1 - now) / (1 - product), 1 / grown(options.beta_2)};
  }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    follow_moments(options, g, slots);
    return w - (n[0] * slots("m") + n[1] * g) / (sqrt(slots("v") * n[2]) + options.epsilon);
  }

 private:
  // 0.96^1000 is too small to change a double near 1.
  static constexpr int64_t last_warm_step = 1000;
  static double warm(double step) { return 1 - 0.5 * std::pow(0.96, step); }
  // warm(1) ... warm(t)
  static double warm_product(int64_t t) {
    static const auto products = [] {
      std::array<double, last_warm_step + 1> all{1};
      for (std::size_t i = 1; i < all.size(); ++i)
        all[i] = all[i - 1] * warm(static_cast<double>(i));
      return all;
    }();
    return products[static_cast<std::size_t>(std::min(t, last_warm_step))];
  }
};

struct LionRule : MomentRule<LionRule, LionOptions> {
  using MomentRule::MomentRule;
  static constexpr const char* names[] = {"lion"};
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    const double b1 = options.beta_1, b2 = options.beta_2;
    Tensor& m = slots("m");
    const Tensor direction = sign(b1 * m + (1 - b1) * g);
    m = b2 * m + (1 - b2) * g;
    return w - n[0] * direction;
  }
};

// u = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon);  w - lr |w| / |u| u
struct LambRule : MomentRule<LambRule, LambOptions> {
  using MomentRule::MomentRule;
  static constexpr const char* names[] = {"lamb"};
  bool elementwise() const override { return false; }
  Rates rates() const override {
    return {learning_rate, 1 / grown(options.beta_1), 1 / grown(options.beta_2)};
  }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    follow_moments(options, g, slots);
    const Tensor u = slots("m") * n[1] / (sqrt(slots("v") * n[2]) + options.epsilon);
    const auto norm = [](const Tensor& x) { return sqrt(sum(square(x))); };
    const Tensor of_w = norm(w), of_u = norm(u);
    const Tensor trust = where(logical_and(of_w > 0, of_u > 0), of_w / of_u, 1);
    return w - n[0] * trust * u;
  }
};

}  // namespace

OptimizerRows moment_optimizers() {
  return {optimizer_row<AdamRule>(),  optimizer_row<AdamWRule>(), optimizer_row<AdamaxRule>(),
          optimizer_row<NadamRule>(), optimizer_row<LionRule>(),  optimizer_row<LambRule>()};
}

Adam::Adam(const AdamOptions& options) : Optimizer(std::make_shared<AdamRule>(options)) {}
AdamW::AdamW(const AdamWOptions& options) : Optimizer(std::make_shared<AdamWRule>(options)) {}
Adamax::Adamax(const AdamaxOptions& options) : Optimizer(std::make_shared<AdamaxRule>(options)) {}
Nadam::Nadam(const NadamOptions& options) : Optimizer(std::make_shared<NadamRule>(options)) {}
Lion::Lion(const LionOptions& options) : Optimizer(std::make_shared<LionRule>(options)) {}
Lamb::Lamb(const LambOptions& options) : Optimizer(std::make_shared<LambRule>(options)) {}

}  // namespace tempo
