// SPDX-License-Identifier: Apache-2.0
// mLSTM: one product of both kernels before the loops and two after their gradient.
#include "loops/mlstm.hpp"

#include "cells.hpp"
#include "sequence.hpp"

namespace bench {

namespace {

class MLSTM : public OverSequence {
 public:
  using OverSequence::OverSequence;

 private:
  void forward() override {
    kernels_ = side_by_side(weight("kernel"), weight("gate_kernel"));
    z_ = made({steps_, loop_.columns()});
    multiply(x_, kernels_, z_);
    y_ = made({steps_, size_.units});
    if (with_gradient_) kept_ = made({pairs_, segments_of(size_.time), loop_.room()});
    loop_.z = data(z_);
    loop_.bias = numbers_of("bias");
    loop_.gate_bias = numbers_of("gate_bias");
    loop_.y = data(y_);
    loop_.kept = with_gradient_ ? data(kept_) : nullptr;
    of_each(pairs_, [&](int64_t pair) { loop_.forward(pair); });
  }

  void backward() override {
    const Array dbias = zeros({pairs_, 4 * loop_.width}), of_gates = zeros({pairs_, 2});
    loop_.dy = data(dy_);
    loop_.dbias = data(dbias);
    loop_.dgate_bias = data(of_gates);
    of_each(pairs_, [&](int64_t pair) { loop_.backward(pair); });
    gradient("bias") = summed(dbias.reshaped({size_.batch, 4 * size_.units}));
    const Array sum = summed(of_gates.reshaped({size_.batch, 2 * heads}));  // [heads, 2]
    const Array dgate_bias = gradient("gate_bias") = made({2 * heads});
    for (int64_t i = 0; i < 2 * heads; ++i) data(dgate_bias)[i % 2 * heads + i / 2] = data(sum)[i];
    dx_ = made({steps_, size_.features});
    multiply(z_, kernels_, dx_, false, true);
    const Array dkernels = made(kernels_.shape());
    multiply(x_, z_, dkernels, true, false);
    apart(dkernels, gradient("kernel") = made(weight("kernel").shape()),
          gradient("gate_kernel") = made(weight("gate_kernel").shape()));
  }

  MLSTMLoop loop_{{size_.time, heads, size_.units / heads}};
  int64_t pairs_ = size_.batch * heads;
  Array kernels_, z_, kept_;
};

}  // namespace

std::unique_ptr<Work> mlstm(const Job& job) { return std::make_unique<MLSTM>(job); }

}  // namespace bench
