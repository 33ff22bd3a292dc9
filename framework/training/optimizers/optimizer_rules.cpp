// SPDX-License-Identifier: Apache-2.0
// Gradient descent and RMSprop, and the table of all optimizers.
#include "plugin/registry.hpp"
#include "training/optimizers/optimizer_rule.hpp"

namespace tempo {

namespace {

// v = mu v - lr g;  w + v, with Nesterov's w + mu v - lr g
struct SGDRule : Rule<SGDRule, SGDOptions> {
  using Rule::Rule;
  static constexpr const char* names[] = {"sgd"};
  static void describe_own(auto& setting, SGDOptions& o) {
    setting("momentum", o.momentum, past_share);
    setting("nesterov", o.nesterov);
  }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    const double mu = options.momentum;
    if (mu == 0) return w - n[0] * g;
    Tensor& v = slots("momentum");
    v = mu * v - n[0] * g;
    return options.nesterov ? w + mu * v - n[0] * g : w + v;
  }
};

// v = rho v + (1 - rho) g^2;  w - lr g / sqrt(v + epsilon); centered: v minus the squared mean, a
// variance, which rounding must not make negative
struct RMSpropRule : Rule<RMSpropRule, RMSpropOptions> {
  using Rule::Rule;
  static constexpr const char* names[] = {"rmsprop", "RMSprop"};
  static void describe_own(auto& setting, RMSpropOptions& o) {
    setting("rho", o.rho, past_share);
    setting("momentum", o.momentum, past_share);
    setting("epsilon", o.epsilon, not_negative);
    setting("centered", o.centered);
  }
  double least_divisor() const override { return options.epsilon; }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    const double rho = options.rho, mu = options.momentum;
    Tensor& v = slots("velocity");
    v = rho * v + (1 - rho) * square(g);
    Tensor spread = v + options.epsilon;
    if (options.centered) {
      Tensor& average = slots("average_gradient");
      average = rho * average + (1 - rho) * g;
      spread = maximum(spread - square(average), options.epsilon);
    }
    const Tensor increment = n[0] * g / sqrt(spread);
    if (mu == 0) return w - increment;
    Tensor& m = slots("momentum");
    m = mu * m + increment;
    return w - m;
  }
};

std::span<const Named<OptimizerRef>> optimizers() {
  static const auto& rows = []() -> const OptimizerRows& {
    auto& all = *new OptimizerRows{optimizer_row<SGDRule>(), optimizer_row<RMSpropRule>()};
    for (const OptimizerRows& more : {moment_optimizers(), adaptive_optimizers()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return rows;
}

OptimizerRef from_text(const std::string& text) {
  SettingsReader reader("optimizer", text);
  if (const auto* row = row_for(reader, optimizers())) return read_by(*row, reader);
  if (OptimizerRef plugins = plugin_optimizer(reader)) return plugins;
  std::vector<std::string> known = names_in(optimizers());
  for (const std::string& name : function_names(TEMPO_OPTIMIZER)) known.push_back(name);
  reader.unknown(known);
}

[[maybe_unused]] const bool told =
    tell_own_names(TEMPO_OPTIMIZER, [] { return names_in(optimizers()); });

}  // namespace

Optimizer::Optimizer(const std::string& text) : state_(from_text(text)) {}

SGD::SGD(const SGDOptions& options) : Optimizer(std::make_shared<SGDRule>(options)) {}
RMSprop::RMSprop(const RMSpropOptions& options)
    : Optimizer(std::make_shared<RMSpropRule>(options)) {}

}  // namespace tempo
