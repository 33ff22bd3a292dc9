// SPDX-License-Identifier: Apache-2.0
// Makes weights and inputs, and hands out results.
#include "sequence.hpp"

#include "tensor/products/matmul.hpp"

namespace bench {

namespace {

Array filled(const Shape& shape, const std::vector<float>& values) {
  Array a = made(shape);
  std::copy(values.begin(), values.end(), data(a));
  return a;
}

std::vector<double> values_of(const Array& a) { return {data(a), data(a) + a.count()}; }

}  // namespace

Array made(const Shape& shape) { return Array(tempo::float32, shape); }

Array zeros(const Shape& shape) {
  Array a = made(shape);
  std::fill_n(data(a), a.count(), 0.0f);
  return a;
}

void multiply(const View& a, const View& b, const View& out, bool turn_a, bool turn_b) {
  static const tempo::Kernel product = tempo::matmul_kernel();
  const View in[] = {a, b}, to[] = {out};
  const tempo::Attributes attributes{{"transpose_a", int64_t{turn_a}},
                                     {"transpose_b", int64_t{turn_b}}};
  product({in, to, attributes});
}

Array summed(const Array& parts) {
  const int64_t n = parts.shape()[0], count = parts.count() / n;
  Array sum = zeros({count});
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < count; ++j) data(sum)[j] += data(parts)[i * count + j];
  return sum;
}

Array side_by_side(const Array& a, const Array& b) {
  const int64_t rows = a.shape()[0], n = a.shape()[1], m = b.shape()[1];
  Array both = made({rows, n + m});
  for (int64_t i = 0; i < rows; ++i) {
    std::copy_n(data(a) + i * n, n, data(both) + i * (n + m));
    std::copy_n(data(b) + i * m, m, data(both) + i * (n + m) + n);
  }
  return both;
}

void apart(const Array& both, const Array& a, const Array& b) {
  const int64_t rows = a.shape()[0], n = a.shape()[1], m = b.shape()[1];
  for (int64_t i = 0; i < rows; ++i) {
    std::copy_n(data(both) + i * (n + m), n, data(a) + i * n);
    std::copy_n(data(both) + i * (n + m) + n, m, data(b) + i * m);
  }
}

OverSequence::OverSequence(const Job& job)
    : size_(job.size),
      steps_(job.size.batch * job.size.time),
      with_gradient_(job.mode == "gradient"),
      weights_(weights_of(job)) {
  x_ = filled({steps_, size_.features}, numbers<float>("x", steps_ * size_.features));
  dy_ = filled({steps_, size_.units}, numbers<float>("dy", steps_ * size_.units));
  for (const Weight& w : weights_) values_[w.name] = filled(Shape(w.shape), numbers<float>(w));
}

void OverSequence::run() {
  forward();
  if (with_gradient_) backward();
}

Results OverSequence::results() {
  run();
  Results out{{"y", values_of(y_)}};
  if (!with_gradient_) return out;
  for (const Weight& w : weights_) out.push_back({"d" + w.name, values_of(gradients_.at(w.name))});
  out.push_back({"dx", values_of(dx_)});
  return out;
}

}  // namespace bench
