// SPDX-License-Identifier: Apache-2.0
// The optional bridge to xtensor, and the only public header that includes it.
#pragma once

#include <algorithm>

#include <xtensor/xarray.hpp>

#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// A copy of the tensor's elements; T must be its own dtype.
template <class T>
xt::xarray<T> to_xtensor(const Tensor& x) {
  const Shape shape = x.shape();
  xt::xarray<T> out(typename xt::xarray<T>::shape_type(shape.begin(), shape.end()));
  const T* elements = x.data<T>();
  std::copy(elements, elements + x.count(), out.begin());
  return out;
}

/// A tensor with a copy of an xtensor expression; its elements are float, double, int32_t, int64_t
/// or bool.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression) {
  using T = typename E::value_type;
  static_assert(sdk::is_element<T>(),
                "a tensor holds float, double, int32_t, int64_t or bool: use xt::cast<float>(x)");
  const xt::xarray<T, xt::layout_type::row_major> values = expression.derived_cast();
  Shape shape;
  for (const std::size_t extent : values.shape()) shape.push_back(static_cast<int64_t>(extent));
  return sdk::make(sdk::dtype_for<T>(), shape, values.data());
}

}  // namespace tempo
