// SPDX-License-Identifier: Apache-2.0
// M2RNN: the loops over its heads.
#include "loops/m2rnn.hpp"

#include "cells.hpp"
#include "convolved.hpp"

namespace bench {

namespace {

class M2RNN : public Convolved {
 public:
  explicit M2RNN(const Job& job) : Convolved(job, 3 * job.size.units) {}

 private:
  void forward_of_heads() override {
    if (with_gradient_) kept_ = made({pairs_, segments_of(size_.time), width_, width_});
    loop_.z = data(z_);
    loop_.qkv = convolved();
    loop_.recurrent = numbers_of("recurrent");
    loop_.direct = numbers_of("direct");
    loop_.rate = numbers_of("rate");
    loop_.rate_bias = numbers_of("rate_bias");
    loop_.read = data(read_);
    loop_.kept = with_gradient_ ? data(kept_) : nullptr;
    of_each(pairs_, [&](int64_t pair) { loop_.forward(pair); });
  }

  void backward_of_heads() override {
    const std::pair<const char*, float**> sums[] = {{"recurrent", &loop_.drecurrent},
                                                    {"direct", &loop_.ddirect},
                                                    {"rate", &loop_.drate},
                                                    {"rate_bias", &loop_.drate_bias}};
    for (const auto& [name, place] : sums)
      *place = data(gradient(name) = zeros({size_.batch, weight(name).count()}));
    loop_.dqkv = data(dconvolved_);
    of_each(pairs_, [&](int64_t pair) { loop_.backward(pair); });
    for (const auto& [name, place] : sums) gradient(name) = summed(gradient(name));
  }

  M2RNNLoop loop_{{size_.time, heads, width_}, columns_};
  Array kept_;
};

}  // namespace

std::unique_ptr<Work> m2rnn(const Job& job) { return std::make_unique<M2RNN>(job); }

}  // namespace bench
