// SPDX-License-Identifier: Apache-2.0
// Kernels of elementwise functions, with NumPy broadcasting. A function of scalars becomes one
// SIMD loop per dtype and instruction set; everything else (broadcasting, tasks) is compiled once.
#pragma once

#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tensor/cpu.hpp"
#include "tensor/independent.hpp"
#include "tensor/kernel.hpp"
#include "tensor/kernels/math.hpp"

#define TEMPO_FLATTEN __attribute__((flatten))

namespace tempo {

template <class... T>
struct Types {};

/// The dtypes that an elementwise function supports: `pointwise<Numeric>(f)`.
using Floating = Types<float, double>;
using Numeric = Types<float, double, int32_t, int64_t>;
using Any = Types<float, double, int32_t, int64_t, bool>;

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

/// Throws the Error for a dtype that an elementwise kernel does not support.
[[noreturn]] void refuse_dtype(DType dtype);

/// Calls f(T{}) for the type T in the list that `dtype` names.
template <class F, class... T>
void dispatch_among(Types<T...>, DType dtype, F f) {
  if (!((dtype == dtype_of<T> && (f(T{}), true)) || ...)) refuse_dtype(dtype);
}

/// Finds the tile of an elementwise function by the dtypes of the last input and of the output.
using TileFinder = Tile (*)(DType input, DType output);

/// The kernel that runs these tiles on broadcast inputs (at most 3). It throws for a dtype without
/// a tile. The output may be the memory of an input with the same shape.
Kernel elementwise(TileFinder tile);

#if defined(__clang__)  // it warns of every loop that stays scalar because it calls std
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

/// The tile of F, a stateless object: out = F(in...), or F(math, in...) if it takes a Math first. A
/// result does not depend on its place in the tile.
template <class F, class Out, class... In>
class ElementwiseTile {
  static_assert(std::is_empty_v<F>, "an elementwise function has no captures");
  static constexpr std::size_t arity = sizeof...(In);
  static constexpr int64_t lanes = tile_lanes;  // loops run over multiples of it
  static constexpr int64_t chunk = 256;         // elements for which a repeated input is copied

 public:
  static Tile for_instruction_set() { return of_instruction_set<Tile>(baseline, avx2, avx512); }

 private:
  using Indices = std::index_sequence_for<In...>;
  template <std::size_t i>
  using Input = std::tuple_element_t<i, std::tuple<In...>>;
  struct Lanes {
    alignas(64) std::byte bytes[lanes * sizeof(double)];
  };
  struct Repeated {
    alignas(64) std::byte bytes[chunk * sizeof(double)];
  };

  TEMPO_TARGET_AVX512 TEMPO_FLATTEN static void avx512(const void* const* inputs,
                                                       const int64_t* strides, void* output,
                                                       int64_t n, const TileRows& rows) {
    run_rows<MathFor<true>>(Indices{}, inputs, strides, output, n, rows);
  }
  TEMPO_TARGET_AVX2 TEMPO_FLATTEN static void avx2(const void* const* inputs,
                                                   const int64_t* strides, void* output, int64_t n,
                                                   const TileRows& rows) {
    run_rows<MathFor<true>>(Indices{}, inputs, strides, output, n, rows);
  }
  TEMPO_FLATTEN static void baseline(const void* const* inputs, const int64_t* strides,
                                     void* output, int64_t n, const TileRows& rows) {
    run_rows<MathFor<false>>(Indices{}, inputs, strides, output, n, rows);
  }

  template <class M, std::size_t... i>
  TEMPO_INLINE void run_rows(std::index_sequence<i...> all, const void* const* inputs,
                             const int64_t* strides, void* output, int64_t n,
                             const TileRows& rows) {
    const void* at[] = {inputs[i]...};
    auto* y = static_cast<std::byte*>(output);
    const bool plain = arity < 3 && n > 0 && n % lanes == 0 && ((strides[i] != 0) || ...);
    for (int64_t r = 0; r < rows.count; ++r) {
      if (plain)
        loop<M>(all, at, strides, reinterpret_cast<Out*>(y), n);
      else
        run<M>(all, at, strides, reinterpret_cast<Out*>(y), n);
      ((at[i] = static_cast<const std::byte*>(at[i]) + rows.inputs[i]), ...);
      y += rows.output;
    }
  }

