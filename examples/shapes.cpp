// SPDX-License-Identifier: Apache-2.0
// What recurrent layers return: the last output, all of them, and their states.
#include <iostream>
#include <tempo/tempo.hpp>
using namespace tempo;

void show(const char* what, const Tensors& results) {
  std::cout << '\n' << what << '\n';
  for (const Tensor& result : results) std::cout << result << '\n';
}

int main() {
  Tensor x = tensor<float>({0.1f, 4.2f, 1.5f, 1.1f, 2.8f,  //
                            1.0f, 3.1f, 2.5f, 0.7f, 1.1f,  //
                            0.3f, 2.1f, 1.5f, 2.1f, 0.1f,  //
                            2.2f, 1.4f, 0.5f, 0.9f, 1.1f},
                           {1, 4, 5});  // [batch, time, features]
  Initializer tenth = constant(0.1);

  auto rnn = [&](bool sequences, bool state) {
    return SimpleRNN({.units = 3,
                      .return_sequences = sequences,
                      .return_state = state,
                      .kernel_initializer = tenth,
                      .recurrent_initializer = tenth});
  };
  auto lstm = [&](bool sequences, bool state) {
    return LSTM({.units = 3,
                 .return_sequences = sequences,
                 .return_state = state,
                 .kernel_initializer = tenth,
                 .recurrent_initializer = tenth,
                 .bias_initializer = zeros()});
  };

  show("SimpleRNN(3): the last output", rnn(false, false).call({x}));
  show("SimpleRNN(3), return_sequences: every output", rnn(true, false).call({x}));
  show("SimpleRNN(3), return_state: the last output, h", rnn(false, true).call({x}));
  show("SimpleRNN(3), both: every output, h", rnn(true, true).call({x}));
  show("LSTM(3), return_state: the last output, h, c", lstm(false, true).call({x}));
  show("LSTM(3), both: every output, h, c", lstm(true, true).call({x}));
  show("Bidirectional(LSTM(3)), return_state: output, forward h, c, backward h, c",
       Bidirectional(lstm(false, true)).call({x}));
  show("Bidirectional(LSTM(3)), both: every output, forward h, c, backward h, c",
       Bidirectional(lstm(true, true)).call({x}));
}
