// SPDX-License-Identifier: Apache-2.0
// What a script for Keras does, piece by piece: docs/guide shows both, side by side.
#include <iostream>
#include <tempo/tempo.hpp>
using namespace tempo;

int main() {
  set_seed(1);
  Tensor x = random_normal({1000, 10, 3});                        // [batch, time, features]
  Tensor late = x(all, slice(5, end), 0);                         // [1000, 5]: x[:, 5:, 0]
  Tensor y = cast(expand_dims(sum(late, 1), -1) > 0, float32);    // [1000, 1]

  Sequential model({
      LSTM({.units = 32, .return_sequences = true}),
      Bidirectional(GRU({.units = 16, .dropout = 0.1})),
      Dense({.units = 1, .activation = "sigmoid"}),
  });
  model.compile({
      .optimizer = Adam({.learning_rate = 0.01, .clipnorm = 1.0}),
      .loss = "binary_crossentropy",
      .metrics = {"accuracy"},
  });
  History history = model.fit(x, y, {
      .batch_size = 50,
      .epochs = 15,
      .callbacks = {EarlyStopping({.patience = 3, .restore_best_weights = true})},
      .validation_split = 0.2,
  });
  model.summary();
  std::cout << "val_loss of the last epoch: " << history["val_loss"].back() << '\n';

  double accuracy = model.evaluate(x, y)["accuracy"];
  Tensor p = model.predict(x);  // [1000, 1]
  model.save("from_keras.safetensors");
  Sequential again = load_model("from_keras.safetensors");
  std::cout << "accuracy: " << accuracy << '\n'
            << "loaded, it differs by " << max(abs(again.predict(x) - p)).item() << '\n';

  auto past = LSTM({.units = 16, .return_state = true});
  auto future = LSTM({.units = 16, .return_sequences = true});
  auto price = Dense({.units = 1});
  Model forecast([=](const Tensors& in) {
    auto [output, h, c] = past.call<3>(in[0]);
    return price(future(in[1], {.initial_state = {h, c}}));
  });
  forecast.compile({.optimizer = "adam", .loss = "mse"});
  Tensor before = x(all, slice(0, 5)), after = x(all, slice(5, end));
  forecast.fit({before, after}, cumsum(after(all, all, slice(0, 1)), 1), {.epochs = 5});

  Adam adam({.learning_rate = 0.01});
  for (auto [xb, yb] : batches(x, y, {.size = 50})) {
    Tensor loss = mean(square(model(xb, {.training = true}) - yb));
    adam.step(model.trainable_weights(), gradient(loss, model.trainable_weights()));
  }
  std::cout << "after an epoch by hand: " << model.evaluate(x, y)["accuracy"] << '\n';
}
