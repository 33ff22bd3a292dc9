// SPDX-License-Identifier: Apache-2.0
// The most multiplications and additions that this processor does: what other speeds are shares of.
#pragma once

#include <string>

namespace bench {

/// GFLOP/s of independent fused multiply-adds in registers, on all these threads at once.
double fma_peak(const std::string& dtype, int threads);
/// "AVX-512", "AVX2", "none known": the instructions it is measured with.
std::string instruction_set();

}  // namespace bench
