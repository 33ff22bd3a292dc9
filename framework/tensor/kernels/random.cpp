// SPDX-License-Identifier: Apache-2.0
// Philox, and the distributions that are made from its bits.
#include "tensor/kernels/random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tensor/parallel.hpp"

namespace tempo {
namespace {

uint64_t join(uint32_t high, uint32_t low) { return uint64_t{high} << 32 | low; }
uint32_t low_half(uint64_t x) { return static_cast<uint32_t>(x); }
uint32_t high_half(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

double unit_interval(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }
float unit_interval(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

Philox generator_of(const View& key) {
  const auto* values = key.as<const int64_t>();
  return {static_cast<uint64_t>(values[0]), static_cast<uint64_t>(values[1])};
}

/// The elements made from one draw of bits.
void draw(const Philox& random, uint64_t index, std::array<float, 4>& values) {
  const Philox::Numbers bits = random(index);
  for (std::size_t i = 0; i < 4; ++i) values[i] = unit_interval(bits[i]);
}
void draw(const Philox& random, uint64_t index, std::array<double, 2>& values) {
  const Philox::Numbers bits = random(index);
  values = {unit_interval(join(bits[1], bits[0])), unit_interval(join(bits[3], bits[2]))};
}

/// Box and Muller (1958), in double for either dtype.
template <class T>
void draw_normal(const Philox& random, uint64_t index, std::array<T, 2>& values) {
  std::array<double, 2> u;
  draw(random, index, u);
  const double radius = std::sqrt(-2 * std::log(1 - u[0]));  // 1 - u is in (0, 1]
  const double angle = 2 * 3.14159265358979323846 * u[1];
  values = {static_cast<T>(radius * std::cos(angle)), static_cast<T>(radius * std::sin(angle))};
}

/// Writes count elements, group by group: group i is made from draw i.
template <std::size_t group, class T, class Draw>
void fill(T* y, int64_t count, Draw draw_group) {
  constexpr auto size = static_cast<int64_t>(group);
  parallel_for((count + size - 1) / size, elements_per_task / 8, [&](int64_t begin, int64_t end) {
    std::array<T, group> values;
    for (int64_t i = begin; i < end; ++i) {
      draw_group(static_cast<uint64_t>(i), values);
      std::copy_n(values.begin(), std::min(size, count - i * size), y + i * size);
    }
  });
}

}  // namespace

Philox::Numbers Philox::numbers(Numbers counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p = uint64_t{0xD2511F53} * counter[0];
    const uint64_t q = uint64_t{0xCD9E8D57} * counter[2];
    counter = {high_half(q) ^ counter[1] ^ key[0], low_half(q), high_half(p) ^ counter[3] ^ key[1],
               low_half(p)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

Philox::Numbers Philox::operator()(uint64_t index) const {
  return numbers({low_half(index), high_half(index), low_half(stream_), high_half(stream_)},
                 {low_half(seed_), high_half(seed_)});
}

std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream) {
  const Philox random(seed, stream);
  uint64_t index = 0;
  // Uniform in 0..last: draws random bits under the smallest mask that holds `last` until they are
  // in range.
  const auto below_or_at = [&](uint64_t last) {
    uint64_t mask = last;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    while (true) {
      const Philox::Numbers bits = random(index++);
      for (const uint64_t value : {join(bits[1], bits[0]), join(bits[3], bits[2])})
        if ((value & mask) <= last) return value & mask;
    }
  };
  std::vector<int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below_or_at(i - 1)]);
  return order;
}

Kernel uniform_kernel() {
  return [](const KernelCall& call) {
    const Philox random = generator_of(call.inputs[0]);
    const View& y = call.outputs[0];
    dispatch_floating(y.dtype(), "random_uniform", [&]<class T>(T) {
      fill<16 / sizeof(T)>(y.as<T>(), y.count(),
                           [&](uint64_t i, auto& values) { draw(random, i, values); });
    });
  };
}

Kernel normal_kernel() {
  return [](const KernelCall& call) {
    const Philox random = generator_of(call.inputs[0]);
    const View& y = call.outputs[0];
    dispatch_floating(y.dtype(), "random_normal", [&]<class T>(T) {
      fill<2>(y.as<T>(), y.count(),
              [&](uint64_t i, auto& values) { draw_normal(random, i, values); });
    });
  };
}

}  // namespace tempo
