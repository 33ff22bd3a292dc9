// SPDX-License-Identifier: Apache-2.0
// Ranges and random numbers; elementwise.hpp has constants.
#pragma once

#include <algorithm>
#include <cmath>

#include <tempo/elementwise.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {
/// A tensor [n] whose element i is number(i).
template <class Number>
Tensor numbered(int64_t n, DType dtype, Number number) {
  std::vector<decltype(number(n))> values;
  try {
    values.resize(static_cast<std::size_t>(n));
  } catch (const std::bad_alloc&) {
    throw OutOfMemory();
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = number(static_cast<int64_t>(i));
  return tensor(values, {n}, dtype);
}
}  // namespace sdk

/// start, start + step, ... up to but not including stop, [ceil((stop - start) / step)]. Whole
/// numbers in an integer dtype are exact.
inline Tensor arange(double start, double stop, double step = 1, DType dtype = DType::automatic) {
  const auto fail = [&](const std::string& why) {
    throw Error("arange: " + why + "\n  start is " + sdk::shortest(start) + ", stop " +
                sdk::shortest(stop) + ", step " + sdk::shortest(step) + ".");
  };
  if (step == 0) throw Error("arange: a step of 0 never reaches stop.");
  if (!std::isfinite(start) || !std::isfinite(stop) || !std::isfinite(step))
    fail("start, stop and step must be finite.");
  const double n = std::max(0.0, std::ceil((stop - start) / step - 1e-9));
  if (!(n < 0x1p60)) fail("these are more elements than 64 bits can address.");
  const double last = start + step * (n - 1);
  if (n > 0 && !(sdk::within(start, dtype) && sdk::within(last, dtype)))
    fail(std::string("dtype ") + name_of(sdk::resolved(dtype)) +
         " cannot hold all of these numbers.");
  const bool whole = !is_floating(dtype) && dtype != DType::automatic && sdk::holds(int64, start) &&
                     sdk::holds(int64, step);
  const auto count = static_cast<int64_t>(n);
  return sdk::made("arange", {count}, dtype, [&] {
    if (!whole)
      return sdk::numbered(count, dtype,
                           [&](int64_t i) { return start + step * static_cast<double>(i); });
    // Unsigned, because step times i may wrap around on the way.
    const auto first = static_cast<uint64_t>(static_cast<int64_t>(start)),
               each = static_cast<uint64_t>(static_cast<int64_t>(step));
    return sdk::numbered(count, dtype, [&](int64_t i) {
      return static_cast<int64_t>(first + each * static_cast<uint64_t>(i));
    });
  });
}

namespace sdk {
/// The key of one draw, int64 [2]; seed < 0 takes the next key of the global generator.
inline Tensor random_key(int64_t seed = -1) {
  tempo_tensor* out = nullptr;
  check(host().random_key(seed, &out));
  return Tensor(out);
}

inline void require_random(const char* who, DType dtype) {
  if (!is_floating(dtype) && dtype != DType::automatic)
    throw ShapeError(std::string(who) + ": random numbers are float32 or float64, not " +
                     name_of(dtype) + ".\n  cast(x, " + name_of(dtype) +
                     ") makes integers of them.");
}
inline void require_within(const char* who, DType dtype, std::initializer_list<double> numbers) {
  for (const double number : numbers)
    if (!within(number, dtype))
      throw Error(std::string(who) + ": " + shortest(number) + " is beyond " +
                  name_of(resolved(dtype)) + ".\n  Give smaller numbers, or the dtype float64.");
}
}  // namespace sdk

/// Uniform numbers in [low, high), even after rounding to the dtype. A `seed` < 0 draws from the
/// generator that set_seed starts.
inline Tensor random_uniform(const Shape& shape, double low = 0, double high = 1,
                             DType dtype = DType::automatic, int64_t seed = -1) {
  sdk::require_random("random_uniform", dtype);
  if (!(low <= high) || !std::isfinite(high - low))
    throw Error("random_uniform: no number is uniform from " + sdk::shortest(low) + " to " +
                sdk::shortest(high) + ".\n  Both must be finite, the second not below the first.");
  sdk::require_within("random_uniform", dtype, {low, high, high - low});
  static const sdk::Op op("random_uniform");
  return sdk::made("random_uniform", shape, dtype, [&] {
    const Tensor unit = op(sdk::random_key(seed), {{"shape", shape}, {"dtype", dtype}});
    if (low == 0 && high == 1) return unit;
    // A number rounded up to `high` becomes `low`, to which only half as many round as elsewhere.
    const Tensor x = low + (high - low) * unit;
    return where(x < high, x, low);
  });
}
/// Uniform numbers in [0, 1) of this dtype.
inline Tensor random_uniform(const Shape& shape, DType dtype, int64_t seed = -1) {
  return random_uniform(shape, 0, 1, dtype, seed);
}
namespace sdk {
inline Tensor standard_normal(const char* who, const Shape& shape, DType dtype, int64_t seed) {
  static const Op op("random_normal");
  require_random(who, dtype);
  return made(who, shape, dtype, [&] {
    return op(random_key(seed), {{"shape", shape}, {"dtype", dtype}});
  });
}
}  // namespace sdk

/// Normal (Gaussian) numbers.
inline Tensor random_normal(const Shape& shape, double mean = 0, double stddev = 1,
                            DType dtype = DType::automatic, int64_t seed = -1) {
  if (!std::isfinite(mean) || !(stddev >= 0) || !std::isfinite(stddev))
    throw Error("random_normal: no number is normal with the mean " + sdk::shortest(mean) +
                " and the deviation " + sdk::shortest(stddev) +
                ".\n  Both must be finite, the second not below 0.");
  sdk::require_within("random_normal", dtype, {mean, stddev});
  const Tensor unit = sdk::standard_normal("random_normal", shape, dtype, seed);
  return mean == 0 && stddev == 1 ? unit : mean + stddev * unit;
}
/// Standard normal numbers of this dtype.
inline Tensor random_normal(const Shape& shape, DType dtype, int64_t seed = -1) {
  return sdk::standard_normal("random_normal", shape, dtype, seed);
}
/// Standard normal numbers.
inline Tensor randn(const Shape& shape, DType dtype = DType::automatic) {
  return sdk::standard_normal("randn", shape, dtype, -1);
}

}  // namespace tempo
