// SPDX-License-Identifier: Apache-2.0
// The first program of the tutorials: windows of a sine, SimpleRNN(10), Dense(1), early stopping.
#include <tempo/tempo.hpp>
using namespace tempo;

int main() {
  Tensor series = sin(arange(-10.0, 10.0, 0.1));            // [200]
  auto [x, y] = windows(series, {.steps = 15});             // x [185, 15, 1], y [185, 1]

  Sequential model({SimpleRNN({.units = 10}), Dense({.units = 1})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  History history = model.fit(x, y, {
      .epochs = 1000,
      .callbacks = {EarlyStopping({.monitor = "loss", .patience = 5})},
  });
}
