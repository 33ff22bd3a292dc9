// SPDX-License-Identifier: Apache-2.0
// LAPACK by way of xtensor-blas. Apart from the rest because its headers compile slowly.
#include "tensor/kernels/linear_algebra.hpp"

#include <limits>
#include <utility>

#include <xtensor-blas/xlinalg.hpp>
#include <xtensor/xadapt.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include "tensor/process_lock.hpp"

namespace tempo {
namespace {

template <class T>
void orthogonalize(const View& a, const View& q) {
  const std::array<std::size_t, 2> shape{static_cast<std::size_t>(a.shape()[0]),
                                         static_cast<std::size_t>(a.shape()[1])};
  const auto size = static_cast<std::size_t>(a.count());
  const xt::xtensor<T, 2> matrix = xt::adapt(a.as<T>(), size, xt::no_ownership(), shape);
  const InBlas inside;
  const auto [orthonormal, r] = xt::linalg::qr(matrix);
  const xt::xtensor<T, 1> signs = xt::where(xt::diagonal(r) < T(0), T(-1), T(1));
  auto result = xt::adapt(q.as<T>(), size, xt::no_ownership(), shape);
  xt::noalias(result) = orthonormal * signs;
}

}  // namespace

Kernel orthogonal_kernel() {
  return [](const KernelCall& call) {
    const View &a = call.inputs[0], &q = call.outputs[0];
    if (a.shape().rank() != 2 || a.shape()[0] < a.shape()[1])
      throw ShapeError("orthogonal: a " + to_string(a.type) +
                       " must have two axes, and at least as many rows as columns.");
    if (a.count() == 0) return;
    if (!std::in_range<int32_t>(a.shape()[0]))
      throw Error("orthogonal: LAPACK takes at most " +
                  std::to_string(std::numeric_limits<int32_t>::max()) + " rows, got " +
                  to_string(a.type) + ".");
    dispatch_floating(a.dtype(), "orthogonal", [&]<class T>(T) { orthogonalize<T>(a, q); });
  };
}

}  // namespace tempo
