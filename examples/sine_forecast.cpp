// SPDX-License-Identifier: Apache-2.0
// Learns a sine from windows of 15 values, then goes on by itself from the begin of a cosine.
//   sine_forecast [seed]
#include <cstdlib>
#include <iostream>
#include <tempo/tempo.hpp>
using namespace tempo;

int main(int argc, char** argv) {
  set_seed(argc > 1 ? std::atoi(argv[1]) : 1);

  Tensor series = sin(arange(-10.0, 10.0, 0.1));  // [200]
  auto [x, y] = windows(series, {.steps = 15});   // x [185, 15, 1], y [185, 1]

  Sequential model({SimpleRNN({.units = 10}), Dense({.units = 1})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  History history = model.fit(x, y, {
      .epochs = 1000,
      .callbacks = {EarlyStopping({.monitor = "loss", .patience = 5})},
      .shuffle = false,  // so that the loss falls evenly, and no bad draw looks like the end
  });
  model.summary();

  // 15 true values, then 85 of its own: each forecast is the input of the next ones.
  Tensor t = arange(10.0, 20.0, 0.1), truth = cos(t);  // [100]
  Tensor forecast = slice(truth, 0, 0, 15);
  for (int step = 0; step < 85; ++step) {
    Tensor window = reshape(slice(forecast, 0, step, step + 15), {1, 15, 1});
    forecast = concat({forecast, reshape(model(window), {1})}, 0);
  }

  auto own = [](const Tensor& all) { return slice(all, 0, 15, 100); };
  std::cout << "forecast of 85 steps, mean squared error against cos: "
            << mean(square(own(forecast) - own(truth))).item() << std::endl;

  std::cout << plot(history, "sine_loss.svg", {.title = "Training on sin"}) << '\n'
            << plot({{"cos", truth, t}, {"forecast", own(forecast), own(t)}}, "sine_forecast.svg",
                    {.title = "85 steps of its own forecast", .x_label = "x"})
            << '\n';
}