  template <class M, std::size_t... i>
  TEMPO_INLINE void run(std::index_sequence<i...> all, const void* const* inputs,
                        const int64_t* strides, Out* y, int64_t n) {
    if (n <= 0) return;
    const bool repeats[] = {strides[i] == 0 ...};
    if ((repeats[i] && ...)) {  // one value for all
      const int64_t one[] = {(static_cast<void>(i), int64_t{1})...};
      run_lanes<M>(all, inputs, one, y, 1);
      const Out value = *y;
      for (int64_t j = 1; j < n; ++j) y[j] = value;
    } else if (arity == 3 && (repeats[i] || ...)) {
      run_chunks<M>(all, inputs, repeats, y, n);
    } else {
      run_lanes<M>(all, inputs, strides, y, n);
    }
  }

  // For three inputs, some repeated: those are copied out, so that loops run over plain arrays.
  template <class M, std::size_t... i>
  TEMPO_INLINE void run_chunks(std::index_sequence<i...> all, const void* const* inputs,
                               const bool* repeats, Out* y, int64_t n) {
    Repeated written[arity];
    const void* at[] = {(repeats[i]
                             ? fill(reinterpret_cast<Input<i>*>(written[i].bytes),
                                    *static_cast<const Input<i>*>(inputs[i]), n < chunk ? n : chunk)
                             : inputs[i])...};
    const int64_t one[] = {(static_cast<void>(i), int64_t{1})...};
    for (int64_t done = 0; done < n; done += chunk) {
      run_lanes<M>(all, at, one, y + done, n - done < chunk ? n - done : chunk);
      ((at[i] = repeats[i] ? at[i] : static_cast<const Input<i>*>(at[i]) + chunk), ...);
    }
  }
  template <class T>
  TEMPO_INLINE const void* fill(T* to, T value, int64_t n) {
    for (int64_t j = 0; j < n; ++j) to[j] = value;
    return to;
  }

  // Processes whole groups of lanes, and a last group that ends with the last element; elements in
  // both get the same value. The last group runs first, as its inputs may be overwritten.
  template <class M, std::size_t... i>
  TEMPO_INLINE void run_lanes(std::index_sequence<i...> all, const void* const* inputs,
                              const int64_t* strides, Out* y, int64_t n) {
    const int64_t whole = n & -lanes;
    if (whole == n) return loop<M>(all, inputs, strides, y, whole);
    Lanes padded[arity], last;
    const void* at[] = {inputs[i]...};
    (last_lanes<i>(at[i], strides[i], n, padded[i]), ...);
    loop<M>(all, at, strides, reinterpret_cast<Out*>(last.bytes), lanes);
    if (whole) {
      loop<M>(all, inputs, strides, y, whole);
      std::memcpy(y + n - lanes, last.bytes, lanes * sizeof(Out));
    } else {
      std::memcpy(y, last.bytes, static_cast<std::size_t>(n) * sizeof(Out));
    }
  }
  template <std::size_t i>
  TEMPO_INLINE void last_lanes(const void*& at, int64_t stride, int64_t n, Lanes& padded) {
    if (stride == 0) return;
    const auto* x = static_cast<const Input<i>*>(at);
    if (n >= lanes) {
      at = x + n - lanes;
    } else {
      std::memset(padded.bytes, 0, lanes * sizeof(Input<i>));
      std::memcpy(padded.bytes, x, static_cast<std::size_t>(n) * sizeof(Input<i>));
      at = padded.bytes;
    }
  }

