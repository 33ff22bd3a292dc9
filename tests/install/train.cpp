// SPDX-License-Identifier: Apache-2.0
// The program of docs/plugins.md: a layer of one's own cell, found by its name.
#include <tempo/tempo.hpp>
using namespace tempo;

int main() {
  Tensor series = sin(arange(-10.0, 10.0, 0.1));  // [200]
  auto [x, y] = windows(series, {.steps = 15});   // x [185, 15, 1], y [185, 1]

  Sequential model({RNN(cell("MyUnit", {{"units", 10}})), Dense({.units = 1})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  model.fit(x, y, {.epochs = 20});
  model.save("model.safetensors");
}
