// SPDX-License-Identifier: Apache-2.0
// Makes a layer of the cell MinimalGated, found in TEMPO_PLUGIN_PATH, and runs it on two sequences.
#include <iostream>

#include <tempo/tempo.hpp>
using namespace tempo;

int main() {
  Layer rnn = RNN(cell("MinimalGated", {{"units", 64}}), {.return_sequences = true});
  Tensor y = rnn(ones({2, 5, 3}));
  std::cout << to_string(y.shape()) << '\n';
  return y.shape() == Shape{2, 5, 64} ? 0 : 1;
}
