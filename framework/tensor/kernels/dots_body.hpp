// SPDX-License-Identifier: Apache-2.0
// The tiles of dots.hpp for one instruction set: dots.cpp includes this file once for each, inside
// of a namespace, with TEMPO_KERNEL as the target attribute of all functions. Vectors have the same
// lanes in all of them, so sums have the same order.

// Elements that lie side by side, as one vector for the compiler. clang ignores the alignment of
// an alias template, but not that of an alias within a class template.
template <class T>
struct VectorOf {
  using Type [[gnu::vector_size(32), gnu::aligned(sizeof(T)), gnu::may_alias]] = T;
};
template <class T>
using Vector = typename VectorOf<T>::Type;
template <class T>
constexpr int64_t lanes = 32 / sizeof(T);

#define TEMPO_AT(x) (*reinterpret_cast<Vector<T>*>(x))
#define TEMPO_OF(x) (*reinterpret_cast<const Vector<T>*>(x))

template <class T>
TEMPO_KERNEL_INLINE const T* row_of(const void* x, int64_t r, int64_t apart) {
  return reinterpret_cast<const T*>(static_cast<const std::byte*>(x) + r * apart);
}

template <class T>
TEMPO_KERNEL_INLINE T* row_of(void* x, int64_t r, int64_t apart) {
  return reinterpret_cast<T*>(static_cast<std::byte*>(x) + r * apart);
}

TEMPO_KERNEL_INLINE float total_of(const Vector<float>& x) {
  const Vector<float> four = x + __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
  const Vector<float> two = four + __builtin_shufflevector(four, four, 2, 3, 0, 1, 6, 7, 4, 5);
  return two[0] + two[1];
}
TEMPO_KERNEL_INLINE double total_of(const Vector<double>& x) {
  const Vector<double> two = x + __builtin_shufflevector(x, x, 2, 3, 0, 1);
  return two[0] + two[1];
}

