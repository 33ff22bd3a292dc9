// SPDX-License-Identifier: Apache-2.0
// A day of 100 sensors, hour by hour: does sensor 0 fire before sensor 1? A stack of two LSTMs learns
// it, with relu as its activation and with tanh.
//   binary_classifier [--short]
#include <iostream>
#include <tempo/tempo.hpp>

#include "data.hpp"
using namespace tempo;

int main(int argc, char** argv) {
  const int64_t days = 10000, hours = 24, sensors = 100;
  set_seed(1);

  // Each of the two fires once, in noise. No hour tells the answer, nor does the sum of all hours.
  Tensor fires = cast(random_uniform({days, 2}, 0, hours), int64);        // the hour of each
  Tensor signal = swap_axes(one_hot(fires, hours), 1, 2);                 // [days, hours, 2]
  Tensor x = pad(signal, 2, 0, sensors - 2) + random_normal({days, hours, sensors}, 0, 0.2);
  Tensor y = cast(fires(all, slice(0, 1)) < fires(all, slice(1, 2)), float32);  // [days, 1]

  std::vector<TrainingRun> runs;
  for (const char* activation : {"relu", "tanh"}) {
    set_seed(1);
    Sequential model({
        LSTM({.units = 64, .activation = activation, .return_sequences = true}),
        LSTM({.units = 32, .activation = activation}),
        Dense({.units = 16, .activation = activation}),
        Dropout({.rate = 0.5}),
        Dense({.units = 1, .activation = "sigmoid"}),
    });
    model.compile({.optimizer = Adam(), .loss = "binary_crossentropy", .metrics = {"accuracy"}});
    History history = model.fit(x, y, {
        .epochs = short_run(argc, argv) ? 2 : 10,
        .validation_split = 0.2,
    });
    if (runs.empty()) model.summary();
    runs.push_back({activation, history});
    std::cout << activation << ": accuracy " << history["val_accuracy"].back() << " on " << days / 5
              << " days that it has not seen" << std::endl;
  }
  std::cout << plot(runs, "val_accuracy", "binary_classifier.svg",
                    {.title = "Does sensor 0 fire before sensor 1?", .y_label = "accuracy on unseen days"})
            << '\n';
}
