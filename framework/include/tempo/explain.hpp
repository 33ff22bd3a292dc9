// SPDX-License-Identifier: Apache-2.0
// Shows what runs when a layer, a stream or an optimizer runs.
#pragma once

#include <tempo/layer.hpp>

namespace tempo TEMPO_HIDDEN {

class Model;
class Optimizer;
struct StreamOptions;

/// The Programs that a layer's recurrences become for an input of this shape, [batch, time, ...]:
/// forward and gradient (of the sum of its results, to its weights and its input), each as written
/// and after each pass that changes it, and the bytes kept between the two. A cell is run over the
/// sequence. The layer itself is not built or changed: one of the same kind and options runs.
TEMPO_API std::string explain(const Layer& layer, const Shape& input,
                              DType dtype = DType::automatic);
/// The same for a call with these inputs, which may carry masks, and these options.
TEMPO_API std::string explain(const Layer& layer, const Tensors& inputs,
                              const CallOptions& options = {});
TEMPO_OPTIONS(std::string explain, CallOptions, const Layer&, const Tensors&);
/// The Program of one step of Stream(model, options). Throws what that constructor throws.
TEMPO_API std::string explain(const Model& model, const StreamOptions& options);
/// The Program by which the optimizer updates a weight of this shape, in parts that stay in the
/// cache. The optimizer's settings and slots do not change.
TEMPO_API std::string explain(const Optimizer& optimizer, const Shape& weight,
                              DType dtype = DType::automatic);

}  // namespace tempo
