// Elementwise formulas of tensors run as one loop over tiles: an optimizer's update, say.
#pragma once

#include <tempo/tensor.hpp>

#include <functional>

namespace tempo {

/// The results of f at these inputs, which all have the shape of the results. f is traced, so it
/// must not read values; what it computes elementwise runs in one pass over memory. Nothing of it
/// is recorded for gradients.
Tensors fused(const std::function<Tensors(const Tensors&)>& f, const Tensors& inputs);

}  // namespace tempo
