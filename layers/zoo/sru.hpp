// SPDX-License-Identifier: Apache-2.0
// The simple recurrent unit: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>

namespace tempo TEMPO_HIDDEN {

struct SRUOptions {
  int units = 0;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool zero_output_for_mask = false;
  bool trainable_initial_state = false;
  bool recompute = false;
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
};

/// SRU (Lei et al., 2018, equations 1 to 4): the gates see the state unit by unit, and a highway
/// gate mixes the memory with x, or with a projection of x if it does not have `units` features.
/// Weights hold f, r, the candidate and that projection side by side. The state is c.
class SRUCell : public Cell<SRUOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, SRUOptions& o) {
    option("units", o.units, "Size of the output and of the state.", at_least(0));
  }

  static constexpr int step_rank = 2;

  void build(Weights& add, const Shape& input) {
    require_units("SRU", options.units, 4);
    const int64_t units = options.units;
    columns = input.back() == units ? 3 : 4;
    kernel = add("kernel", {input.back(), columns * units}, glorot_uniform());
    recurrent = add("recurrent", {2, units}, zoo::spread(units));
    bias = add("bias", {2, units}, zeros());
  }

  Step step(const Tensor& x, const State& s) const {
    const Tensor& c = s[0];
    const Tensors parts = split(
        matmul(x, kernel), std::vector<int64_t>(static_cast<std::size_t>(columns), options.units));
    Tensor f = sigmoid(parts[0] + take(recurrent, 0) * c + take(bias, 0));
    Tensor r = sigmoid(parts[1] + take(recurrent, 1) * c + take(bias, 1));
    Tensor next = f * c + (1 - f) * parts[2];
    return {.output = r * next + (1 - r) * (columns == 4 ? parts[3] : x), .state = {next}};
  }

  int64_t columns = 0;
  Tensor kernel, recurrent, bias;
};

inline void describe(auto& option, SRUOptions& o) {
  SRUCell::describe(option, o);
  describe_recurrence(option, o);
}

class SRULayer : public Recurrent<SRUCell> {
 public:
  using Recurrent::Recurrent;
};

/// SRU over a sequence; its options are SRUOptions.
inline Layer SRU(const SRUOptions& options) { return make_layer("SRU", options); }
TEMPO_OPTIONS(Layer SRU, SRUOptions);

}  // namespace tempo
