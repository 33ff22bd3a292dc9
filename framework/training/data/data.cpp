// SPDX-License-Identifier: Apache-2.0
// Samples by index, and mini-batches of them.
#include <numeric>

#include <tempo/data.hpp>
#include <tempo/ops.hpp>

#include "training/data/order.hpp"

namespace tempo {

Tensor samples(const Tensor& x, const std::vector<int64_t>& places) {
  const int64_t count = count_of_samples("samples", x, "x");
  std::vector<int64_t> counted;
  for (const int64_t place : places) {
    if (place < -count || place >= count)
      throw Error("samples: there is no place " + std::to_string(place) + " in x, " +
                  to_string(x.shape(), x.dtype()) + ".\n  Its places are 0 to " +
                  std::to_string(count - 1) + "; negative ones count from the end.");
    counted.push_back(place < 0 ? place + count : place);
  }
  const Tensor at = tensor(counted, {static_cast<int64_t>(counted.size())});
  const Tensor mask = mask_of(x);
  const Tensor picked = gather(x, at);
  return mask ? with_mask(picked, gather(mask, at)) : picked;
}

Batches::Batches(const Tensor& x, const Tensor& y, const BatchOptions& options)
    : x_(x), y_(y), options_(options) {
  require_pair("batches", x, y);
  count_ = x.shape().front();
  if (options.size < 1)
    throw Error("batches: size is " + std::to_string(options.size) + "; it must be at least 1.");
  if (count_ == 0) throw Error("batches: x and y hold no samples.");
}

Samples Batches::batch(int64_t at, const std::vector<int64_t>* order) const {
  const int64_t begin = at * options_.size, end = std::min(begin + options_.size, count_);
  return {part_of(x_, begin, end, order), part_of(y_, begin, end, order)};
}

std::vector<int64_t> Batches::places(int64_t at, const std::vector<int64_t>* order) const {
  const int64_t begin = at * options_.size, end = std::min(begin + options_.size, count_);
  if (order) return {order->begin() + begin, order->begin() + end};
  std::vector<int64_t> out(static_cast<std::size_t>(end - begin));
  std::iota(out.begin(), out.end(), begin);
  return out;
}

std::shared_ptr<const std::vector<int64_t>> Batches::order_of(int64_t pass) const {
  if (!options_.shuffle) return nullptr;
  return std::make_shared<std::vector<int64_t>>(shuffled(count_, options_.seed, pass));
}

}  // namespace tempo
