// SPDX-License-Identifier: Apache-2.0
// Cells one above the other, as one cell.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

struct StackedRNNCellsOptions {
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name = "";
  Layer cell = {}, next = {};  ///< set by StackedRNNCells(cells, options)
};

inline void describe(auto& option, StackedRNNCellsOptions& o) {
  option("cell", o.cell, "The cell that reads the input.");
  option("next", o.next, "The cell above it, which may be a stack itself.");
}

/// Two cells as one: at each step, the second reads the output of the first. The states are the
/// first's, then the second's.
class StackedRNNCellsCell : public Cell<StackedRNNCellsOptions> {
 public:
  static constexpr int sequence_count = 0;
  static constexpr bool takes_constants = false;  // its cells say whether they do

  StackedRNNCellsCell(StackedRNNCellsOptions o = {}) : Cell(std::move(o)) {
    for (const Layer* cell : {&options.cell, &options.next}) {
      if (!*cell)
        throw Error(
            "StackedRNNCells: a cell is missing.\n  Give them from below to above: "
            "StackedRNNCells({cell(\"LSTM\", {{\"units\", 32}}), MyCell({.units = 16})}).");
      if (!cell->is_cell())
        throw Error("StackedRNNCells: it stacks cells; " + cell->type_name() +
                    " is a layer.\n  Layers are stacked in a Sequential; cell(\"" +
                    cell->type_name() + "\", {{\"units\", 32}}) is a cell by its name.");
    }
  }

  void add_children(Children& add) {
    add(options.cell);
    add(options.next);
  }

  void build(Weights& add, const Shapes& inputs) {
    options.cell.build(inputs, add.dtype());
    output_ = output_of_first(inputs, add.dtype());
    options.next.build({output_.prepended(inputs.at(0)[0])}, add.dtype());
  }

  Shapes state_shapes(const Shapes& inputs) const {
    Shapes all = tempo::state_shapes(options.cell, inputs);
    const Shape between =
        output_.empty() && !all.empty() ? all[0] : output_.prepended(inputs.at(0)[0]);
    for (const Shape& s : tempo::state_shapes(options.next, Shapes{between})) all.push_back(s);
    return all;
  }

  State initial(const StepCall& call) const {
    return joined(initial_state(options.cell, for_cell(call)),
                  initial_state(options.next, for_next(call)));
  }

  /// The tensors that both cells make, after one whose size is the number of those of the first.
  Tensors once(const StepCall& call) const {
    const Tensors first = tempo::once(options.cell, for_cell(call)),
                  second = tempo::once(options.next, for_next(call));
    if (first.empty() && second.empty()) return {};
    return joined({zeros({static_cast<int64_t>(first.size())}, bool_)}, joined(first, second));
  }

  Step step(const Tensors& x, const State& s, const StepCall& call) const {
    if (!call.constants.empty() && !takes(options.cell) && !takes(options.next))
      throw Error(
          "StackedRNNCells: the steps of its cells take no constants.\n  Give one a third "
          "argument, `const StepCall& call`: they are its call.constants.");
    StepCall below = for_cell(call), above = for_next(call);
    if (!call.once.empty()) {
      const auto made = call.once.begin() + 1, end = made + call.once[0].shape()[0];
      below.once.assign(made, end);
      above.once.assign(end, call.once.end());
    }
    Shapes now;
    for (const Tensor& t : x) now.push_back(t.shape());
    const auto half =
        s.begin() + static_cast<std::ptrdiff_t>(tempo::state_shapes(options.cell, now).size());
    const Step first = tempo::step(options.cell, x, State(s.begin(), half), below);
    const Step second = tempo::step(options.next, first.output, State(half, s.end()), above);
    return {.output = second.output, .state = joined(first.state, second.state)};
  }

 private:
  static Tensors joined(Tensors first, const Tensors& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  }

  /// The call as a cell sees it; with constants only if it takes them.
  static StepCall seen_by(const Layer& cell, const StepCall& call, Shapes inputs) {
    StepCall seen{.training = call.training, .inputs = std::move(inputs), .dtype = call.dtype};
    if (takes(cell)) seen.constants = call.constants;
    return seen;
  }
  static bool takes(const Layer& cell) {
    if (cell.view().type->flags & TEMPO_TAKES_CONSTANTS) return true;
    for (const Layer& child : cell.children())
      if (takes(child)) return true;
    return false;
  }
  StepCall for_cell(const StepCall& call) const { return seen_by(options.cell, call, call.inputs); }
  StepCall for_next(const StepCall& call) const {
    return seen_by(options.next, call, {output_.prepended(call.batch())});
  }

  /// The output of the first cell for one row, found by a step on zeros. If that fails, such as for
  /// lack of constants, it is taken to be as large as its first state.
  Shape output_of_first(const Shapes& inputs, DType dtype) const {
    const NoGradient off;
    StepCall call{.inputs = inputs, .dtype = dtype};
    for (Shape& shape : call.inputs) shape[0] = 1;
    try {
      Tensors x;
      for (const Shape& shape : call.inputs) x.push_back(zeros(shape, dtype));
      call.once = tempo::once(options.cell, call);
      return tempo::step(options.cell, x, initial_state(options.cell, call), call)
          .output.shape()
          .without_first();
    } catch (const Error&) {
      const Shapes states = tempo::state_shapes(options.cell, call.inputs);
      return states.empty() ? call.inputs[0].without_first() : states[0].without_first();
    }
  }

  Shape output_;  // of the first cell, without the batch
};

/// Cells one above the other, from below to above, as one cell for RNN.
inline Layer StackedRNNCells(const std::vector<Layer>& cells, StackedRNNCellsOptions options = {}) {
  if (cells.size() < 2)
    throw Error("StackedRNNCells: it stacks two cells or more, got " +
                std::to_string(cells.size()) + ".\n  RNN(cell) runs one.");
  options.cell = cells[0];
  options.next =
      cells.size() == 2
          ? cells[1]
          : StackedRNNCells(
                {cells.begin() + 1, cells.end()},
                {.trainable = options.trainable, .dtype = options.dtype, .name = "above"});
  return make_layer("StackedRNNCells", options, TEMPO_CELL);
}
TEMPO_OPTIONS(Layer StackedRNNCells, StackedRNNCellsOptions, const std::vector<Layer>&);

}  // namespace tempo
