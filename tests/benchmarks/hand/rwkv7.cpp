// SPDX-License-Identifier: Apache-2.0
// RWKV-7: six mixtures and nine products before the loops, and back after their gradient.
#include "loops/rwkv7.hpp"

#include "cells.hpp"
#include "sequence.hpp"

namespace bench {

namespace {

class RWKV7 : public OverSequence {
 public:
  using OverSequence::OverSequence;

 private:
  void forward() override {
    const int64_t features = size_.features, units = size_.units;
    mixtures_.x = data(x_);
    mixtures_.mix = numbers_of("mix");
    for (std::size_t i = 0; i < 6; ++i) {
      mixed_[i] = made({steps_, features});
      mixtures_.mixed[i] = data(mixed_[i]);
      z_[i] = made({steps_, units});
    }
    of_each(size_.batch, [&](int64_t row) { mixtures_.forward(row); });
    for (int64_t i = 0; i < 3; ++i) {
      const auto n = static_cast<std::size_t>(i);
      multiply(mixed_[n].view(), weight("kernel").view().at(i), z_[n].view());
      low_[n] = made({steps_, low_rank});
      multiply(mixed_[n + 3].view(), weight("down").view().at(i), low_[n].view());
    }
    tanh_of(data(low_[0]), low_[0].count());
    sigmoid_of(data(low_[2]), low_[2].count());
    for (int64_t i = 0; i < 3; ++i) {
      const auto n = static_cast<std::size_t>(i);
      multiply(low_[n].view(), weight("up").view().at(i), z_[n + 3].view());
    }
    run_heads();
  }

  void run_heads() {
    if (with_gradient_) kept_ = made({pairs_, segments_of(size_.time), loop_.width, loop_.width});
    y_ = made({steps_, size_.units});
    loop_.r = data(z_[0]);
    loop_.k = data(z_[1]);
    loop_.v = data(z_[2]);
    loop_.w = data(z_[3]);
    loop_.a = data(z_[4]);
    loop_.gate = data(z_[5]);
    loop_.decay_bias = numbers_of("decay_bias");
    loop_.rate_bias = numbers_of("rate_bias");
    loop_.removal = numbers_of("removal");
    loop_.renewal = numbers_of("renewal");
    loop_.bonus = numbers_of("bonus");
    loop_.gamma = numbers_of("gamma");
    loop_.beta = numbers_of("beta");
    loop_.y = data(y_);
    loop_.kept = with_gradient_ ? data(kept_) : nullptr;
    of_each(pairs_, [&](int64_t pair) { loop_.forward(pair); });
  }

  void backward() override {
    backward_of_heads();
    const Array dkernel = gradient("kernel") = made(weight("kernel").shape());
    const Array ddown = gradient("down") = made(weight("down").shape());
    const Array dup = gradient("up") = made(weight("up").shape());
    const Array dlow = made({steps_, low_rank});
    for (int64_t i = 0; i < 3; ++i) {
      const auto n = static_cast<std::size_t>(i);
      multiply(mixed_[n].view(), z_[n].view(), dkernel.view().at(i), true, false);
      multiply(z_[n].view(), weight("kernel").view().at(i), mixed_[n].view(), false, true);
      multiply(low_[n].view(), z_[n + 3].view(), dup.view().at(i), true, false);
      multiply(z_[n + 3].view(), weight("up").view().at(i), dlow.view(), false, true);
      if (i == 0) backward_of_tanh(data(low_[n]), data(dlow), dlow.count());
      if (i == 2) backward_of_sigmoid(data(low_[n]), data(dlow), dlow.count());
      multiply(mixed_[n + 3].view(), dlow.view(), ddown.view().at(i), true, false);
      multiply(dlow.view(), weight("down").view().at(i), mixed_[n + 3].view(), false, true);
    }
    dx_ = made({steps_, size_.features});
    const Array dmix = zeros({size_.batch, 6, size_.features});
    mixtures_.dx = data(dx_);
    mixtures_.dmix = data(dmix);
    of_each(size_.batch, [&](int64_t row) { mixtures_.backward(row); });
    gradient("mix") = summed(dmix);
  }

  void backward_of_heads() {
    const std::pair<const char*, float**> sums[] = {{"decay_bias", &loop_.ddecay_bias},
                                                    {"rate_bias", &loop_.drate_bias},
                                                    {"removal", &loop_.dremoval},
                                                    {"renewal", &loop_.drenewal},
                                                    {"bonus", &loop_.dbonus},
                                                    {"gamma", &loop_.dgamma},
                                                    {"beta", &loop_.dbeta}};
    for (const auto& [name, place] : sums)
      *place = data(gradient(name) = zeros({size_.batch, size_.units}));
    loop_.dy = data(dy_);
    of_each(pairs_, [&](int64_t pair) { loop_.backward(pair); });
    for (const auto& [name, place] : sums) gradient(name) = summed(gradient(name));
  }

  Mixtures mixtures_{size_.time, size_.features};
  RWKV7Loop loop_{{size_.time, heads, size_.units / heads}};
  int64_t pairs_ = size_.batch * heads;
  Array mixed_[6], low_[3];  // [steps, features], [steps, low_rank]
  Array z_[6];               // r, k, v, w, a and gate, [steps, units]
  Array kept_;
};

}  // namespace

std::unique_ptr<Work> rwkv7(const Job& job) { return std::make_unique<RWKV7>(job); }

}  // namespace bench
