// SPDX-License-Identifier: Apache-2.0
// What comes after 70, 80, 90? Three ways to stack LSTMs, taught on 10, 20, ..., 90.
//   next_number [seed]
#include <cstdlib>
#include <iostream>
#include <tempo/tempo.hpp>
using namespace tempo;

int main(int argc, char** argv) {
  set_seed(argc > 1 ? std::atoi(argv[1]) : 1);

  auto [x, y] = windows(arange(10, 100, 10), {.steps = 3});  // x [6, 3, 1], y [6, 1]

  auto next = [&, x = x, y = y](const char* what, Sequential model) {
    model.compile({.optimizer = Adam(), .loss = "mse"});
    model.fit(x, y, {.epochs = 200, .verbose = 0});
    Tensor question = tensor<float>({70, 80, 90}, {1, 3, 1});
    std::cout << what << ": 70, 80, 90, " << model.predict(question).item() << '\n';
  };

  next("LSTM(20)", {LSTM({.units = 20, .activation = "relu"}), Dense({.units = 1})});
  next("two LSTM(20)", {LSTM({.units = 20, .activation = "relu", .return_sequences = true}),
                        LSTM({.units = 20, .activation = "relu"}), Dense({.units = 1})});
  next("Bidirectional(LSTM(20))",
       {Bidirectional(LSTM({.units = 20, .activation = "relu"})), Dense({.units = 1})});
}
