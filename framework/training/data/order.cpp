// SPDX-License-Identifier: Apache-2.0
// Permutations of samples, parts of a tensor, and the place where a validation share begins.
#include "training/data/order.hpp"

#include <cmath>

#include <tempo/ops.hpp>

#include "tensor/kernels/random.hpp"

namespace tempo {

int64_t count_of_samples(const char* who, const Tensor& t, const char* name) {
  if (!t)
    throw Error(std::string(who) + ": " + name + " was never given a value (it is Tensor{}).");
  if (t.rank() == 0)
    throw ShapeError(std::string(who) + ": " + name +
                     " is a scalar; samples lie along the first axis.");
  return t.shape().front();
}

void require_pair(const char* who, const Tensor& x, const Tensor& y) {
  if (count_of_samples(who, x, "x") != count_of_samples(who, y, "y"))
    throw ShapeError(std::string(who) + ": x and y hold different numbers of samples\n  x  " +
                     to_string(x.shape(), x.dtype()) + "\n  y  " + to_string(y.shape(), y.dtype()));
}

std::vector<int64_t> shuffled(int64_t count, int64_t seed, int64_t pass) {
  if (seed >= 0)
    return permutation(count, static_cast<uint64_t>(seed), static_cast<uint64_t>(pass));
  const Tensor key = sdk::random_key();
  const int64_t* const numbers = key.data<int64_t>();
  return permutation(count, static_cast<uint64_t>(numbers[0]), static_cast<uint64_t>(numbers[1]));
}

Tensor part_of(const Tensor& x, int64_t begin, int64_t end) {
  if (begin == 0 && end == x.shape().front()) return x;
  const Tensor mask = mask_of(x);
  const Tensor part = slice(x, 0, begin, end);
  return mask ? with_mask(part, slice(mask, 0, begin, end)) : part;
}

Tensor part_of(const Tensor& x, int64_t begin, int64_t end, const std::vector<int64_t>* order) {
  if (!order) return part_of(x, begin, end);
  return samples(x, std::vector<int64_t>(order->begin() + begin, order->begin() + end));
}

int64_t split_point(const std::string& who, int64_t count, double share) {
  if (!(share > 0 && share < 1))
    throw Error(who + " is " + sdk::shortest(share) + "; it must be strictly between 0 and 1.");
  const auto at = static_cast<int64_t>(std::floor(static_cast<double>(count) * (1 - share)));
  if (at > 0 && at < count) return at;
  throw Error(who + ": a share of " + sdk::shortest(share) + " of " + std::to_string(count) +
              " samples leaves " + (at == 0 ? "none for training" : "none for validation") +
              ".\n  Give more samples, another share, or validation_data.");
}

}  // namespace tempo
