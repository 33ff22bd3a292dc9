// SPDX-License-Identifier: Apache-2.0
// Checks gradients: each element is compared with a difference of the function's own values.
#pragma once

#include <functional>
#include <iosfwd>

#include <tempo/layer.hpp>
#include <tempo/misspelt.hpp>

namespace tempo TEMPO_HIDDEN {

class Loss;
class Model;

struct GradCheckOptions {
  int order = 2;            ///< 1: gradients; 2: also the gradients of gradients
  double step = 0.1;        ///< the largest step of a difference, relative to an element's size
  double tolerance = 1e-6;  ///< of an element's error, beyond the uncertainty of its difference
  int64_t seed = 1;         ///< for all random numbers: directions, inputs, weights, dropout
  bool training = false;    ///< of a layer's call, like the three below
  Tensor mask = {};
  State initial_state = {};  ///< floating ones are checked, too
  Tensors constants = {};    ///< likewise
  /// If only the shape of a layer's input is given, it is also checked in training, with a mask,
  /// from an initial state, at other sizes, at large and small inputs, and in float32, if possible.
  bool vary = true;
};

/// The result of gradcheck: one row for each input and order, with the element that fits worst.
class TEMPO_API GradCheck {
 public:
  struct Row {
    int order = 1;
    std::string input;  ///< "input 0", "dy", or the path of a weight
    Shape shape = {};
    std::string when = "";       ///< "in training", "of [1, 1, 4]"; "" for the check as asked for
    int64_t element = 0;         ///< the worst, in row-major order
    double gradient = 0;         ///< of that element, from the rules
    double difference = 0;       ///< of that element, from the function's values
    double uncertainty = 0;      ///< how far off the difference may be
    double error = 0;            ///< |gradient - difference| beyond that, relative to the larger
    bool smooth = true;          ///< false: there is a kink at that element
    double left = 0, right = 0;  ///< the slopes on both sides of it
    double step = 0;             ///< of the differences at that element
    bool reached = true;         ///< false: no result depends on it, and its gradient is 0
    double factor = 0;           ///< gradient / difference, if all wrong elements have the same
    std::string fault = "";      ///< a fault besides this element, or in place of it
    std::vector<double> steps = {};  ///< the error of each step, if an input with time fails
    bool judged = true;  ///< false: rounding of the values hides a gradient of this size
  };

  std::vector<Row> rows;
  double tolerance = 0;
  double worst = 0;  ///< the largest error
  int moved = 0;     ///< how often values were moved away from a kink
  /// `varied`: further checks. `refused`: those refused, or not possible to judge, with the reason.
  std::vector<std::string> varied, refused;

  bool passed() const;
};

/// Prints one line for each row of the check as asked for, and for each row that fails.
TEMPO_API std::ostream& operator<<(std::ostream& out, const GradCheck& report);

/// Checks the gradients of f at these inputs and at the weights that f reads, by central
/// differences with Richardson extrapolation, whose own error is estimated. Values at a kink are
/// moved a little. Floating inputs must be float64; the others are handed on as they are. f must be
/// a pure function: fix the seed of its dropout.
TEMPO_API GradCheck gradcheck(const std::function<Tensor(const Tensors&)>& f, const Tensors& inputs,
                              const GradCheckOptions& options = {});
TEMPO_OPTIONS(GradCheck gradcheck, GradCheckOptions, const std::function<Tensor(const Tensors&)>&,
              const Tensors&);

/// Checks a layer of the same kind and options as this one, with float64 weights of its own and a
/// random input of this shape: the gradients of all its results with respect to input and weights.
/// A cell is checked within the layer RNN.
TEMPO_API GradCheck gradcheck(const Layer& layer, const Shape& input,
                              const GradCheckOptions& options = {});
TEMPO_OPTIONS(GradCheck gradcheck, GradCheckOptions, const Layer&, const Shape&);
/// The same at these inputs alone; the floating ones are checked, in float64.
TEMPO_API GradCheck gradcheck(const Layer& layer, const Tensors& inputs,
                              const GradCheckOptions& options = {});
TEMPO_OPTIONS(GradCheck gradcheck, GradCheckOptions, const Layer&, const Tensors&);

/// Checks a model at these inputs, with its own weights, which must be float64 and are restored; a
/// stack of layers of another dtype is rebuilt in float64.
TEMPO_API GradCheck gradcheck(const Model& model, const Tensors& inputs,
                              const GradCheckOptions& options = {});
TEMPO_OPTIONS(GradCheck gradcheck, GradCheckOptions, const Model&, const Tensors&);
/// The same at a random input of this shape.
TEMPO_API GradCheck gradcheck(const Model& model, const Shape& input,
                              const GradCheckOptions& options = {});
TEMPO_OPTIONS(GradCheck gradcheck, GradCheckOptions, const Model&, const Shape&);

/// Checks a loss with respect to the predictions.
TEMPO_API GradCheck gradcheck(const Loss& loss, const Tensor& y_true, const Tensor& y_pred,
                              const GradCheckOptions& options = {});
TEMPO_OPTIONS(GradCheck gradcheck, GradCheckOptions, const Loss&, const Tensor&, const Tensor&);

}  // namespace tempo
