// SPDX-License-Identifier: Apache-2.0
// Activations: functions of tensors by name and arguments, as Keras names them.
#pragma once

#include <array>

#include <tempo/names.hpp>
#include <tempo/number.hpp>
#include <tempo/ops.hpp>

namespace tempo TEMPO_HIDDEN {

class Layer;

/// The nearest point to x whose elements are at least 0 and sum to 1 along the axis; many of them
/// are 0 (Martins and Astudillo, 2016). It compares all pairs of elements along the axis.
inline Tensor sparsemax(const Tensor& x, int axis = -1) {
  sdk::require_along("sparsemax", x, {axis});
  if (x.count() == 0) return x;
  const int along = axis < 0 ? axis + x.rank() : axis, of_others = along + 1;
  const Tensor others = expand_dims(x, along);
  const Tensor no_less = others >= expand_dims(x, of_others);  // [..., n, n, ...]
  const Tensor count = sum(cast(no_less, x.dtype()), of_others),
               total = sum(where(no_less, others, 0), of_others);
  const Tensor has_none = 1 + count * x <= total;  // equation 4 of the paper, without a sort
  const Tensor shared = sum(where(has_none, 0, x), along, true) - 1,
               among = sum(where(has_none, 0, ones_like(x)), along, true);
  return relu(x - shared / among);
}

namespace sdk {

/// The numeric arguments of an activation, in the order of its `arguments`.
using ActivationArguments = std::array<double, 3>;

struct ActivationFunction {
  const char* name;
  Tensor (*apply)(const Tensor& x, const ActivationArguments& a);
  const char* arguments = "";  ///< "negative_slope=0.2, ..."; one without a number must be given
};

inline Tensor selu(const Tensor& x) {  // Klambauer et al., 2017
  return 1.0507009873554805 * elu(x, 1.6732632423543772);
}
inline Tensor hard_sigmoid(const Tensor& x) { return clip(x / 6 + 0.5, 0, 1); }
/// x above the threshold, at most max_value; below it negative_slope (x - threshold).
inline Tensor relu(const Tensor& x, double negative_slope, double max_value, double threshold) {
  const Tensor above = std::isinf(max_value) ? x : minimum(x, max_value);
  if (negative_slope == 0 && threshold == 0) return tempo::relu(above);
  if (negative_slope == 0) return where(x <= threshold, 0, above);
  return where(x <= threshold, negative_slope * (x - threshold), above);
}
inline Tensor gelu(const Tensor& x, bool approximate) {
  if (!approximate) return tempo::gelu(x);
  return 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * square(x))));
}
inline Tensor celu(const Tensor& x, double alpha) {  // Barron, 2017
  return where(x > 0, x, alpha * (exp(minimum(x, 0) / alpha) - 1));
}
inline Tensor glu(const Tensor& x, int axis) {  // Dauphin et al., 2017
  const int64_t half = x.shape()[axis] / 2;
  return slice(x, axis, 0, half) * sigmoid(slice(x, axis, half, x.shape()[axis]));
}

#define TEMPO_ACTIVATION(...) \
  [](const Tensor& x, [[maybe_unused]] const ActivationArguments& a) -> Tensor { __VA_ARGS__; }
