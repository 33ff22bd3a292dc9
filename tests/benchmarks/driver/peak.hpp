// SPDX-License-Identifier: Apache-2.0
// The processor's peak of multiplications and additions, by which other speeds are divided.
#pragma once

#include <string>

namespace bench {

/// GFLOP/s of independent fused multiply-adds in registers, on this many threads at once.
double fma_peak(const std::string& dtype, int threads);
/// "AVX-512", "AVX2", "none known": the instructions with which the peak is measured.
std::string instruction_set();

}  // namespace bench
