// SPDX-License-Identifier: Apache-2.0
// Which samples make a batch, and in which order they come.
#pragma once

#include <tempo/data.hpp>

namespace tempo {

/// How long the first axis is; `who` and `name` begin the error where there is none.
int64_t count_of_samples(const char* who, const Tensor& t, const char* name);
/// ShapeError where x and y hold different numbers of samples.
void require_pair(const char* who, const Tensor& x, const Tensor& y);

/// 0..count-1 in random order: of `seed` and `pass`, or below 0 drawn from the global generator.
std::vector<int64_t> shuffled(int64_t count, int64_t seed, int64_t pass);

/// Samples [begin, end) of x, or of x in this order; a mask comes along.
Tensor part_of(const Tensor& x, int64_t begin, int64_t end);
Tensor part_of(const Tensor& x, int64_t begin, int64_t end, const std::vector<int64_t>* order);

/// How many samples come before the held-out share; both sides get at least one, else Error.
int64_t split_point(const std::string& who, int64_t count, double share);

}  // namespace tempo
