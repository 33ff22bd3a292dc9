// SPDX-License-Identifier: Apache-2.0
// Inference in int8: a model whose products with weights run on integers.
#pragma once

#include <iosfwd>

#include <tempo/model.hpp>

namespace tempo TEMPO_HIDDEN {

/// A model for inference, of the same layers and weights, whose products with weights run in int8:
/// calls, predict, evaluate and Stream. It is faster, most where rows are few, and a little off.
///
///     Model small = quantised(model);            // a built model
///     std::cout << quantisation_error(small, x); // beside the float model, on samples of yours
///     Stream stream(small);
///
/// Each column of a weight [k, n], so each output channel, becomes a scale times integers of -127
/// to 127, once; each row of the left side likewise, at every product, which is then exact. So a
/// product is off by at most (max|x| sum|w| + max|w| sum|x|) / 254 + k max|x| max|w| / 64516. This
/// is the dynamic quantisation of ONNX Runtime's quantised LSTM
/// (com.microsoft.DynamicQuantizeLSTM), with all eight bits on every processor, as no sum
/// saturates.
///
/// It acts on the products of a recurrence's step, whatever its cell, and on a product
/// `matmul(x, weight)` elsewhere, in float32; convolutions, float64 and products of two activations
/// stay as they are. A row of x that has a NaN or an infinity is multiplied in float by the rounded
/// weights. Weights that are assigned or trained later are rounded anew.
///
/// Throws Error where the model is not built or has no matrix of float32. The result cannot be
/// trained, saved, or be a layer of another model, each of which is an Error: train, save and
/// compose the float model.
TEMPO_API Model quantised(const Model& model);

/// How far the first result of quantised(model) is from that of its float model.
struct QuantisationError {
  double largest = 0;         ///< of |quantised - float|
  double mean = 0;            ///< likewise
  double largest_output = 0;  ///< of |float|
};

/// On these samples, which lie along the first axis. Throws Error where `model` is not one that
/// quantised made.
TEMPO_API QuantisationError quantisation_error(const Model& model, const Inputs& samples);

/// "largest error 0.0031, mean 0.0004, of outputs up to 0.87 (0.36 %)"
TEMPO_API std::ostream& operator<<(std::ostream& out, const QuantisationError& error);

}  // namespace tempo
