// Kernels of elementwise functions, with NumPy broadcasting. A function of scalars becomes one
// tight loop per dtype; everything else (broadcasting, tasks) is shared and compiled once.
#pragma once

#include "tensor/function_ref.hpp"
#include "tensor/independent.hpp"
#include "tensor/kernel.hpp"
#include "tensor/strides.hpp"

#include <type_traits>

namespace tempo {

template <class... T>
struct Types {};

/// The dtypes an elementwise function is for: `pointwise<Numeric>(f)`.
using Floating = Types<float, double>;
using Numeric = Types<float, double, int32_t, int64_t>;
using Any = Types<float, double, int32_t, int64_t, bool>;

/// Runs `loop(inputs, output, n)` over runs of n elements that lie side by side in the output and
/// in every input, until the whole output of the call is written.
using PointwiseLoop = FunctionRef<void(const void* const* inputs, void* output, int64_t n)>;
void run_pointwise(const KernelCall& call, PointwiseLoop loop);

/// Throws the error for a dtype that an elementwise kernel has no loop for.
[[noreturn]] void refuse_dtype(DType dtype);

template <class T>
inline constexpr DType dtype_of = DType::automatic;
template <>
inline constexpr DType dtype_of<float> = float32;
template <>
inline constexpr DType dtype_of<double> = float64;
template <>
inline constexpr DType dtype_of<int32_t> = int32;
template <>
inline constexpr DType dtype_of<int64_t> = int64;
template <>
inline constexpr DType dtype_of<bool> = bool_;

/// out[i] = f(in[0][i], ...) for as many inputs (1 to 3) as f takes.
template <class In, class Out, class F>
void run_elementwise(const KernelCall& call, const F& f) {
  run_pointwise(call, [&f](const void* const* inputs, void* output, int64_t n) {
    const F g = f;  // a local copy, which no store below can alias
    auto* y = static_cast<Out*>(output);
    const auto* a = static_cast<const In*>(inputs[0]);
    if constexpr (std::is_invocable_v<F, In>) {
      TEMPO_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) y[i] = static_cast<Out>(g(a[i]));
    } else if constexpr (std::is_invocable_v<F, In, In>) {
      const auto* b = static_cast<const In*>(inputs[1]);
      TEMPO_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) y[i] = static_cast<Out>(g(a[i], b[i]));
    } else {
      const auto* b = static_cast<const In*>(inputs[1]);
      const auto* c = static_cast<const In*>(inputs[2]);
      TEMPO_INDEPENDENT
      for (int64_t i = 0; i < n; ++i) y[i] = static_cast<Out>(g(a[i], b[i], c[i]));
    }
  });
}

/// Calls f(T{}) for the T of the list that `dtype` names.
template <class F, class... T>
void dispatch_among(Types<T...>, DType dtype, F f) {
  if (!((dtype == dtype_of<T> && (f(T{}), true)) || ...)) refuse_dtype(dtype);
}

/// Elementwise f of 1 to 3 inputs of one dtype, giving that dtype. In place is allowed: the output
/// may be the memory of an input of the same shape.
template <class Valid = Floating, class F>
Kernel pointwise(F f) {
  return [f](const KernelCall& call) {
    dispatch_among(Valid{}, call.inputs[0].dtype(),
                   [&]<class T>(T) { run_elementwise<T, T>(call, f); });
  };
}

/// f(a, b) of two inputs of one dtype, giving bool.
template <class F>
Kernel comparison(F f) {
  return [f](const KernelCall& call) {
    dispatch_among(Any{}, call.inputs[0].dtype(),
                   [&]<class T>(T) { run_elementwise<T, bool>(call, f); });
  };
}

/// f of bools, giving bool.
template <class F>
Kernel logical(F f) {
  return pointwise<Types<bool>>(f);
}

/// Inputs condition (bool), a, b (one dtype): a where the condition holds, b elsewhere.
Kernel where_kernel();

/// Any dtype to that of the output. To integers: towards zero, saturating, NaN becomes 0.
Kernel cast_kernel();

}  // namespace tempo
