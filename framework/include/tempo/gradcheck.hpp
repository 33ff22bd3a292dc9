// SPDX-License-Identifier: Apache-2.0
// Are the gradients right? Each element is compared with a difference of the function's own values.
#pragma once

#include <functional>
#include <iosfwd>

#include <tempo/layer.hpp>
#include <tempo/misspelt.hpp>

namespace tempo TEMPO_HIDDEN {

struct GradCheckOptions {
  int order = 2;            ///< 1: gradients; 2: also the gradients of gradients
  double step = 4e-3;       ///< of the differences; where f bends or ends within it, a smaller one
  double tolerance = 1e-6;  ///< of an error, relative to the scale of that tensor's gradient
  int64_t seed = 1;        ///< of the random directions that results and gradients are projected on
  Tensors constants = {};  ///< of a layer's call; those that are floating are checked, too
};

/// What gradcheck found: one row for each input and order, with the element that fits worst.
class TEMPO_API GradCheck {
 public:
  struct Row {
    int order = 1;
    std::string input;  ///< "input 0", or the path of a weight
    Shape shape = {};
    int64_t element = 0;    ///< the worst, in row-major order
    double gradient = 0;    ///< of that element, as the rules give it
    double difference = 0;  ///< of that element, from the function's values
    double error = 0;       ///< |gradient - difference| / scale of this tensor's gradient
    bool smooth = true;     ///< false: the slopes to the left and right of it differ
    double left = 0, right = 0;
    double step = 0;  ///< of the differences at that element
  };

  std::vector<Row> rows;
  double tolerance = 0;
  double worst = 0;  ///< the greatest error

  bool passed() const;
};

/// One line for each row.
TEMPO_API std::ostream& operator<<(std::ostream& out, const GradCheck& report);

/// Checks the gradients of f at these inputs, by central differences with Richardson extrapolation.
/// Floating inputs must be float64; the others are handed on as they are. f must be a pure
/// function: fix the seed of its dropout.
TEMPO_API GradCheck gradcheck(const std::function<Tensor(const Tensors&)>& f, const Tensors& inputs,
                              const GradCheckOptions& options = {});
TEMPO_OPTIONS(GradCheck gradcheck, GradCheckOptions, const std::function<Tensor(const Tensors&)>&,
              const Tensors&);

/// Checks a layer of the same kind and options as this one, with float64 weights of its own and a
/// random input of this shape: the gradients of all its results with respect to input and weights.
TEMPO_API GradCheck gradcheck(const Layer& layer, const Shape& input,
                              const GradCheckOptions& options = {});
TEMPO_OPTIONS(GradCheck gradcheck, GradCheckOptions, const Layer&, const Shape&);
/// The same at these inputs, of which those that are floating are checked, in float64.
TEMPO_API GradCheck gradcheck(const Layer& layer, const Tensors& inputs,
                              const GradCheckOptions& options = {});
TEMPO_OPTIONS(GradCheck gradcheck, GradCheckOptions, const Layer&, const Tensors&);

}  // namespace tempo
