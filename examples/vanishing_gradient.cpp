// SPDX-License-Identifier: Apache-2.0
// How much of the gradient of the last output comes back to the first step, by the length of the
// sequence: in SimpleRNN, LSTM and GRU as they begin, and in a SimpleRNN that explodes; with and
// without clipnorm.
//   vanishing_gradient [--short]
#include <cmath>
#include <iostream>
#include <tempo/tempo.hpp>

#include "data.hpp"
using namespace tempo;

// The gradient at the first step, dx [batch, time, features] at t = 0.
double norm_at_first(const Tensor& dx) { return std::sqrt(sum(square(take(dx, 0, 1))).item()); }

int main(int argc, char** argv) {
  std::vector<double> lengths = {1, 5, 10, 20, 30, 40, 50, 60, 80, 100};
  if (short_run(argc, argv)) lengths = {1, 10, 40};
  set_seed(1);
  set_default_dtype(float64);  // float32 ends at 1e-45

  const std::vector<std::pair<std::string, Layer>> networks = {
      {"SimpleRNN", SimpleRNN({.units = 32})},
      {"LSTM", LSTM({.units = 32})},
      {"GRU", GRU({.units = 32})},
      {"exploding", SimpleRNN({.units = 32, .recurrent_initializer = orthogonal(2.0)})},
  };
  const SGD clipping({.clipnorm = 1});

  const auto n = static_cast<int64_t>(lengths.size());
  std::vector<Curve> curves;
  for (const auto& [name, layer] : networks) {
    std::vector<double> norms, clipped;
    std::cout << name << '\n';
    for (const double length : lengths) {
      Tensor x = parameter(randn({16, static_cast<int64_t>(length), 8}));
      auto [dx] = gradient(sum(layer(x)), {x});
      norms.push_back(norm_at_first(dx));
      clipped.push_back(norm_at_first(clipping.clipped({dx})[0]));
      std::cout << "  " << length << " steps: " << norms.back() << ", with clipnorm "
                << clipped.back() << '\n';
    }
    curves.push_back({name, tensor(norms, {n}), tensor(lengths, {n})});
    if (name == "exploding")
      curves.push_back({"clipnorm = 1", tensor(clipped, {n}), tensor(lengths, {n})});
  }

  std::cout << plot(curves, "vanishing_gradient.svg",
                    {.title = "What comes back to t = 0 of the gradient at the end",
                     .x_label = "length of the sequence", .y_label = "norm of the gradient",
                     .log_y = true})
            << '\n';
}
