// SPDX-License-Identifier: Apache-2.0
// Jobs of a loop written by hand beside Tempo's own products: what a cell's formula is to reach.
#include <algorithm>

#include "benchmarks/cells.hpp"
#include "loops.hpp"
#include "tensor/parallel.hpp"
#include "tensor/products/matmul.hpp"

namespace bench {

namespace {

using tempo::Array;
using tempo::Shape;

Array made(const Shape& shape) { return Array(tempo::float32, shape); }
Array made(const Shape& shape, const std::vector<float>& values) {
  Array a = made(shape);
  std::copy(values.begin(), values.end(), a.as<float>());
  return a;
}
float* data(const Array& a) { return a.as<float>(); }

void multiply(const Array& a, const Array& b, const Array& out, bool turn_a, bool turn_b) {
  static const tempo::Kernel product = tempo::matmul_kernel();
  const tempo::View in[] = {a.view(), b.view()}, to[] = {out.view()};
  const tempo::Attributes attributes{{"transpose_a", int64_t{turn_a}},
                                     {"transpose_b", int64_t{turn_b}}};
  product({in, to, attributes});
}

class MinGRU : public Work {
 public:
  explicit MinGRU(const Job& job)
      : size_(job.size), with_gradient_(job.mode == "gradient"), weights_(weights_of(job)) {
    const auto [batch, time, features, units] = size_;
    const int64_t steps = batch * time;
    x_ = made({steps, features}, numbers<float>("x", steps * features));
    dy_ = made({steps, units}, numbers<float>("dy", steps * units));
    kernel_ = made({features, 2 * units}, numbers<float>(weights_[0]));
    bias_ = made({2 * units}, numbers<float>(weights_[1]));
  }

  void run() override {
    const auto [batch, time, features, units] = size_;
    gates_ = made({batch * time, 2 * units});
    y_ = made({batch * time, units});
    h_ = made({batch, units});
    multiply(x_, kernel_, gates_, false, false);
    of_each_row([&](int64_t b) {
      min_gru_forward(size_.time, size_.units, data(bias_), row(gates_, b, 2), row(y_, b, 1),
                      data(h_) + b * size_.units);
    });
    if (with_gradient_) backward();
  }

  Results results() override {
    run();
    Results out{{"y", values(y_)}};
    if (with_gradient_) {
      out.push_back({"dkernel", values(dkernel_)});
      out.push_back({"dbias", values(dbias_)});
      out.push_back({"dx", values(dx_)});
    }
    return out;
  }

 private:
  void backward() {
    const auto [batch, time, features, units] = size_;
    const Array of_rows = made({batch, 2 * units});
    std::fill_n(data(of_rows), 2 * batch * units, 0.0f);
    of_each_row([&](int64_t b) {
      min_gru_backward(size_.time, size_.units, row(y_, b, 1), row(dy_, b, 1), row(gates_, b, 2),
                       data(of_rows) + 2 * b * size_.units, data(h_) + b * size_.units);
    });
    dbias_ = made({2 * units});
    std::fill_n(data(dbias_), 2 * units, 0.0f);
    for (int64_t i = 0; i < 2 * batch * units; ++i)
      data(dbias_)[i % (2 * units)] += data(of_rows)[i];
    dx_ = made({batch * time, features});
    dkernel_ = made({features, 2 * units});
    multiply(gates_, kernel_, dx_, false, true);
    multiply(x_, gates_, dkernel_, true, false);
  }

  template <class F>
  void of_each_row(F f) const {
    tempo::parallel_for(size_.batch, 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) f(b);
    });
  }
  float* row(const Array& a, int64_t b, int64_t gates) const {
    return data(a) + b * size_.time * gates * size_.units;
  }
  static std::vector<double> values(const Array& a) { return {data(a), data(a) + a.count()}; }

  Size size_;
  bool with_gradient_;
  std::vector<Weight> weights_;
  Array x_, dy_, kernel_, bias_, gates_, y_, h_, dx_, dkernel_, dbias_;
};

std::unique_ptr<Work> make(const Job& job) {
  if (job.cell != "MinGRU") throw Unsupported("no loop is written for " + job.cell);
  if (job.dtype != "float32") throw Unsupported("the loops are for float32");
  if (job.mode != "gradient" && job.mode != "forward")
    throw Unsupported("the loops have no mode " + job.mode);
  return std::make_unique<MinGRU>(job);
}

}  // namespace
}  // namespace bench

int main() { return bench::serve(bench::make); }
