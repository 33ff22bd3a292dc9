// SPDX-License-Identifier: Apache-2.0
// The minimal gated unit (Zhou et al., 2016): one gate that both forgets and resets.
#include <tempo/plugin.hpp>

namespace {

using namespace tempo;

struct MinimalGatedOptions {
  int units = 32;
};
void describe(auto& option, MinimalGatedOptions& o) {
  option("units", o.units, "Size of the state.", at_least(1));
}

struct MinimalGatedCell : Cell<MinimalGatedOptions> {
  using Cell::Cell;

  void build(Weights& add, const Shape& input) {
    const int units = options.units;
    kernel = add("kernel", {input.back(), 2 * units}, glorot_uniform());
    recurrent_forget = add("recurrent_forget", {units, units}, orthogonal());
    recurrent_candidate = add("recurrent_candidate", {units, units}, orthogonal());
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

}  // namespace

TEMPO_PLUGIN("minimal_gated", "1.0.0",
             tempo::cell<MinimalGatedCell>("MinimalGated", "Zhou et al., 2016"))
