// SPDX-License-Identifier: Apache-2.0
// Seeds for layers that draw random numbers at each call in training.
#pragma once

#include <tempo/cell.hpp>
#include <tempo/shared.hpp>

namespace tempo TEMPO_HIDDEN {
namespace sdk {

/// A seed for each call, so that calls differ, and each run of a program begins with the same one.
/// A saved model keeps the number of calls, so that training goes on with the next seed.
class Seeds {
 public:
  /// A seed below 0 stands for the generator that set_seed starts.
  explicit Seeds(int64_t seed) : seed_(seed) {}
  int64_t next() {
    if (seed_ < 0) return -1;
    const uint64_t key = static_cast<uint64_t>(seed_) * 1000003 + calls_.next();
    return static_cast<int64_t>(key & 0x7fffffffffff);
  }

  void keep(Kept& keep) {
    if (seed_ >= 0) keep("calls", calls_);
  }

 private:
  int64_t seed_;
  Counter calls_;
};

/// Describes the option `seed`.
template <class Options>
void describe_seed(auto& option, Options& o) {
  option("seed", o.seed, "Of its random numbers; -1 draws from the ones that set_seed starts.",
         at_least(-1));
}

/// The shape in which numbers for x are drawn: that of x, or `given`, whose extents are 1 if one
/// draw serves the whole axis, and -1 for the extent of x.
inline Shape noise_shape(const char* who, const Shape& given, const Shape& x) {
  if (given.empty()) return x;
  Shape shape = given;
  bool fits = given.rank() == x.rank();
  for (int axis = 0; fits && axis < x.rank(); ++axis) {
    if (given[axis] == -1) shape[axis] = x[axis];
    fits = shape[axis] == 1 || shape[axis] == x[axis];
  }
  if (!fits)
    throw ShapeError(std::string(who) + ": noise_shape is " + to_string(given) + ", the input " +
                     to_string(x) +
                     ".\n  It has an extent for each axis: 1 where one draw serves the whole axis, "
                     "-1 for the input's own.");
  return shape;
}

}  // namespace sdk
}  // namespace tempo
