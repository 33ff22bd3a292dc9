// SPDX-License-Identifier: Apache-2.0
// A recurrent layer written out: h_t = tanh(Wx x_t + Wh h_{t-1} + b), beside SimpleRNN.
#include <iostream>
#include <tempo/tempo.hpp>
using namespace tempo;

int main() {
  const int64_t batch = 2, time = 10, features = 4, units = 8;
  Tensor x = random_uniform({batch, time, features});

  auto layer = SimpleRNN({.units = units, .return_sequences = true});
  Tensor from_layer = layer(x);  // [batch, time, units]

  const Tensors weights = layer.weights();
  const Tensor &wx = weights[0], &wh = weights[1], &b = weights[2];

  Tensor h = zeros({batch, units});
  Tensors states;
  for (int64_t t = 0; t < time; ++t) {
    h = tanh(matmul(take(x, t, 1), wx) + matmul(h, wh) + b);
    states.push_back(h);
  }
  Tensor by_hand = stack(states, 1);  // [batch, time, units]

  auto [dlayer] = gradient(sum(square(from_layer)), {wh});
  auto [dhand] = gradient(sum(square(by_hand)), {wh});
  const double apart = max(abs(by_hand - from_layer)).item();
  const double gradients_apart = max(abs(dhand - dlayer)).item();

  std::cout << "by hand    " << to_string(by_hand.shape()) << ", first state of the first sample\n"
            << take(take(by_hand, 0), 0) << '\n'
            << "SimpleRNN  " << to_string(from_layer.shape()) << '\n'
            << take(take(from_layer, 0), 0) << '\n'
            << "greatest difference: " << apart << ", of the gradients: " << gradients_apart << '\n';
  return apart < 1e-5 && gradients_apart < 1e-4 ? 0 : 1;
}