inline constexpr ActivationFunction activations[] = {
    {"linear", TEMPO_ACTIVATION(return x)},
    {"relu", TEMPO_ACTIVATION(return relu(x, a[0], a[1], a[2])),
     "negative_slope=0, max_value=inf, threshold=0"},
    {"tanh", TEMPO_ACTIVATION(return tanh(x))},
    {"sigmoid", TEMPO_ACTIVATION(return sigmoid(x))},
    {"softmax", TEMPO_ACTIVATION(return softmax(x, static_cast<int>(a[0]))), "axis=-1"},
    {"log_softmax", TEMPO_ACTIVATION(return log_softmax(x, static_cast<int>(a[0]))), "axis=-1"},
    {"softplus", TEMPO_ACTIVATION(return softplus(x))},
    {"softsign", TEMPO_ACTIVATION(return softsign(x))},
    {"elu", TEMPO_ACTIVATION(return elu(x, a[0])), "alpha=1"},
    {"selu", TEMPO_ACTIVATION(return selu(x))},
    {"gelu", TEMPO_ACTIVATION(return sdk::gelu(x, a[0] != 0)), "approximate=false"},
    {"silu", TEMPO_ACTIVATION(return silu(x))},
    {"swish", TEMPO_ACTIVATION(return silu(x))},
    {"mish", TEMPO_ACTIVATION(return x * tanh(softplus(x)))},
    {"exponential", TEMPO_ACTIVATION(return exp(x))},
    {"leaky_relu", TEMPO_ACTIVATION(return where(x > 0, x, a[0] * x)), "negative_slope=0.2"},
    {"relu6", TEMPO_ACTIVATION(return clip(x, 0, 6))},
    {"hard_sigmoid", TEMPO_ACTIVATION(return hard_sigmoid(x))},
    {"hard_tanh", TEMPO_ACTIVATION(return clip(x, -1, 1))},
    {"hard_silu", TEMPO_ACTIVATION(return x * hard_sigmoid(x))},
    {"log_sigmoid", TEMPO_ACTIVATION(return log_sigmoid(x))},
    {"celu", TEMPO_ACTIVATION(return celu(x, a[0])), "alpha=1"},
    {"glu", TEMPO_ACTIVATION(return glu(x, static_cast<int>(a[0]))), "axis=-1"},
    {"hard_shrink", TEMPO_ACTIVATION(return where(abs(x) > a[0], x, 0)), "threshold=0.5"},
    {"soft_shrink", TEMPO_ACTIVATION(return x - clip(x, -a[0], a[0])), "threshold=0.5"},
    {"tanh_shrink", TEMPO_ACTIVATION(return x - tanh(x))},
    {"threshold", TEMPO_ACTIVATION(return where(x > a[0], x, a[1])), "threshold, default_value"},
    {"squareplus", TEMPO_ACTIVATION(return (x + sqrt(square(x) + a[0])) / 2), "b=4"},
    {"sparse_plus", TEMPO_ACTIVATION(return where(x > 1, x, square(clip(x, -1, 1) + 1) / 4))},
    {"sparse_sigmoid", TEMPO_ACTIVATION(return clip(x / 2 + 0.5, 0, 1))},
    {"hard_swish", TEMPO_ACTIVATION(return x * hard_sigmoid(x))},
    {"sparsemax", TEMPO_ACTIVATION(return sparsemax(x, static_cast<int>(a[0]))), "axis=-1"},
};
#undef TEMPO_ACTIVATION

/// Parses "name(value, key=value)" into the function and its arguments.
class ActivationText {
 public:
  /// Whether the name is one of the functions above; any other may be a plugin's.
  static bool is_known(const std::string& text) {
    const std::string name = trimmed(text.substr(0, text.find('(')));
    return std::any_of(std::begin(activations), std::end(activations),
                       [&](const ActivationFunction& each) { return name == each.name; });
  }
  explicit ActivationText(const std::string& text) : text_(text) {
    const std::string whole = trimmed(text);
    const std::size_t open = whole.find('(');
    find(trimmed(whole.substr(0, open)));
    std::vector<std::string> keys;
    std::vector<bool> known;
    for (const auto& [key, value] : parts(function_->arguments)) {
      keys.push_back(key);
      known.push_back(!value.empty());
      if (!value.empty()) arguments_[keys.size() - 1] = number(key, value);
    }
    if (open != whole.npos) {
      if (whole.back() != ')') fail("its parenthesis is not closed");
      read(whole.substr(open + 1, whole.size() - open - 2), keys, known);
    }
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (!known[i]) fail("`" + keys[i] + "` is not given");
  }

  const ActivationFunction& function() const { return *function_; }
  const ActivationArguments& arguments() const { return arguments_; }

  /// Splits "axis=-1, b" into keys and values; a key that stands alone has the value "".
  static std::vector<std::pair<std::string, std::string>> parts(const std::string& list) {
    std::vector<std::pair<std::string, std::string>> all;
    for (std::size_t at = 0; !trimmed(list).empty() && at <= list.size();) {
      const std::size_t end = std::min(list.find(',', at), list.size());
      const std::string part = list.substr(at, end - at);
      const std::size_t equals = std::min(part.find('='), part.size());
      all.emplace_back(trimmed(part.substr(0, equals)),
                       equals < part.size() ? trimmed(part.substr(equals + 1)) : "");
      at = end + 1;
    }
    return all;
  }

