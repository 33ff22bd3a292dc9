// SPDX-License-Identifier: Apache-2.0
// Gated DeltaNet: one product of both kernels before the loops and two after their gradient.
#include "loops/gated_delta_net.hpp"

#include "cells.hpp"
#include "sequence.hpp"

namespace bench {

namespace {

class GatedDeltaNet : public OverSequence {
 public:
  using OverSequence::OverSequence;

 private:
  void forward() override {
    kernels_ = side_by_side(weight("kernel"), weight("gate_kernel"));
    z_ = made({steps_, loop_.columns()});
    multiply(x_, kernels_, z_);
    y_ = made({steps_, size_.units});
    if (with_gradient_) kept_ = made({pairs_, segments_of(size_.time), loop_.width, loop_.width});
    loop_.z = data(z_);
    loop_.rate = numbers_of("rate");
    loop_.rate_bias = numbers_of("rate_bias");
    loop_.scale = numbers_of("scale");
    loop_.y = data(y_);
    loop_.kept = with_gradient_ ? data(kept_) : nullptr;
    of_each(pairs_, [&](int64_t pair) { loop_.forward(pair); });
  }

  void backward() override {
    const Array drate = zeros({pairs_, 1}), drate_bias = zeros({pairs_, 1});
    const Array dscale = zeros({pairs_, loop_.width});
    loop_.dy = data(dy_);
    loop_.drate = data(drate);
    loop_.drate_bias = data(drate_bias);
    loop_.dscale = data(dscale);
    of_each(pairs_, [&](int64_t pair) { loop_.backward(pair); });
    gradient("rate") = summed(drate.reshaped({size_.batch, heads}));
    gradient("rate_bias") = summed(drate_bias.reshaped({size_.batch, heads}));
    gradient("scale") = summed(dscale);
    dx_ = made({steps_, size_.features});
    multiply(z_, kernels_, dx_, false, true);
    const Array dkernels = made(kernels_.shape());
    multiply(x_, z_, dkernels, true, false);
    apart(dkernels, gradient("kernel") = made(weight("kernel").shape()),
          gradient("gate_kernel") = made(weight("gate_kernel").shape()));
  }

  GatedDeltaNetLoop loop_{{size_.time, heads, size_.units / heads}};
  int64_t pairs_ = size_.batch * heads;
  Array kernels_, z_, kept_;
};

}  // namespace

std::unique_ptr<Work> gated_delta_net(const Job& job) {
  return std::make_unique<GatedDeltaNet>(job);
}

}  // namespace bench
