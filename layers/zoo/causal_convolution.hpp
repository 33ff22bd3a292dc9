// SPDX-License-Identifier: Apache-2.0
// The short convolution before some recurrences, as a part of their step.
#pragma once

#include <utility>

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {
namespace zoo {

/// A convolution over this step and earlier ones, each channel by itself. A state of its cell holds
/// the steps that it still sees: the last width - 1, oldest first, [batch, (width - 1) * channels].
struct CausalConvolution {
  void build(Weights& add, int64_t width, int64_t channels) {
    const double most = 1 / std::sqrt(static_cast<double>(width));
    kernel = add("conv_kernel", {width, channels}, random_uniform(-most, most));
    bias = add("conv_bias", {channels}, zeros());
  }

  /// Its value at x [batch, channels], and the next state.
  std::pair<Tensor, Tensor> operator()(const Tensor& x, const Tensor& window) const {
    const int64_t channels = x.shape().back(), seen = window.shape().back() / channels;
    const auto n = static_cast<std::size_t>(seen);
    const Tensors steps = split(window, std::vector<int64_t>(n, channels));
    Tensor y = x * take(kernel, seen) + bias;
    for (std::size_t i = 0; i < n; ++i) y = y + steps[i] * take(kernel, static_cast<int64_t>(i));
    Tensors rest(steps.begin() + 1, steps.end());
    rest.push_back(x);
    return {y, rest.size() == 1 ? x : concat(rest)};
  }

  Tensor kernel, bias;
};

}  // namespace zoo
}  // namespace tempo