 private:
  static std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == text.npos ? "" : text.substr(first, text.find_last_not_of(' ') + 1 - first);
  }
  [[noreturn]] void fail(const std::string& why) const {
    throw Error("activation `" + text_ + "`: " + why + ".");
  }

  void find(const std::string& name) {
    std::vector<std::string> names;
    for (const ActivationFunction& each : activations) {
      if (name == each.name) function_ = &each;
      names.push_back(each.name);
    }
    if (!function_)
      fail("there is none by that name" + did_you_mean(name, names) + "\n  There are " +
           listed(names));
  }

  void read(const std::string& given, const std::vector<std::string>& keys,
            std::vector<bool>& known) {
    std::vector<std::string> seen;
    for (auto [key, value] : parts(given)) {
      if (seen.size() >= keys.size())
        fail(keys.empty() ? "it takes no arguments" : "it has too many arguments");
      if (value.empty()) {
        value = key;
        key = keys[seen.size()];
      }
      const auto place = std::find(keys.begin(), keys.end(), key);
      if (place == keys.end())
        fail("it has no argument `" + key + "`" + did_you_mean(key, keys) + " It takes " +
             listed(keys));
      if (std::find(seen.begin(), seen.end(), key) != seen.end())
        fail("`" + key + "` is given twice");
      seen.push_back(key);
      const auto i = static_cast<std::size_t>(place - keys.begin());
      arguments_[i] = number(key, value);
      known[i] = true;
    }
  }

  double number(const std::string& key, const std::string& value) const {
    if (value == "true" || value == "True") return 1;
    if (value == "false" || value == "False") return 0;
    double read = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, read);
    if (error != std::errc{} || stop != end || std::isnan(read))
      fail("`" + key + "` is `" + value + "`, not a number");
    if (key == "axis" && read != std::trunc(read))
      fail("`" + key + "` is `" + value + "`, not an integer");
    return read;
  }

  std::string text_;
  const ActivationFunction* function_ = nullptr;
  ActivationArguments arguments_{};
};

}  // namespace sdk

/// A function of tensors by name: `Activation f = "tanh"; y = f(x);`. Some take arguments:
/// "leaky_relu(negative_slope=0.1)". A plugin's function is "plugin.name". Empty names ("",
/// nullptr) are linear. An unknown name throws an Error with the nearest name and a list of all.
class Activation {
 public:
  Activation(const char* name = nullptr) : Activation(std::string(name ? name : "")) {}
  Activation(const std::string& name) : name_(name.empty() ? "linear" : name) {
    if (!sdk::ActivationText::is_known(name_)) {
      sdk::check(sdk::host().find_function(TEMPO_ACTIVATION, name_.c_str(), &plugins_));
      return;
    }
    const sdk::ActivationText read(name_);
    apply_ = read.function().apply;
    arguments_ = read.arguments();
  }

  Tensor operator()(const Tensor& x) const {
    return plugins_ ? by_plugin(x) : apply_(x, arguments_);
  }
  /// The activation as a layer: Sequential({Dense({.units = 8}), Activation("relu")}). Defined in
  /// tempo/layers/activations.hpp.
  operator Layer() const;
  const std::string& name() const { return name_; }

  friend bool operator==(const Activation& a, const Activation& b) { return a.name_ == b.name_; }

 private:
  Tensor by_plugin(const Tensor& x) const {
    tempo_tensor *const in = x.handle(), *out = nullptr;
    sdk::check(sdk::host().call_function(plugins_, &in, 1, &out, 1));
    return Tensor(out);
  }

  std::string name_;
  Tensor (*apply_)(const Tensor& x, const sdk::ActivationArguments& a) = nullptr;
  sdk::ActivationArguments arguments_{};
  const tempo_function* plugins_ = nullptr;
};

}  // namespace tempo
