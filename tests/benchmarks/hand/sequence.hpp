// SPDX-License-Identifier: Apache-2.0
// Shared by the cells by hand: weights and gradients by name, and Tempo's products and threads.
#pragma once

#include <algorithm>
#include <map>

#include "benchmarks/cells.hpp"
#include "tensor/array.hpp"
#include "tensor/parallel.hpp"

namespace bench {

using tempo::Array;
using tempo::Shape;
using tempo::View;

/// Uninitialised float32; and zeros.
Array made(const Shape& shape);
Array zeros(const Shape& shape);
inline float* data(const Array& a) { return a.as<float>(); }

/// The product of matrices, each as it is or transposed.
void multiply(const View& a, const View& b, const View& out, bool turn_a = false,
              bool turn_b = false);
inline void multiply(const Array& a, const Array& b, const Array& out, bool turn_a = false,
                     bool turn_b = false) {
  multiply(a.view(), b.view(), out.view(), turn_a, turn_b);
}

/// The sum over the first axis.
Array summed(const Array& parts);
/// [rows, n] and [rows, m] as [rows, n + m], and back.
Array side_by_side(const Array& a, const Array& b);
void apart(const Array& both, const Array& a, const Array& b);

/// Calls f(i) for each i below `count`, on all threads.
template <class F>
void of_each(int64_t count, F f) {
  tempo::parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
  });
}

/// A cell over sequences: all outputs, optionally with the gradients of x and of all weights.
class OverSequence : public Work {
 public:
  explicit OverSequence(const Job& job);

  void run() override;
  Results results() override;

 protected:
  virtual void forward() = 0;   ///< makes `y_`
  virtual void backward() = 0;  ///< makes `dx_` and the gradient of each weight from `dy_`

  const Array& weight(const std::string& name) const { return values_.at(name); }
  const float* numbers_of(const std::string& name) const { return data(weight(name)); }
  /// The place for a weight's gradient; another shape with the same number of elements works, too.
  Array& gradient(const std::string& name) { return gradients_[name]; }

  Size size_;
  int64_t steps_;  ///< of all sequences
  bool with_gradient_;
  Array x_, y_, dy_, dx_;  // [steps, features or units]

 private:
  std::vector<Weight> weights_;
  std::map<std::string, Array> values_, gradients_;
};

}  // namespace bench