  // For n that is a multiple of `lanes`.
  template <class M>
  TEMPO_INLINE void loop(std::index_sequence<0>, const void* const* inputs, const int64_t*, Out* y,
                         int64_t n) {
    const auto* a = static_cast<const Input<0>*>(inputs[0]);
    TEMPO_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) y[j] = value<M>(a[j]);
  }
  template <class M>
  TEMPO_INLINE void loop(std::index_sequence<0, 1>, const void* const* inputs,
                         const int64_t* strides, Out* y, int64_t n) {
    const auto* a = static_cast<const Input<0>*>(inputs[0]);
    const auto* b = static_cast<const Input<1>*>(inputs[1]);
    if (strides[0] == 0) {
      const auto same = *a;
      TEMPO_INDEPENDENT
      for (int64_t j = 0; j < n; ++j) y[j] = value<M>(same, b[j]);
    } else if (strides[1] == 0) {
      const auto same = *b;
      TEMPO_INDEPENDENT
      for (int64_t j = 0; j < n; ++j) y[j] = value<M>(a[j], same);
    } else {
      TEMPO_INDEPENDENT
      for (int64_t j = 0; j < n; ++j) y[j] = value<M>(a[j], b[j]);
    }
  }
  template <class M>
  TEMPO_INLINE void loop(std::index_sequence<0, 1, 2>, const void* const* inputs, const int64_t*,
                         Out* y, int64_t n) {
    const auto* a = static_cast<const Input<0>*>(inputs[0]);
    const auto* b = static_cast<const Input<1>*>(inputs[1]);
    const auto* c = static_cast<const Input<2>*>(inputs[2]);
    TEMPO_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) y[j] = value<M>(a[j], b[j], c[j]);
  }

  template <class M>
  TEMPO_INLINE Out value(In... x) {
    if constexpr (std::is_invocable_v<F, In...>)
      return static_cast<Out>(F{}(x...));
    else
      return static_cast<Out>(F{}(M{}, x...));
  }
};

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

/// The number of inputs of type T that F takes, without a Math.
template <class F, class T>
constexpr int arity_of() {
  if constexpr (std::is_invocable_v<F, T>)
    return 1;
  else if constexpr (std::is_invocable_v<F, T, T>)
    return 2;
  else if constexpr (std::is_invocable_v<F, T, T, T>)
    return 3;
  else if constexpr (std::is_invocable_v<F, MathFor<true>, T>)
    return 1;
  else if constexpr (std::is_invocable_v<F, MathFor<true>, T, T>)
    return 2;
  else
    return 3;
}

/// The tile of F with its number of inputs of type T.
template <class F, class Out, class T>
Tile tile_of() {
  constexpr int arity = arity_of<F, T>();
  if constexpr (arity == 1)
    return ElementwiseTile<F, Out, T>::for_instruction_set();
  else if constexpr (arity == 2)
    return ElementwiseTile<F, Out, T, T>::for_instruction_set();
  else
    return ElementwiseTile<F, Out, T, T, T>::for_instruction_set();
}

/// tile(T{}) for the type T in the list that `dtype` names, or null.
template <class F, class... T>
Tile tile_among(Types<T...>, DType dtype, F tile) {
  Tile found = nullptr;
  static_cast<void>(((dtype == dtype_of<T> && (found = tile(T{}), true)) || ...));
  return found;
}

/// Elementwise f with 1 to 3 inputs of one dtype, and a result of that dtype. f has no captures; it
/// may take a Math before its inputs.
template <class Valid = Floating, class F>
Kernel pointwise(F) {
  return elementwise([](DType input, DType) {
    return tile_among(Valid{}, input, []<class T>(T) { return tile_of<F, T, T>(); });
  });
}

/// f(a, b) of two inputs of one dtype, with a bool result.
template <class F>
Kernel comparison(F) {
  return elementwise([](DType input, DType) {
    return tile_among(Any{}, input, []<class T>(T) { return tile_of<F, bool, T>(); });
  });
}

/// f of bools, with a bool result.
template <class F>
Kernel logical(F f) {
  return pointwise<Types<bool>>(f);
}

/// Inputs condition (bool), a, b (one dtype): a where the condition holds, b elsewhere.
Kernel where_kernel();

/// Converts to the output's dtype. To integers: towards zero, saturating, NaN becomes 0.
Kernel cast_kernel();

}  // namespace tempo
