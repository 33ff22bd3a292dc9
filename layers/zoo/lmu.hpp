// SPDX-License-Identifier: Apache-2.0
// The Legendre memory unit: the cell and the layer.
#pragma once

#include <tempo/layers/recurrence.hpp>
#include <tempo/layers/zoo/heads.hpp>
#include <tempo/layers/zoo/legendre_memory.hpp>

namespace tempo TEMPO_HIDDEN {

struct LMUOptions {
  int units = 0;
  int order = 16;
  double theta = 100;
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

/// LMU (Voelker et al., 2019, equations 1 to 7): a memory m holds the last `theta` steps of one
/// signal u = e_x x + e_h h + e_m m as Legendre polynomials, by a fixed linear recurrence (a
/// zero-order hold), and h reads it. As in the authors' program, e_m begins as 0, because a memory
/// that feeds itself grows without bound, and e_x and e_h begin evenly, each scaled by the number
/// of its inputs (LeCun et al., 1998). States are h [batch, units] and m [batch, order].
class LMUCell : public Cell<LMUOptions> {
 public:
  using Cell::Cell;

  static void describe(auto& option, LMUOptions& o) {
    option("units", o.units, "Size of the output and of the state that reads the memory.",
           at_least(0));
    option("order", o.order, "How many polynomials the memory has.", between(1, 512));
    option("theta", o.theta, "How many steps the memory holds.", at_least(1));
  }

  static constexpr int step_rank = 2;
  Shapes state_shapes(int64_t batch) const {
    return {{batch, options.units}, {batch, options.order}};
  }

  void build(Weights& add, const Shape& input) {
    require_units("LMU", options.units);
    const int64_t n = input.back(), units = options.units, order = options.order;
    const DType dtype = add.dtype();
    const Tensor e_x = lecun_uniform({n, 1}, dtype), e_h = lecun_uniform({units, 1}, dtype);
    signal = add("signal", concat({e_x, e_h, zeros({order, 1}, dtype)}, 0));
    kernel = add("kernel", {n, units}, glorot_uniform());
    recurrent = add("recurrent", {units, units}, orthogonal());
    from_memory = add("from_memory", {order, units}, glorot_uniform());
    const zoo::LegendreMemory memory(order, options.theta);
    A = add("A", cast(tensor(memory.A, {order, order}, float64), dtype), false);
    B = add("B", cast(tensor(memory.B, {1, order}, float64), dtype), false);
  }

  Step step(const Tensor& x, const State& s) const {
    const auto& [h, m] = s.as<2>();
    Tensor u = matmul(concat({x, h, m}), signal);  // [batch, 1]
    Tensor next_m = matmul(m, A) + matmul(u, B);
    Tensor next = tanh(matmul(x, kernel) + matmul(h, recurrent) + matmul(next_m, from_memory));
    return {.output = next, .state = {next, next_m}};
  }

  Tensor signal, kernel, recurrent, from_memory, A, B;
};

inline void describe(auto& option, LMUOptions& o) {
  LMUCell::describe(option, o);
  describe_recurrence(option, o);
}

class LMULayer : public Recurrent<LMUCell> {
 public:
  using Recurrent::Recurrent;
};

/// LMU over a sequence; its options are LMUOptions.
inline Layer LMU(const LMUOptions& options) { return make_layer("LMU", options); }
TEMPO_OPTIONS(Layer LMU, LMUOptions);

}  // namespace tempo
