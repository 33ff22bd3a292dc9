// SPDX-License-Identifier: Apache-2.0
// A recurrent cell of one's own, as its formula: trained, saved, loaded.
#include <iostream>
#include <tempo/tempo.hpp>
using namespace tempo;

struct MinimalGatedOptions {
  int units = 32;
};
void describe(auto& option, MinimalGatedOptions& o) {
  option("units", o.units, "Size of the state.");
}

// Minimal gated unit (Zhou et al., 2016).
struct MinimalGatedCell : Cell<MinimalGatedOptions> {
  using Cell::Cell;

  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back(), 2 * options.units}, glorot_uniform());
    recurrent_forget = add("recurrent_forget", {options.units, options.units}, orthogonal());
    recurrent_candidate = add("recurrent_candidate", {options.units, options.units}, orthogonal());
  }
  Step step(const Tensor& x, const State& s) const {  // x [batch, features]
    const Tensor& h = s[0];                           // [batch, units]
    auto [xf, xc] = split<2>(matmul(x, kernel));
    Tensor f = sigmoid(xf + matmul(h, recurrent_forget));
    Tensor c = tanh(xc + matmul(f * h, recurrent_candidate));
    Tensor next = (1 - f) * h + f * c;
    return {.output = next, .state = {next}};
  }
  Tensor kernel, recurrent_forget, recurrent_candidate;
};

int main() {
  set_seed(1);
  Tensor series = sin(arange(-10.0, 10.0, 0.1));
  auto [x, y] = windows(series, {.steps = 15});

  Sequential model({RNN(MinimalGatedCell({.units = 64}), {.return_sequences = true}),
                    Bidirectional(RNN(MinimalGatedCell({.units = 16}))), Dense({.units = 1})});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  History history = model.fit(x, y, {.epochs = 20});
  model.summary();

  model.save("custom_cell.safetensors");
  auto loaded = load_model("custom_cell.safetensors",
                           {.cells = {cell<MinimalGatedCell>("MinimalGated")}});
  const double apart = max(abs(loaded.predict(x) - model.predict(x))).item();

  std::cout << "loss: " << history["loss"].front() << " in the first epoch, "
            << history["loss"].back() << " in the last\n"
            << "saved and loaded, its predictions differ by " << apart << '\n';
  return apart == 0 ? 0 : 1;
}
