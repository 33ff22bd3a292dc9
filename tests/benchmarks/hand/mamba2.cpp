// SPDX-License-Identifier: Apache-2.0
// Mamba-2: a product and a convolution before the loops, a gated norm after them, and back.
#include "loops/mamba2.hpp"

#include "cells.hpp"
#include "loops/around.hpp"
#include "sequence.hpp"

namespace bench {

namespace {

class Mamba2 : public OverSequence {
 public:
  using OverSequence::OverSequence;

 private:
  void forward() override {
    z_ = made({steps_, loop_.columns});
    multiply(x_, weight("kernel"), z_);
    convolved_ = made({2, steps_, loop_.channels()});
    convolution_.z = data(z_);
    convolution_.kernel = numbers_of("conv_kernel");
    convolution_.bias = numbers_of("conv_bias");
    convolution_.sum = data(convolved_);
    convolution_.y = data(convolved_) + steps_ * loop_.channels();
    of_each(size_.batch, [&](int64_t row) { convolution_.forward(row); });
    if (with_gradient_) kept_ = made({pairs_, segments_of(size_.time), state_size, loop_.width});
    read_ = made({steps_, size_.units});
    loop_.z = data(z_);
    loop_.u = convolution_.y;
    loop_.B = loop_.u + size_.units;
    loop_.C = loop_.B + state_size;
    loop_.rate = numbers_of("rate");
    loop_.rate_bias = numbers_of("rate_bias");
    loop_.direct = numbers_of("direct");
    loop_.read = data(read_);
    loop_.kept = with_gradient_ ? data(kept_) : nullptr;
    of_each(pairs_, [&](int64_t pair) { loop_.forward(pair); });
    y_ = made({steps_, size_.units});
    norm_.z = data(z_);
    norm_.read = data(read_);
    norm_.scale = numbers_of("scale");
    norm_.y = data(y_);
    of_each(size_.batch, [&](int64_t row) { norm_.forward(row); });
  }

  void backward() override {
    const Array dscale = zeros({size_.batch, size_.units});
    norm_.dy = data(dy_);
    norm_.dscale = data(dscale);
    of_each(size_.batch, [&](int64_t row) { norm_.backward(row); });
    gradient("scale") = summed(dscale);
    backward_of_heads();
    backward_of_convolution();
    dx_ = made({steps_, size_.features});
    multiply(z_, weight("kernel"), dx_, false, true);
    multiply(x_, z_, gradient("kernel") = made(weight("kernel").shape()), true, false);
  }

  void backward_of_heads() {
    const std::pair<const char*, float**> sums[] = {
        {"rate", &loop_.drate}, {"rate_bias", &loop_.drate_bias}, {"direct", &loop_.ddirect}};
    for (const auto& [name, place] : sums)
      *place = data(gradient(name) = zeros({size_.batch, heads}));
    dconvolved_ = made({steps_, loop_.channels()});
    const Array of_B = made({steps_, heads, state_size}), of_C = made({steps_, heads, state_size});
    loop_.du = data(dconvolved_);
    loop_.dB = data(of_B);
    loop_.dC = data(of_C);
    of_each(pairs_, [&](int64_t pair) { loop_.backward(pair); });
    float* const dB = loop_.du + size_.units;
    sum_over_heads(steps_, heads, state_size, loop_.dB, loop_.channels(), dB);
    sum_over_heads(steps_, heads, state_size, loop_.dC, loop_.channels(), dB + state_size);
    for (const auto& [name, place] : sums) gradient(name) = summed(gradient(name));
  }

  void backward_of_convolution() {
    const Array dkernel = zeros({size_.batch, convolution_width * loop_.channels()});
    const Array dbias = zeros({size_.batch, loop_.channels()});
    convolution_.y = data(dconvolved_);
    convolution_.dkernel = data(dkernel);
    convolution_.dbias = data(dbias);
    of_each(size_.batch, [&](int64_t row) { convolution_.backward(row); });
    gradient("conv_kernel") = summed(dkernel);
    gradient("conv_bias") = summed(dbias);
  }

  int64_t channels_ = size_.units + 2 * state_size;
  int64_t columns_ = size_.units + channels_ + heads;
  int64_t pairs_ = size_.batch * heads;
  Mamba2Loop loop_{{size_.time, heads, size_.units / heads}, state_size, columns_};
  Convolution convolution_{size_.time, channels_, convolution_width, columns_, size_.units};
  GatedNorm norm_{size_.time, size_.units, columns_};
  Array z_, convolved_, dconvolved_, read_, kept_;
};

}  // namespace

std::unique_ptr<Work> mamba2(const Job& job) { return std::make_unique<Mamba2>(job); }

}  // namespace bench
