// SPDX-License-Identifier: Apache-2.0
// Runs any cell over a sequence.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/stacked_rnn_cells.hpp>

namespace tempo TEMPO_HIDDEN {

struct RNNOptions {
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool zero_output_for_mask = false;
  bool trainable_initial_state = false;
  bool recompute = false;
  Regularizer activity_regularizer = {};
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
  Layer cell = {};  ///< set by RNN(cell, options)
};

inline void describe(auto& option, RNNOptions& o) {
  option("cell", o.cell, "The cell that is run over time.");
  describe_recurrence(option, o);
}

/// Any cell, run over the steps of a sequence.
class RNNLayer : public LayerOf<RNNOptions> {
 public:
  RNNLayer(RNNOptions o = {}) : LayerOf(std::move(o)) {
    if (!options.cell)
      throw Error("RNN: no cell is given.\n  RNN(MyCell({.units = 32})) runs one.");
    if (!options.cell.is_cell())
      throw Error("RNN: it runs a cell; " + options.cell.type_name() +
                  " is a layer.\n  cell(\"LSTM\", {{\"units\", 32}}) is a cell by its name.");
  }

  void add_children(Children& add) { add(options.cell); }

  void build(Weights& add, const Shapes& inputs) {
    Shapes steps;
    for (const Shape& input : inputs) steps.push_back(recurrence::step_shape("RNN", input, 2));
    options.cell.build(steps, add.dtype());
    recurrence_.build(add, CellInUse(options.cell), options, steps);
  }

  Tensors call(const Tensors& inputs, const CallOptions& call) {
    return recurrence_.run("RNN", CellInUse(options.cell), options, inputs, call,
                           {.training = call.training, .constants = call.constants});
  }

  void reset_state() { recurrence_.reset(); }

 private:
  Recurrence recurrence_;
};

/// Runs a cell over a sequence.
inline Layer RNN(const Layer& cell, RNNOptions options = {}) {
  options.cell = cell;
  return make_layer("RNN", options);
}
/// Runs cells one above the other over a sequence.
inline Layer RNN(const std::vector<Layer>& cells, const RNNOptions& options = {}) {
  return RNN(cells.size() == 1 ? cells[0] : StackedRNNCells(cells), options);
}
TEMPO_OPTIONS(Layer RNN, RNNOptions, const Layer&);
TEMPO_OPTIONS(Layer RNN, RNNOptions, const std::vector<Layer>&);

}  // namespace tempo
