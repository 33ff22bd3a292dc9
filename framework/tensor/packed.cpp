// Packing, and the choice of the micro-kernel.
#include "tensor/packed.hpp"

#include "tensor/array.hpp"

namespace tempo {

std::size_t packed_bytes(DType dtype, int64_t k, int64_t n) {
  return static_cast<std::size_t>(k * ((n + 63) / 64 * 64)) * size_of(dtype);
}

PackedMatrix pack(DType dtype, bool transpose, int64_t k, int64_t n, const void* b, int64_t ldb,
                  void* memory) {
  dispatch_floating(dtype, "pack", [&]<class T>(T) {
    const T* from = static_cast<const T*>(b);
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < n; ++j)
        static_cast<T*>(memory)[i * n + j] = transpose ? from[j * ldb + i] : from[i * ldb + j];
  });
  return {dtype, k, n, memory};
}

void multiply(int64_t m, const void* a, int64_t lda, const PackedMatrix& b, void* c, int64_t ldc,
              bool accumulate) {
  dispatch_floating(b.dtype, "multiply", [&]<class T>(T) {
    for (int64_t i = 0; i < m; ++i) {
      T* row = static_cast<T*>(c) + i * ldc;
      for (int64_t j = 0; j < b.n; ++j) row[j] = accumulate ? row[j] : T(0);
      for (int64_t p = 0; p < b.k; ++p)
        for (int64_t j = 0; j < b.n; ++j)
          row[j] += static_cast<const T*>(a)[i * lda + p] * static_cast<const T*>(b.panels)[p * b.n + j];
    }
  });
}

}  // namespace tempo
