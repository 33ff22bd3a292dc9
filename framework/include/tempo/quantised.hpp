// SPDX-License-Identifier: Apache-2.0
// Inference in int8: a model whose products with weights run on integers.
#pragma once

#include <iosfwd>

#include <tempo/model.hpp>

namespace tempo TEMPO_HIDDEN {

/// A model for inference, of the same layers and weights, whose products with weights run in int8:
/// calls, predict, evaluate and Stream. It is faster, most with few rows, and a little less exact.
///
///     Model small = quantised(model);            // a built model
///     std::cout << quantisation_error(small, x); // beside the float model, on samples of yours
///     Stream stream(small);
///
/// Each column of a weight [k, n], which is an output channel, becomes a scale times integers from
/// -127 to 127, once. Each row of the left side does so at every product, which is then exact. So a
/// product is off by at most (max|x| sum|w| + max|w| sum|x|) / 254 + k max|x| max|w| / 64516. This
/// is the dynamic quantisation of ONNX Runtime's quantised LSTM
/// (com.microsoft.DynamicQuantizeLSTM), but with all eight bits on every processor, because no sum
/// saturates.
///
/// It acts, in float32, on the products of a recurrence's step, whatever its cell, and on products
/// `matmul(x, weight)` elsewhere. Convolutions, float64 and products of two activations stay as
/// they are. A row of x with a NaN or an infinity is multiplied in float by the rounded weights.
/// Weights that are assigned or trained later are rounded anew.
///
/// Throws Error if the model is not built or has no float32 matrix. The result cannot be trained,
/// saved, or be a layer of another model; each of these is an Error. Train, save and compose the
/// float model.
TEMPO_API Model quantised(const Model& model);

/// How far the first result of quantised(model) is from that of its float model.
struct QuantisationError {
  double largest = 0;         ///< of |quantised - float|
  double mean = 0;            ///< likewise
  double largest_output = 0;  ///< of |float|
};

/// Measures it on these samples, which lie along the first axis. Throws Error if quantised did not
/// make `model`.
TEMPO_API QuantisationError quantisation_error(const Model& model, const Inputs& samples);

/// "largest error 0.0031, mean 0.0004, of outputs up to 0.87 (0.36 %)"
TEMPO_API std::ostream& operator<<(std::ostream& out, const QuantisationError& error);

}  // namespace tempo
