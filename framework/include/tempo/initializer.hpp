// SPDX-License-Identifier: Apache-2.0
// Initializers: the first values of weights, by name and arguments, as Keras names them.
#pragma once

#include <concepts>

#include <tempo/ops.hpp>

namespace tempo TEMPO_HIDDEN {

/// The first values of a weight: `.kernel_initializer = "he_normal"`, `= constant(0.1)`,
/// `= random_uniform(-0.1, 0.1)`, `= glorot_uniform({.seed = 3})`. Checked when it is used.
class Initializer {
 public:
  Initializer() = default;
  Initializer(const char* text) : text_(text ? text : "") {}
  Initializer(std::string text) : text_(std::move(text)) {}

  /// "constant(value=0.1)": the form that options, files and plugins carry.
  const std::string& text() const { return text_; }

  /// Makes a tensor of this shape.
  Tensor operator()(const Shape& shape, DType dtype = DType::automatic) const {
    tempo_tensor* out = nullptr;
    const tempo_type type = sdk::to_abi(dtype, shape);
    sdk::check(sdk::host().initialize(text_.c_str(), &type, &out));
    return Tensor(out);
  }

  friend bool operator==(const Initializer&, const Initializer&) = default;

 private:
  std::string text_;
};

namespace sdk {

/// Keeps `zeros({3, 4})` a shape: a struct that begins with this cannot be made from numbers.
struct Named {
  constexpr Named() {}
  friend bool operator==(const Named&, const Named&) = default;
};

/// "name(key=value, ...)" with numbers that read back exactly; negative seeds are left out.
class CallWriter {
 public:
  explicit CallWriter(const char* name) : text_(name) {}
  CallWriter& operator()(const char* key, double value) { return add(key, shortest(value)); }
  CallWriter& operator()(const char* key, const char* value) { return add(key, value); }
  CallWriter& operator()(const char* key, const Axes& axes) {
    std::string list;
    for (const int axis : axes) list += (list.empty() ? "" : ", ") + std::to_string(axis);
    return add(key, "[" + list + "]");
  }
  CallWriter& seed(int64_t value) { return value < 0 ? *this : add("seed", std::to_string(value)); }
  std::string text() const { return any_ ? text_ + ")" : text_; }
  operator Initializer() const { return Initializer(text()); }

 private:
  CallWriter& add(const char* key, const std::string& value) {
    text_ += (any_ ? ", " : "(") + (key + ("=" + value));
    any_ = true;
    return *this;
  }
  std::string text_;
  bool any_ = false;
};

/// A type that converts to a number. As a template's parameter it lets
/// `random_uniform({10}, -1, 1)` be a tensor of shape [10]; a double would take {10} for a number.
template <class T>
concept Number = std::convertible_to<T, double>;

}  // namespace sdk

/// Options of the random initializers. A seed gives the same values each time; a seed below 0 draws
/// them from the generator that set_seed starts.
struct SeededOptions {
  sdk::Named named = {};
  int64_t seed = -1;
};
struct VarianceScalingOptions {
  sdk::Named named = {};
  double scale = 1;
  const char* mode = "fan_in";                    ///< fan_in, fan_out or fan_avg
  const char* distribution = "truncated_normal";  ///< or untruncated_normal, uniform
  int64_t seed = -1;
};
struct OrthogonalOptions {
  sdk::Named named = {};
  double gain = 1;
  int64_t seed = -1;
};

// Without a shape these are initializers; with one, tensors: `parameter(glorot_uniform({3, 4}))`.
// The latter are templates because GCC 12 also takes {.seed = 3} for a shape, and then prefers a
// function that is not a template.

inline Initializer zeros() { return "zeros"; }
inline Initializer ones() { return "ones"; }
inline Initializer constant(double value) { return sdk::CallWriter("constant")("value", value); }
inline Initializer identity() { return "identity"; }
template <sdk::Number Gain>
Initializer identity(Gain gain) {
  return sdk::CallWriter("identity")("gain", static_cast<double>(gain));
}
template <int = 0>
Tensor identity(const Shape& shape, DType dtype = DType::automatic) {
  return Initializer("identity")(shape, dtype);
}

template <sdk::Number Mean>
Initializer random_normal(Mean mean, double stddev, int64_t seed = -1) {
  return sdk::CallWriter("random_normal")("mean", static_cast<double>(mean))("stddev", stddev)
      .seed(seed);
}
template <sdk::Number Least>
Initializer random_uniform(Least minval, double maxval, int64_t seed = -1) {
  return sdk::CallWriter("random_uniform")("minval", static_cast<double>(minval))("maxval", maxval)
      .seed(seed);
}
/// Normal numbers; those more than two deviations from the mean are drawn again.
inline Initializer truncated_normal() { return "truncated_normal"; }
template <sdk::Number Mean>
Initializer truncated_normal(Mean mean, double stddev = 0.05, int64_t seed = -1) {
  return sdk::CallWriter("truncated_normal")("mean", static_cast<double>(mean))("stddev", stddev)
      .seed(seed);
}
template <int = 0>
Tensor truncated_normal(const Shape& shape, double mean = 0, double stddev = 1,
                        DType dtype = DType::automatic, int64_t seed = -1) {
  return Initializer(truncated_normal(mean, stddev, seed))(shape, dtype);
}
/// Random numbers of variance scale / fan (He et al., 2015).
inline Initializer variance_scaling(const VarianceScalingOptions& o = {}) {
  return sdk::CallWriter("variance_scaling")("scale", o.scale)("mode", o.mode)("distribution",
                                                                               o.distribution)
      .seed(o.seed);
}
/// Orthonormal rows or columns, whichever are fewer (Saxe et al., 2014).
inline Initializer orthogonal(const OrthogonalOptions& o = {}) {
  return sdk::CallWriter("orthogonal")("gain", o.gain).seed(o.seed);
}
template <sdk::Number Gain>
Initializer orthogonal(Gain gain) {
  return orthogonal(OrthogonalOptions{.gain = static_cast<double>(gain)});
}
template <int = 0>
Tensor orthogonal(const Shape& shape, DType dtype = DType::automatic) {
  return Initializer("orthogonal")(shape, dtype);
}

#define TEMPO_SCALED_INITIALIZER(name)                              \
  inline Initializer name(const SeededOptions& o = {}) {            \
    return sdk::CallWriter(#name).seed(o.seed);                     \
  }                                                                 \
  template <int = 0>                                                \
  Tensor name(const Shape& shape, DType dtype = DType::automatic) { \
    return Initializer(#name)(shape, dtype);                        \
  }
TEMPO_SCALED_INITIALIZER(glorot_uniform)
TEMPO_SCALED_INITIALIZER(glorot_normal)
TEMPO_SCALED_INITIALIZER(he_uniform)
TEMPO_SCALED_INITIALIZER(he_normal)
TEMPO_SCALED_INITIALIZER(lecun_uniform)
TEMPO_SCALED_INITIALIZER(lecun_normal)
#undef TEMPO_SCALED_INITIALIZER

}  // namespace tempo
