// SPDX-License-Identifier: Apache-2.0
// minGRU: one product before the loop and two after its gradient.
#include "loops/min_gru.hpp"

#include "cells.hpp"
#include "sequence.hpp"

namespace bench {

namespace {

class MinGRU : public OverSequence {
 public:
  using OverSequence::OverSequence;

 private:
  void forward() override {
    const auto [batch, time, features, units] = size_;
    gates_ = made({steps_, 2 * units});
    y_ = made({steps_, units});
    h_ = made({batch, units});
    multiply(x_, weight("kernel"), gates_);
    of_each(batch, [&](int64_t b) {
      min_gru_forward(size_.time, size_.units, numbers_of("bias"), row(gates_, b, 2), row(y_, b, 1),
                      data(h_) + b * size_.units);
    });
  }

  void backward() override {
    const auto [batch, time, features, units] = size_;
    const Array of_rows = zeros({batch, 2 * units});
    of_each(batch, [&](int64_t b) {
      min_gru_backward(size_.time, size_.units, row(y_, b, 1), row(dy_, b, 1), row(gates_, b, 2),
                       data(of_rows) + 2 * b * size_.units, data(h_) + b * size_.units);
    });
    gradient("bias") = summed(of_rows);
    dx_ = made({steps_, features});
    gradient("kernel") = made({features, 2 * units});
    multiply(gates_, weight("kernel"), dx_, false, true);
    multiply(x_, gates_, gradient("kernel"), true, false);
  }

  float* row(const Array& a, int64_t b, int64_t gates) const {
    return data(a) + b * size_.time * gates * size_.units;
  }

  Array gates_, h_;
};

}  // namespace

std::unique_ptr<Work> min_gru(const Job& job) { return std::make_unique<MinGRU>(job); }

}  // namespace bench
