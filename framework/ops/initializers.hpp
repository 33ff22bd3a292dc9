// The first values of weights, by name, as Keras names them.
#pragma once

#include "tensor/array.hpp"

#include <tempo/tensor.hpp>

namespace tempo {

/// A tensor of this type as the initializer's text says: "glorot_uniform", "constant(0.1)",
/// "random_uniform(minval=-0.05, maxval=0.05, seed=3)". Unknown names and arguments are Errors.
Tensor initialize(const std::string& text, const TensorType& type);

/// The names of all initializers, without aliases.
std::vector<std::string> initializer_names();

}  // namespace tempo
