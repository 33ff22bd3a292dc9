// SPDX-License-Identifier: Apache-2.0
// Convolutions over any number of spatial axes: windows of the input times a matrix.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

/// A kernel that slides over the spatial axes of x [..., spatial axes, channels]. The lists have
/// one entry for each of these axes.
struct Convolution {
  std::vector<int64_t> size, strides, dilation;
  std::string padding = "valid";  ///< "valid", "same" or "causal"

  int rank() const { return static_cast<int>(size.size()); }
  /// The number of places that the kernel spans along spatial axis i.
  int64_t reach(int i) const {
    const auto at = static_cast<std::size_t>(i);
    return (size[at] - 1) * dilation[at] + 1;
  }
  /// The number of outputs for n places along spatial axis i.
  int64_t places(int i, int64_t n) const {
    const int64_t stride = strides[static_cast<std::size_t>(i)];
    if (padding != "valid") return (n + stride - 1) / stride;
    return n < reach(i) ? 0 : (n - reach(i)) / stride + 1;
  }
  /// The numbers of zeros before and after n places of spatial axis i.
  std::array<int64_t, 2> zeros_around(int i, int64_t n) const {
    if (padding == "valid") return {0, 0};
    if (padding == "causal") return {reach(i) - 1, 0};
    const int64_t stride = strides[static_cast<std::size_t>(i)];
    const int64_t all = std::max<int64_t>(0, (places(i, n) - 1) * stride + reach(i) - n);
    return {all / 2, all - all / 2};
  }

  /// The windows of x, side by side on the last axis in the order of the kernel's rows:
  /// [..., places, size... * channels].
  Tensor windows_of(Tensor x) const {
    for (int i = rank() - 1; i >= 0; --i) {  // the last axis first: its places lie closest
      const auto at = static_cast<std::size_t>(i);
      const int axis = i - rank() - 1;
      const auto [before, after] = zeros_around(i, x.shape()[axis]);
      if (before > 0 || after > 0) x = pad(x, axis, before, after);
      if (size[at] > 1 || strides[at] > 1)
        x = windows(x, axis, size[at], strides[at], dilation[at]);
    }
    return x;
  }

  /// The convolution of x [..., spatial axes, channels] with kernel [size..., channels, filters].
  Tensor operator()(const Tensor& x, const Tensor& kernel) const {
    return matmul(windows_of(x), reshape(kernel, {-1, kernel.shape().back()}));
  }
};

}  // namespace tempo
