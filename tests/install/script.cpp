// The first program of the tutorials, short: built by the line of the README against an install.
#include <tempo/tempo.hpp>
using namespace tempo;

int main() {
  Tensor series = sin(arange(-10.0, 10.0, 0.1));
  auto [x, y] = windows(series, {.steps = 15});

  Sequential model({SimpleRNN({.units = 10}), Dense({.units = 1})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  History history = model.fit(x, y, {
      .epochs = 3,
      .callbacks = {EarlyStopping({.monitor = "loss", .patience = 5})},
  });
  return model.predict(x).shape() == Shape{185, 1} ? 0 : 1;
}
