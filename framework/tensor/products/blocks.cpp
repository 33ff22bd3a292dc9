// SPDX-License-Identifier: Apache-2.0
// One product for each block; its rows are as far apart as the rows of all blocks.
#include "tensor/products/blocks.hpp"

#include <algorithm>

#include "tensor/parallel.hpp"
#include "tensor/products/matmul.hpp"

namespace tempo {
namespace {

char* element(const View& v, int64_t index) {
  return v.as<char>() + index * static_cast<int64_t>(size_of(v.dtype()));
}

void multiply_outer(const KernelCall& call, double beta) {
  const View &a = call.inputs[0], &b = call.inputs[1], &c = call.outputs[0];
  const int64_t blocks = c.shape()[0], m = c.shape()[1], n = c.shape()[2];
  if (c.count() == 0) return;
  const int64_t rows = a.count() / (blocks * m);
  parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t h = begin; h < end; ++h)
      gemm(c.dtype(), true, false, m, n, rows, element(a, h * m), blocks * m, element(b, h * n),
           blocks * n, beta, element(c, h * m * n), n);
  });
}

}  // namespace

Kernel block_matmul_kernel() {
  return [](const KernelCall& call) {
    const View &a = call.inputs[0], &b = call.inputs[1], &c = call.outputs[0];
    if (c.count() == 0) return;
    const bool turned = call.attributes.integer("transpose_b", 0) != 0;
    const int64_t blocks = b.shape()[-3], k = a.shape()[-1], n = c.shape()[-1];
    const int64_t times = b.count() / std::max<int64_t>(1, blocks * k * n),
                  steps = b.shape().rank() > 3 ? times : 1;
    const int64_t rows = c.count() / (steps * blocks * n),
                  a_step = a.shape().rank() == c.shape().rank() ? rows * blocks * k : 0;
    parallel_for(steps * blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t each = begin; each < end; ++each) {
        const int64_t t = each / blocks, h = each % blocks;
        gemm(c.dtype(), false, turned, rows, n, k, element(a, t * a_step + h * k), blocks * k,
             element(b, each * k * n), turned ? k : n, 0, element(c, t * rows * blocks * n + h * n),
             blocks * n);
      }
    });
  };
}

Kernel block_outer_kernel() {
  return [](const KernelCall& call) { multiply_outer(call, 0); };
}

Kernel summed_block_outer_kernel() {
  return [](const KernelCall& call) { multiply_outer(call, 1); };
}

}  // namespace tempo
