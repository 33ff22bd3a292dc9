// SPDX-License-Identifier: Apache-2.0
// LAPACK through xtensor-blas, in a file of its own because its headers compile slowly.
#include "tensor/kernels/linear_algebra.hpp"

#include <algorithm>
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
auto matrix(const View& a) {
  const std::array<std::size_t, 2> shape{static_cast<std::size_t>(a.shape()[0]),
                                         static_cast<std::size_t>(a.shape()[1])};
  return xt::adapt(a.as<T>(), static_cast<std::size_t>(a.count()), xt::no_ownership(), shape);
}

template <class T>
void orthogonalize(const View& a, const View& q) {
  const xt::xtensor<T, 2> normal = matrix<T>(a);
  const InBlas inside;
  const auto [orthonormal, r] = xt::linalg::qr(normal);
  const xt::xtensor<T, 1> signs = xt::where(xt::diagonal(r) < T(0), T(-1), T(1));
  auto result = matrix<T>(q);
  xt::noalias(result) = orthonormal * signs;
}

// The shortest w with the least |a w - b|. Singular values that are 0 up to rounding count as 0, as
// in NumPy.
template <class T>
void solve_least_squares(const View& a, const View& b, const View& w) {
  using Columns = xt::xtensor<T, 2, xt::layout_type::column_major>;
  Columns left = matrix<T>(a);
  const std::size_t n = left.shape()[0], k = left.shape()[1];
  Columns right = xt::zeros<T>({std::max(n, k), static_cast<std::size_t>(b.shape()[1])});
  xt::view(right, xt::range(std::size_t{0}, n), xt::all()) = matrix<T>(b);  // w on return
  xt::xtensor<T, 1, xt::layout_type::column_major> singular_values = xt::zeros<T>({std::min(n, k)});
  const double rcond = std::numeric_limits<T>::epsilon() * static_cast<double>(std::max(n, k));
  xt::blas_index_t rank = 0;
  if (xt::lapack::gelsd(left, right, singular_values, rank, rcond) != 0)
    throw Error("least_squares: the singular values of a did not converge.");
  auto result = matrix<T>(w);
  xt::noalias(result) = xt::view(right, xt::range(std::size_t{0}, k), xt::all());
}

void require_lapack_size(const char* op, const View& a) {
  if (!std::in_range<int32_t>(a.shape()[0]) || !std::in_range<int32_t>(a.shape()[1]))
    throw Error(std::string(op) + ": LAPACK takes at most " +
                std::to_string(std::numeric_limits<int32_t>::max()) + " rows or columns, got " +
                to_string(a.type) + ".");
}

}  // namespace

Kernel least_squares_kernel() {
  return [](const KernelCall& call) {
    const View &a = call.inputs[0], &b = call.inputs[1], &w = call.outputs[0];
    require_lapack_size("least_squares", a);
    require_lapack_size("least_squares", b);
    dispatch_floating(a.dtype(), "least_squares", [&]<class T>(T) {
      if (a.count() == 0 || b.count() == 0) {
        matrix<T>(w).fill(T(0));
        return;
      }
      const InBlas inside;
      solve_least_squares<T>(a, b, w);
    });
  };
}

Kernel orthogonal_kernel() {
  return [](const KernelCall& call) {
    const View &a = call.inputs[0], &q = call.outputs[0];
    if (a.shape().rank() != 2 || a.shape()[0] < a.shape()[1])
      throw ShapeError("orthogonal: a " + to_string(a.type) +
                       " must have two axes, and at least as many rows as columns.");
    if (a.count() == 0) return;
    require_lapack_size("orthogonal", a);
    dispatch_floating(a.dtype(), "orthogonal", [&]<class T>(T) { orthogonalize<T>(a, q); });
  };
}

}  // namespace tempo
