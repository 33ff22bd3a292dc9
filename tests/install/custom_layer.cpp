// Runs the cell of that name, found in TEMPO_PLUGIN_PATH, on a batch of two sequences.
#include <iostream>
#include <tempo/tempo.hpp>
using namespace tempo;

int main(int, char** arguments) {
  Layer rnn = RNN(cell(arguments[1], {{"units", 4}}));
  Tensor y = rnn(ones({2, 5, 3}));
  std::cout << y << '\n';
  return y.shape() == Shape{2, 4} ? 0 : 1;
}
