// SPDX-License-Identifier: Apache-2.0
// Uses the plugins of examples/plugins, found in TEMPO_PLUGIN_PATH; the cells by the names that are
// given.
#include <filesystem>
#include <iostream>

#include <tempo/tempo.hpp>
using namespace tempo;

bool all_right = true;

void require(bool holds, const std::string& what) {
  if (!holds) std::cout << "NOT SO: " << what << '\n';
  all_right = all_right && holds;
}

bool close(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && max(abs(a - b)).item() < 1e-5;
}

// Trains with it, saves, loads, and has the same bits.
void try_cell(const std::string& name) {
  Layer rnn = RNN(cell(name, {{"units", 6}}), {.return_sequences = true});
  Sequential model({rnn, Bidirectional(layer("Residual", {{"layer", "GRU"}, {"units", 6}})),
                    layer("Snake", {{"a", 2.0}}), Dense({.units = 1})});
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
  const Tensor x = random_normal({16, 5, 3}, 0, 1, float32, 1), y = sum(x, -1, true);
  const History history = model.fit(x, y, {.epochs = 20, .verbose = 0});
  require(history["loss"].back() < 0.7 * history["loss"].front(), name + " learns");
  model.save("plugins.safetensors");
  const Sequential again = load_model("plugins.safetensors");
  require(again(x).to_vector() == model(x).to_vector(), name + " is saved and loaded");
}

// Residual round a Dense is the formula f(x) + x, in both directions, whichever step is asked for.
void try_residual() {
  const Tensor x = random_normal({2, 5, 3}, 0, 1, float32, 2),
               mask = mask_of_lengths(tensor({5, 3}), 5);
  const auto residual = [&](bool sequences) {
    return Bidirectional(
        layer("Residual", {{"layer", "Dense"}, {"units", 3}, {"return_sequences", sequences}}));
  };
  const auto halves = [&](const Layer& both) {
    const Tensors w = both.weights();
    return std::pair(matmul(x, w.at(0)) + w.at(1) + x, matmul(x, w.at(2)) + w.at(3) + x);
  };
  const Layer each = residual(true), one = residual(false);
  const Tensor of_each = each(x), of_one = one(x), masked = one(x, {.mask = mask});
  const auto [f, b] = halves(each);
  require(close(of_each, concat({f, b}, -1)), "Residual at each step, in both directions");
  const auto [g, c] = halves(one);
  require(close(of_one, concat({g(all, -1), c(all, 0)}, -1)), "Residual of the last step");
  require(close(masked(1), concat({g(1, 2), c(1, 0)}, -1)),
          "Residual of the last step that counts");
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) try_cell(argv[i]);
  try_residual();
  return all_right ? 0 : 1;
}
