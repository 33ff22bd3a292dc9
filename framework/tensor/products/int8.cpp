// SPDX-License-Identifier: Apache-2.0
// Rounds weights and rows to int8, and selects the kernels.
#include "tensor/products/int8.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tensor/array.hpp"
#include "tensor/cpu.hpp"
#include "tensor/parallel.hpp"
#include "tensor/products/int8_kernels.hpp"
#include "tensor/round_up.hpp"

namespace tempo {
namespace {

constexpr int64_t most_lanes = 16, most_group = 4;  // the largest of any instruction set
constexpr int64_t rows_at_once = 32;                // rounded before they are multiplied

bool has_vnni() {
#if TEMPO_X86
  static const bool has = __builtin_cpu_supports("avx512vnni");
  return has;
#else
  return false;
#endif
}

const Int8Kernels& kernels_in_use() {
#if TEMPO_X86
  return *of_instruction_set(&int8_baseline, &int8_avx2, has_vnni() ? &int8_vnni : &int8_avx2);
#else
  return int8_baseline;
#endif
}

/// The scale that x is divided by: x times `inverse` is between -127 and 127.
struct Scale {
  float inverse, scale;
};
Scale scale_for(float largest) {
  constexpr float most = 0x1p126f;  // keeps the scale and its inverse out of the denormals
  const float inverse = std::min(127 / largest, most);
  return {inverse, 1 / inverse};
}

/// The offsets in the memory of a packed matrix.
struct Layout {
  int64_t k, n, lanes, group;
  int64_t groups() const { return (k + group - 1) / group; }
  int64_t columns() const { return round_up(n, lanes); }
  int64_t panel_bytes() const { return groups() * group * lanes; }
  float* scales(void* memory) const {
    return reinterpret_cast<float*>(static_cast<int8_t*>(memory) + groups() * group * columns());
  }
  int32_t* first(void* memory) const {
    return reinterpret_cast<int32_t*>(scales(memory) + columns());
  }
};

/// The place in a panel of element p of column c.
int64_t place_in_panel(const Int8Kernels& kernels, int64_t p, int64_t c) {
  return (p / kernels.group * kernels.lanes + c) * kernels.group + p % kernels.group;
}

/// Calls f(row, column of the panel, weight) for the elements of the parts in [j, j + present).
template <class F>
void for_weights(std::span<const MatrixPart> parts, int64_t j, int64_t present, F f) {
  for (const MatrixPart& p : parts) {
    const int64_t first = std::max(j, p.n0), end = std::min(j + present, p.n0 + p.n);
    const float* const from = static_cast<const float*>(p.from);
    for (int64_t i = 0; i < p.k; ++i)
      for (int64_t c = first; c < end; ++c)
        f(p.k0 + i, c - j, p.transpose ? from[(c - p.n0) * p.ld + i] : from[i * p.ld + (c - p.n0)]);
  }
}

void pack_panel(const Int8Kernels& kernels, std::span<const MatrixPart> parts, int64_t j,
                int64_t present, int8_t* panel, float* scales, int32_t* first) {
  float largest[most_lanes] = {}, inverse[most_lanes];
  bool finite[most_lanes];
  std::fill_n(finite, most_lanes, true);
  for_weights(parts, j, present, [&](int64_t, int64_t c, float w) {
    largest[c] = std::max(largest[c], std::abs(w));
    finite[c] &= std::abs(w) <= std::numeric_limits<float>::max();
  });
  for (int64_t c = 0; c < kernels.lanes; ++c) {
    const Scale scale = scale_for(finite[c] ? largest[c] : 0);
    inverse[c] = finite[c] ? scale.inverse : 0;
    scales[c] = finite[c] ? scale.scale : std::numeric_limits<float>::quiet_NaN();
    first[c] = 0;
  }
  for_weights(parts, j, present, [&](int64_t i, int64_t c, float w) {
    const auto q = finite[c] ? static_cast<int32_t>(std::lrint(w * inverse[c])) : 0;
    panel[place_in_panel(kernels, i, c)] = static_cast<int8_t>(q);
    first[c] -= kernels.offset * q;
  });
}

/// Row a times column j, computed in float.
float in_float(const PackedMatrix& b, const float* a, int64_t j) {
  const Int8Kernels& kernels = *b.int8;
  const Layout layout{b.k, b.n, kernels.lanes, kernels.group};
  void* const memory = const_cast<void*>(b.panels);
  const int8_t* const panel =
      static_cast<const int8_t*>(memory) + j / kernels.lanes * layout.panel_bytes();
  const float scale = layout.scales(memory)[j];
  float sum = 0;
  for (int64_t p = 0; p < b.k; ++p)
    sum +=
        a[p] * (static_cast<float>(panel[place_in_panel(kernels, p, j % kernels.lanes)]) * scale);
  return sum;
}

void multiply_in_float(const PackedMatrix& b, const float* a, float* c, bool accumulate,
                       const float* bias) {
  for (int64_t j = 0; j < b.n; ++j) {
    const float y = in_float(b, a, j), sum = accumulate ? c[j] + y : y;
    c[j] = bias ? sum + bias[j] : sum;
  }
}

/// Rows rounded to int8, with their scales.
struct RoundedRows {
  int8_t* q;
  int64_t ld;
  float scales[rows_at_once];
};

/// Rounds rows until one is not finite; returns the number of rounded rows.
int64_t round_rows(const Int8Kernels& kernels, int64_t m, int64_t k, const float* a, int64_t lda,
                   RoundedRows& to) {
  for (int64_t i = 0; i < m; ++i) {
    const auto largest = std::bit_cast<float>(kernels.largest(k, a + i * lda));
    if (!(largest <= std::numeric_limits<float>::max())) return i;
    const Scale scale = scale_for(largest);
    kernels.quantise(k, a + i * lda, scale.inverse, to.q + i * to.ld);
    to.scales[i] = scale.scale;
  }
  return m;
}

void multiply_one(int64_t m, const PackedProduct& product, float* c, int64_t ldc, bool accumulate,
                  const float* bias, RoundedRows& rows) {
  const PackedMatrix& b = *product.b;
  const Int8Kernels& kernels = *b.int8;
  const Layout layout{b.k, b.n, kernels.lanes, kernels.group};
  void* const memory = const_cast<void*>(b.panels);
  const Int8Term term{layout.groups(),
                      rows.q,
                      rows.ld,
                      rows.scales,
                      static_cast<const int8_t*>(memory),
                      layout.scales(memory),
                      layout.first(memory)};
  const float* const a = static_cast<const float*>(product.a);
  for (int64_t i = 0; i < m;) {
    const int64_t most = std::min(rows_at_once, m - i);
    const int64_t count = round_rows(kernels, most, b.k, a + i * product.lda, product.lda, rows);
    kernels.multiply(count, b.n, term, c + i * ldc, ldc, accumulate, bias);
    i += count;
    if (count == most) continue;
    multiply_in_float(b, a + i * product.lda, c + i * ldc, accumulate, bias);
    ++i;
  }
}

}  // namespace

std::size_t packed_int8_bytes(int64_t k, int64_t n) {
  const Layout layout{k, n, most_lanes, most_group};
  return static_cast<std::size_t>((layout.groups() * layout.group + 8) * layout.columns());
}

PackedMatrix pack_int8(int64_t k, int64_t n, std::span<const MatrixPart> parts, void* memory) {
  const Int8Kernels& kernels = kernels_in_use();
  const Layout layout{k, n, kernels.lanes, kernels.group};
  const int64_t panels = layout.columns() / kernels.lanes;
  parallel_for(panels, std::max<int64_t>(1, elements_per_task / (layout.panel_bytes() + 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t at = begin; at < end; ++at) {
                   const int64_t j = at * kernels.lanes;
                   int8_t* const panel = static_cast<int8_t*>(memory) + at * layout.panel_bytes();
                   std::fill_n(panel, layout.panel_bytes(), int8_t{0});
                   pack_panel(kernels, parts, j, std::min(kernels.lanes, n - j), panel,
                              layout.scales(memory) + j, layout.first(memory) + j);
                 }
               });
  return {float32, k, n, memory, nullptr, &kernels};
}

void multiply_int8(int64_t m, std::span<const PackedProduct> products, float* c, int64_t ldc,
                   bool accumulate, const float* bias) {
  int64_t longest = 0;
  for (const PackedProduct& p : products) longest = std::max(longest, p.b->k);
  const int64_t ld = 2 * round_up(longest, most_lanes);
  const Scratch scratch(static_cast<std::size_t>(std::min(m, rows_at_once) * ld));
  RoundedRows rows{scratch.as<int8_t>(), ld, {}};
  for (std::size_t i = 0; i < products.size(); ++i)
    multiply_one(m, products[i], c, ldc, accumulate || i > 0,
                 i + 1 == products.size() ? bias : nullptr, rows);
}

}  // namespace tempo
