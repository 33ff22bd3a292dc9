// SPDX-License-Identifier: Apache-2.0
// Runs a model one time step at a call: reads a number, writes the model's output so far.
//   seq 0 0.1 1 | streaming
#include <iostream>
#include <tempo/tempo.hpp>
using namespace tempo;

int main() {
  set_seed(1);
  std::vector<float> all;  // only to compare with one call at the end

  Sequential model({LSTM({.units = 32}), Dense({.units = 1})});  // or load_model("m.safetensors")
  model.build({{1, 1, 1}});                                      // [batch, time, features]

  Stream stream(model);
  std::vector<float> x(1), y(1);
  while (std::cin >> x[0]) {
    stream.step(x, y);  // as if the model had been called on the whole sequence so far
    std::cout << y[0] << std::endl;
    all.push_back(x[0]);
  }
  if (all.empty()) return 0;

  const auto steps = static_cast<int64_t>(all.size());
  const Tensor whole = model.predict(tensor<float>(all, {1, steps, 1}));
  std::cout << "the whole sequence in one call: " << whole.item() << '\n';
}
