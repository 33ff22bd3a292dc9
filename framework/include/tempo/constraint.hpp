// SPDX-License-Identifier: Apache-2.0
// Constraints: conditions that weights must meet after each step of an optimizer, by name and
// arguments, as Keras names them.
#pragma once

#include <tempo/axes.hpp>
#include <tempo/initializer.hpp>
#include <tempo/misspelt.hpp>

namespace tempo TEMPO_HIDDEN {

/// Maps a weight to one that meets the constraint: `.kernel_constraint = "non_neg"`,
/// `= MaxNorm({.max_value = 3})`; "" and nullptr are none. An unknown name or argument is an Error
/// when it is used.
class Constraint {
 public:
  Constraint() = default;
  Constraint(const char* text) : text_(text ? text : "") {}
  Constraint(std::string text) : text_(std::move(text)) {}

  /// "max_norm(max_value=3, axis=[0])": the form that options, files and plugins carry.
  const std::string& text() const { return text_; }
  explicit operator bool() const { return !text_.empty(); }

  /// The constrained w; w itself if there is no constraint.
  Tensor operator()(const Tensor& w) const {
    tempo_tensor* out = nullptr;
    sdk::check(sdk::host().constrain(text_.c_str(), w.handle(), &out));
    return Tensor(out);
  }

  friend bool operator==(const Constraint&, const Constraint&) = default;

 private:
  std::string text_;
};

/// Norms are taken along `axis`: `.axis = {0}`, Keras's default, takes the norm of each unit of a
/// kernel [features, units].
struct MaxNormOptions {
  sdk::Named named = {};
  double max_value = 2;
  Axes axis = {0};
};
struct UnitNormOptions {
  sdk::Named named = {};
  Axes axis = {0};
};
struct MinMaxNormOptions {
  sdk::Named named = {};
  double min_value = 0;
  double max_value = 1;
  double rate = 1;  ///< the fraction of the way to the bounds that each step goes
  Axes axis = {0};
};

/// Norms are at most max_value (Srivastava et al., 2014).
inline Constraint MaxNorm(const MaxNormOptions& o = {}) {
  return sdk::CallWriter("max_norm")("max_value", o.max_value)("axis", o.axis).text();
}
TEMPO_OPTIONS(Constraint MaxNorm, MaxNormOptions);
template <sdk::Number Most>
Constraint MaxNorm(Most max_value) {
  return MaxNorm(MaxNormOptions{.max_value = static_cast<double>(max_value)});
}
/// No element is below 0.
inline Constraint NonNeg() { return "non_neg"; }
/// Norms are 1.
inline Constraint UnitNorm(const UnitNormOptions& o = {}) {
  return sdk::CallWriter("unit_norm")("axis", o.axis).text();
}
TEMPO_OPTIONS(Constraint UnitNorm, UnitNormOptions);
/// Norms lie within bounds.
inline Constraint MinMaxNorm(const MinMaxNormOptions& o = {}) {
  return sdk::CallWriter("min_max_norm")("min_value", o.min_value)("max_value", o.max_value)(
             "rate", o.rate)("axis", o.axis)
      .text();
}
TEMPO_OPTIONS(Constraint MinMaxNorm, MinMaxNormOptions);

}  // namespace tempo