template <class T>
TEMPO_KERNEL_INLINE T dot_part(const T* a, const T* b, int64_t n) {
  Vector<T> even = {}, odd = {};
  int64_t i = 0;
  for (; i + 2 * lanes<T> <= n; i += 2 * lanes<T>) {
    even += TEMPO_OF(a + i) * TEMPO_OF(b + i);
    odd += TEMPO_OF(a + i + lanes<T>) * TEMPO_OF(b + i + lanes<T>);
  }
  const Vector<T> both = even + odd;
  T total = total_of(both);
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

// Sums blocks in double: a float would lose what is small beside the total.
template <class T>
TEMPO_KERNEL_INLINE T dot(const T* a, const T* b, int64_t n) {
  constexpr int64_t block = 256;
  if (n <= block) return dot_part(a, b, n);
  double total = 0;
  for (int64_t i = 0; i < n; i += block)
    total += static_cast<double>(dot_part(a + i, b + i, n - i < block ? n - i : block));
  return static_cast<T>(total);
}

template <class T>
TEMPO_KERNEL void row_dot(const void* const* in, const int64_t*, void* out, int64_t n,
                          const TileRows& rows) {
  const TileRows apart = rows;
  const T *a = row_of<T>(in[0], 0, 0), *b = row_of<T>(in[1], 0, 0);
  for (int64_t r = 0; r < apart.count; ++r) {
    *row_of<T>(out, r, apart.output) = dot(a, b, n);
    a = row_of<T>(a, 1, apart.inputs[0]);
    b = row_of<T>(b, 1, apart.inputs[1]);
  }
}

// With one element for each row, sums in the order of the rows.
template <class T>
TEMPO_KERNEL_INLINE T of_column(const void* const* in, int n_inputs, const TileRows& rows) {
  constexpr int64_t size = sizeof(T);
  if (n_inputs == 2 && rows.inputs[0] == size && rows.inputs[1] == size)
    return dot(row_of<T>(in[0], 0, 0), row_of<T>(in[1], 0, 0), rows.count);
  double total = 0;
  for (int64_t r = 0; r < rows.count; ++r) {
    const double a = *row_of<T>(in[0], r, rows.inputs[0]);
    total += n_inputs == 2 ? a * static_cast<double>(*row_of<T>(in[1], r, rows.inputs[1])) : a;
  }
  return static_cast<T>(total);
}

// Adds four rows at once; each has one number of b, or as many as of a.
template <class T, bool scalar>
TEMPO_KERNEL_INLINE void add_four_products(const T* a, int64_t apart_a, const T* b, int64_t apart_b,
                                           T* y, int64_t n) {
  const T *a1 = row_of<T>(a, 1, apart_a), *a2 = row_of<T>(a, 2, apart_a),
          *a3 = row_of<T>(a, 3, apart_a), *b1 = row_of<T>(b, 1, apart_b),
          *b2 = row_of<T>(b, 2, apart_b), *b3 = row_of<T>(b, 3, apart_b);
  int64_t j = 0;
  if constexpr (scalar) {
    const T c0 = *b, c1 = *b1, c2 = *b2, c3 = *b3;
    for (; j + lanes<T> <= n; j += lanes<T>)
      TEMPO_AT(y + j) += (TEMPO_OF(a + j) * c0 + TEMPO_OF(a1 + j) * c1) +
                         (TEMPO_OF(a2 + j) * c2 + TEMPO_OF(a3 + j) * c3);
    for (; j < n; ++j) y[j] += (a[j] * c0 + a1[j] * c1) + (a2[j] * c2 + a3[j] * c3);
  } else {
    for (; j + lanes<T> <= n; j += lanes<T>)
      TEMPO_AT(y + j) +=
          (TEMPO_OF(a + j) * TEMPO_OF(b + j) + TEMPO_OF(a1 + j) * TEMPO_OF(b1 + j)) +
          (TEMPO_OF(a2 + j) * TEMPO_OF(b2 + j) + TEMPO_OF(a3 + j) * TEMPO_OF(b3 + j));
    for (; j < n; ++j) y[j] += (a[j] * b[j] + a1[j] * b1[j]) + (a2[j] * b2[j] + a3[j] * b3[j]);
  }
}

template <class T>
TEMPO_KERNEL void column_dot(const void* const* in, const int64_t* strides, void* out, int64_t n,
                             const TileRows& rows) {
  T* const y = static_cast<T*>(out);
  if (n == 1) {
    *y += of_column<T>(in, 2, rows);
    return;
  }
  const TileRows apart = rows;
  const bool scalar = strides[1] == 0;
  const T *a0 = row_of<T>(in[0], 0, 0), *b = row_of<T>(in[1], 0, 0);
  int64_t r = 0;
  for (; r + 4 <= apart.count; r += 4) {
    if (scalar)
      add_four_products<T, true>(a0, apart.inputs[0], b, apart.inputs[1], y, n);
    else
      add_four_products<T, false>(a0, apart.inputs[0], b, apart.inputs[1], y, n);
    a0 = row_of<T>(a0, 4, apart.inputs[0]);
    b = row_of<T>(b, 4, apart.inputs[1]);
  }
  for (; r < apart.count; ++r) {
    int64_t j = 0;
    if (scalar) {
      const T same = *b;
      for (; j + lanes<T> <= n; j += lanes<T>) TEMPO_AT(y + j) += TEMPO_OF(a0 + j) * same;
      for (; j < n; ++j) y[j] += a0[j] * same;
    } else {
      for (; j + lanes<T> <= n; j += lanes<T>)
        TEMPO_AT(y + j) += TEMPO_OF(a0 + j) * TEMPO_OF(b + j);
      for (; j < n; ++j) y[j] += a0[j] * b[j];
    }
    a0 = row_of<T>(a0, 1, apart.inputs[0]);
    b = row_of<T>(b, 1, apart.inputs[1]);
  }
}

template <class T>
TEMPO_KERNEL void column_sum(const void* const* in, const int64_t*, void* out, int64_t n,
                             const TileRows& rows) {
  T* const y = static_cast<T*>(out);
  if (n == 1) {
    *y += of_column<T>(in, 1, rows);
    return;
  }
  const TileRows apart = rows;
  const T* a0 = row_of<T>(in[0], 0, 0);
  int64_t r = 0;
  for (; r + 4 <= apart.count; r += 4, a0 = row_of<T>(a0, 4, apart.inputs[0])) {
    const T *a1 = row_of<T>(a0, 1, apart.inputs[0]), *a2 = row_of<T>(a0, 2, apart.inputs[0]),
            *a3 = row_of<T>(a0, 3, apart.inputs[0]);
    int64_t j = 0;
    for (; j + lanes<T> <= n; j += lanes<T>)
      TEMPO_AT(y + j) +=
          (TEMPO_OF(a0 + j) + TEMPO_OF(a1 + j)) + (TEMPO_OF(a2 + j) + TEMPO_OF(a3 + j));
    for (; j < n; ++j) y[j] += (a0[j] + a1[j]) + (a2[j] + a3[j]);
  }
  for (; r < apart.count; ++r, a0 = row_of<T>(a0, 1, apart.inputs[0])) {
    int64_t j = 0;
    for (; j + lanes<T> <= n; j += lanes<T>) TEMPO_AT(y + j) += TEMPO_OF(a0 + j);
    for (; j < n; ++j) y[j] += a0[j];
  }
}

// Either a or b may have just one element for each row.
template <class T>
TEMPO_KERNEL void product_sum(const void* const* in, const int64_t* strides, void* out, int64_t n,
                              const TileRows& rows) {
  const int first = strides[0] == 0 ? 0 : 1;
  const bool scalar = strides[first] == 0;
  const TileRows apart = rows;
  const int64_t apart_a = apart.inputs[first], apart_b = apart.inputs[1 - first];
  const T *a = row_of<T>(in[first], 0, 0), *b = row_of<T>(in[1 - first], 0, 0),
          *c = row_of<T>(in[2], 0, 0);
  T* y = static_cast<T*>(out);
  for (int64_t r = 0; r < apart.count; ++r) {
    int64_t j = 0;
    if (scalar) {
      const T same = *a;
      for (; j + lanes<T> <= n; j += lanes<T>)
        TEMPO_AT(y + j) = TEMPO_OF(b + j) * same + TEMPO_OF(c + j);
      for (; j < n; ++j) y[j] = b[j] * same + c[j];
    } else {
      for (; j + lanes<T> <= n; j += lanes<T>)
        TEMPO_AT(y + j) = TEMPO_OF(a + j) * TEMPO_OF(b + j) + TEMPO_OF(c + j);
      for (; j < n; ++j) y[j] = a[j] * b[j] + c[j];
    }
    a = row_of<T>(a, 1, apart_a);
    b = row_of<T>(b, 1, apart_b);
    c = row_of<T>(c, 1, apart.inputs[2]);
    y = row_of<T>(y, 1, apart.output);
  }
}

#undef TEMPO_AT
#undef TEMPO_OF
#undef TEMPO_KERNEL
#undef TEMPO_KERNEL_INLINE
