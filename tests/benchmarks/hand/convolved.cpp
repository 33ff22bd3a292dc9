// SPDX-License-Identifier: Apache-2.0
// The part from x to the state and from there to y, and its gradient.
#include "convolved.hpp"

namespace bench {

Convolved::Convolved(const Job& job, int64_t channels)
    : OverSequence(job),
      width_(size_.units / heads),
      pairs_(size_.batch * heads),
      channels_(channels),
      columns_(size_.units + channels + heads),
      convolution_{size_.time, channels, convolution_width, columns_, size_.units},
      norm_{size_.time, size_.units, columns_} {}

void Convolved::forward() {
  z_ = made({steps_, columns_});
  multiply(x_, weight("kernel"), z_);
  convolved_ = made({2, steps_, channels_});
  convolution_.z = data(z_);
  convolution_.kernel = numbers_of("conv_kernel");
  convolution_.bias = numbers_of("conv_bias");
  convolution_.sum = data(convolved_);
  convolution_.y = data(convolved_) + steps_ * channels_;
  of_each(size_.batch, [&](int64_t row) { convolution_.forward(row); });
  read_ = made({steps_, size_.units});
  forward_of_heads();
  y_ = made({steps_, size_.units});
  norm_.z = data(z_);
  norm_.read = data(read_);
  norm_.scale = numbers_of("scale");
  norm_.y = data(y_);
  of_each(size_.batch, [&](int64_t row) { norm_.forward(row); });
}

void Convolved::backward() {
  const Array dscale = zeros({size_.batch, size_.units});
  norm_.dy = data(dy_);
  norm_.dscale = data(dscale);
  of_each(size_.batch, [&](int64_t row) { norm_.backward(row); });
  gradient("scale") = summed(dscale);
  dconvolved_ = made({steps_, channels_});
  backward_of_heads();
  const Array dkernel = zeros({size_.batch, convolution_width * channels_});
  const Array dbias = zeros({size_.batch, channels_});
  convolution_.y = data(dconvolved_);
  convolution_.dkernel = data(dkernel);
  convolution_.dbias = data(dbias);
  of_each(size_.batch, [&](int64_t row) { convolution_.backward(row); });
  gradient("conv_kernel") = summed(dkernel);
  gradient("conv_bias") = summed(dbias);
  dx_ = made({steps_, size_.features});
  multiply(z_, weight("kernel"), dx_, false, true);
  multiply(x_, z_, gradient("kernel") = made(weight("kernel").shape()), true, false);
}

}  // namespace bench
