// SPDX-License-Identifier: Apache-2.0
// Activations: functions of tensors by name, as Keras names them.
#pragma once

#include <tempo/names.hpp>
#include <tempo/ops.hpp>

namespace tempo TEMPO_HIDDEN {

class Layer;

namespace sdk {

struct ActivationFunction {
  const char* name;
  Tensor (*apply)(const Tensor& x);
};

inline Tensor selu(const Tensor& x) {  // Klambauer et al., 2017
  return 1.0507009873554805 * elu(x, 1.6732632423543772);
}
inline Tensor hard_sigmoid(const Tensor& x) { return clip(x / 6 + 0.5, 0, 1); }

inline constexpr ActivationFunction activations[] = {
    {"linear", [](const Tensor& x) { return x; }},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"softmax", [](const Tensor& x) { return softmax(x); }},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x); }},
    {"softplus", [](const Tensor& x) { return softplus(x); }},
    {"softsign", [](const Tensor& x) { return x / (1 + abs(x)); }},
    {"elu", [](const Tensor& x) { return elu(x); }},
    {"selu", [](const Tensor& x) { return selu(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"silu", [](const Tensor& x) { return x * sigmoid(x); }},
    {"swish", [](const Tensor& x) { return x * sigmoid(x); }},
    {"mish", [](const Tensor& x) { return x * tanh(softplus(x)); }},
    {"exponential", [](const Tensor& x) { return exp(x); }},
    {"leaky_relu", [](const Tensor& x) { return where(x > 0, x, 0.2 * x); }},
    {"relu6", [](const Tensor& x) { return clip(x, 0, 6); }},
    {"hard_sigmoid", [](const Tensor& x) { return hard_sigmoid(x); }},
    {"hard_tanh", [](const Tensor& x) { return clip(x, -1, 1); }},
    {"hard_silu", [](const Tensor& x) { return x * hard_sigmoid(x); }},
    {"log_sigmoid", [](const Tensor& x) { return -softplus(-x); }},
};

inline const ActivationFunction& find_activation(const std::string& name) {
  for (const ActivationFunction& each : activations)
    if (name == each.name) return each;
  std::vector<std::string> names;
  for (const ActivationFunction& each : activations) names.push_back(each.name);
  throw Error("activation `" + name + "`: there is none by that name" + did_you_mean(name, names) +
              "\n  There are " + listed(names) + ".");
}

}  // namespace sdk

/// A function of tensors by name: `Activation f = "tanh"; y = f(x);`. None ("", nullptr) is linear.
/// An unknown name is an Error with the nearest one and a list of all.
class Activation {
 public:
  Activation(const char* name = nullptr) : Activation(std::string(name ? name : "")) {}
  Activation(const std::string& name)
      : name_(name.empty() ? "linear" : name), apply_(sdk::find_activation(name_).apply) {}

  Tensor operator()(const Tensor& x) const { return apply_(x); }
  /// As a layer of its own: Sequential({Dense({.units = 8}), Activation("relu")}). It is defined in
  /// tempo/layers/activations.hpp.
  operator Layer() const;
  const std::string& name() const { return name_; }

  friend bool operator==(const Activation& a, const Activation& b) { return a.name_ == b.name_; }

 private:
  std::string name_;
  Tensor (*apply_)(const Tensor& x);
};

}  // namespace tempo
