// SPDX-License-Identifier: Apache-2.0
// Mamba-2: the loops over its heads, which share B and C.
#include "loops/mamba2.hpp"

#include "cells.hpp"
#include "convolved.hpp"

namespace bench {

namespace {

class Mamba2 : public Convolved {
 public:
  explicit Mamba2(const Job& job) : Convolved(job, job.size.units + 2 * state_size) {}

 private:
  void forward_of_heads() override {
    if (with_gradient_) kept_ = made({pairs_, segments_of(size_.time), state_size, width_});
    loop_.z = data(z_);
    loop_.u = convolved();
    loop_.B = loop_.u + size_.units;
    loop_.C = loop_.B + state_size;
    loop_.rate = numbers_of("rate");
    loop_.rate_bias = numbers_of("rate_bias");
    loop_.direct = numbers_of("direct");
    loop_.read = data(read_);
    loop_.kept = with_gradient_ ? data(kept_) : nullptr;
    of_each(pairs_, [&](int64_t pair) { loop_.forward(pair); });
  }

  void backward_of_heads() override {
    const std::pair<const char*, float**> sums[] = {
        {"rate", &loop_.drate}, {"rate_bias", &loop_.drate_bias}, {"direct", &loop_.ddirect}};
    for (const auto& [name, place] : sums)
      *place = data(gradient(name) = zeros({size_.batch, heads}));
    const Array of_B = made({steps_, heads, state_size}), of_C = made({steps_, heads, state_size});
    loop_.du = data(dconvolved_);
    loop_.dB = data(of_B);
    loop_.dC = data(of_C);
    of_each(pairs_, [&](int64_t pair) { loop_.backward(pair); });
    float* const dB = loop_.du + size_.units;
    sum_over_heads(steps_, heads, state_size, loop_.dB, channels_, dB);
    sum_over_heads(steps_, heads, state_size, loop_.dC, channels_, dB + state_size);
    for (const auto& [name, place] : sums) gradient(name) = summed(gradient(name));
  }

  Mamba2Loop loop_{{size_.time, heads, width_}, state_size, columns_};
  Array kept_;
};

}  // namespace

std::unique_ptr<Work> mamba2(const Job& job) { return std::make_unique<Mamba2>(job); }

}  // namespace bench
