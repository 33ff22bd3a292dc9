// SPDX-License-Identifier: Apache-2.0
// Machine code of x86-64 for a MatrixLoop.
#pragma once

#include "tensor/compiled/matrix_loop.hpp"

namespace tempo {

/// How the code uses the vector registers: 32 of them need AVX-512, 16 need AVX2 and FMA.
struct RegisterUse {
  int vector_bytes;  // of one register: 32 or 64
  int registers;     // 16 or 32
  int64_t rows;      // that run together, at most MatrixLoop::rows_together
  int numbers;       // registers that may keep narrow values through the columns of a pass
};

/// Null if there are too few registers for this use, or if the system gives no executable memory.
std::shared_ptr<const CompiledLoop> assemble(const MatrixLoop& loop, const RegisterUse& use);

}  // namespace tempo
