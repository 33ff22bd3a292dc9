// SPDX-License-Identifier: Apache-2.0
// Regularizers: penalties of weights and outputs, by name and arguments, as Keras names them.
#pragma once

#include <tempo/initializer.hpp>
#include <tempo/misspelt.hpp>

namespace tempo TEMPO_HIDDEN {

/// A penalty that is added to the loss: `.kernel_regularizer = "l2"`, `= L2(0.001)`,
/// `= L1L2({.l1 = 0.01, .l2 = 0.02})`; "" and nullptr are none. An unknown name or argument is an
/// Error when it is used.
class Regularizer {
 public:
  Regularizer() = default;
  Regularizer(const char* text) : text_(text ? text : "") {}
  Regularizer(std::string text) : text_(std::move(text)) {}

  /// "l2(l2=0.001)": the form that options, files and plugins carry.
  const std::string& text() const { return text_; }
  explicit operator bool() const { return !text_.empty(); }

  /// The penalty of w, one number; 0 if there is no regularizer.
  Tensor operator()(const Tensor& w) const {
    tempo_tensor* out = nullptr;
    sdk::check(sdk::host().penalize(text_.c_str(), w.handle(), &out));
    return Tensor(out);
  }

  friend bool operator==(const Regularizer&, const Regularizer&) = default;

 private:
  std::string text_;
};

struct L1L2Options {
  sdk::Named named = {};
  double l1 = 0;
  double l2 = 0;
};
struct OrthogonalRegularizerOptions {
  sdk::Named named = {};
  double factor = 0.01;
  const char* mode = "rows";  ///< or columns
};

/// l1 * sum |w|
inline Regularizer L1(double l1 = 0.01) { return sdk::CallWriter("l1")("l1", l1).text(); }
/// l2 * sum w^2
inline Regularizer L2(double l2 = 0.01) { return sdk::CallWriter("l2")("l2", l2).text(); }
/// The sum of both.
inline Regularizer L1L2(const L1L2Options& o) {
  return sdk::CallWriter("l1_l2")("l1", o.l1)("l2", o.l2).text();
}
TEMPO_OPTIONS(Regularizer L1L2, L1L2Options);
/// factor * the mean over all pairs of the |cosine| of the angle between two rows, or columns, of a
/// matrix.
inline Regularizer OrthogonalRegularizer(const OrthogonalRegularizerOptions& o = {}) {
  return sdk::CallWriter("orthogonal_regularizer")("factor", o.factor)("mode", o.mode).text();
}
TEMPO_OPTIONS(Regularizer OrthogonalRegularizer, OrthogonalRegularizerOptions);

}  // namespace tempo
