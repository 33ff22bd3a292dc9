// SPDX-License-Identifier: Apache-2.0
// The samples of a batch, and the order in which they come.
#pragma once

#include <tempo/data.hpp>

namespace tempo {

/// The length of the first axis; `who` and `name` begin the error for a tensor without axes.
int64_t count_of_samples(const char* who, const Tensor& t, const char* name);
/// ShapeError if x and y hold different numbers of samples.
void require_pair(const char* who, const Tensor& x, const Tensor& y);

/// 0..count-1 in random order: from `seed` and `pass`, or from the global generator if seed < 0.
std::vector<int64_t> shuffled(int64_t count, int64_t seed, int64_t pass);

/// Samples [begin, end) of x, or of x in the given order; the mask is cut in the same way.
Tensor part_of(const Tensor& x, int64_t begin, int64_t end);
Tensor part_of(const Tensor& x, int64_t begin, int64_t end, const std::vector<int64_t>* order);

/// The number of samples before the held-out share; both sides get at least one, else Error.
int64_t split_point(const std::string& who, int64_t count, double share);

}  // namespace tempo
