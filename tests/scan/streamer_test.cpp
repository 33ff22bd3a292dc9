// SPDX-License-Identifier: Apache-2.0
// How a step of a stream runs.
#define BOOST_TEST_MODULE streamer
#include <tempo/scan.hpp>

#include "scan/stream.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

const Tensor w = 0.3 * normal({9, 10}, 1), v = 0.3 * normal({5, 5}, 2);

// A gate and a candidate from the same concatenation, and a product of the state beside them.
Step two_products(const Tensor& x, const State& s) {
  const auto [f, g] = split<2>(matmul(concat({x, s[0]}), w));
  const Tensor gate = sigmoid(f), candidate = tanh(g);
  Tensor next = gate * candidate + matmul(s[0], v);
  return Step{next, {next}};
}

}  // namespace

BOOST_AUTO_TEST_CASE(products_are_split_and_merged_as_in_a_scan) {
  const Tensor x = normal({2, 6, 4}, 3), zero = zeros({2, 5}, float64);
  const Tensor all = scan(two_products, x, {zero}).output;
  Streamer streamer(
      [&](const Tensors& now) {
        return squeeze(scan(two_products, expand_dims(now[0], 1), {zero}).output, 1);
      },
      {{float64, {2, 4}}});
  BOOST_CHECK_EQUAL(to_string(streamer.executable()),
                    "  product [2, 4] x packed [4, 10]\n"
                    "  product [2, 5] x packed [5, 15]\n"
                    "  tiles [2, 10] row by row: add\n"
                    "  tiles [2, 5] row by row: sigmoid tanh multiply add\n"
                    "  rows are independent\n");
  for (int64_t t = 0; t < 6; ++t) {
    Tensor y = 1.0 * zero;
    const Tensor now = take(x, t, 1);
    const void* const data[] = {now.data<double>()};
    streamer.run(data, const_cast<double*>(y.data<double>()));
    check_close("step " + std::to_string(t), y, take(all, t, 1), 1e-12);
  }
}
