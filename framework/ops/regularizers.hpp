// SPDX-License-Identifier: Apache-2.0
// Penalties of weights, and constraints on them, by name, as Keras names them.
#pragma once

#include <functional>

#include <tempo/tensor.hpp>

namespace tempo {

/// The penalty that a text names, a function to one number: "l2(0.01)", "l1_l2(l1=0.01, l2=0.1)".
/// Unknown names and arguments are Errors. Empty for "".
std::function<Tensor(const Tensor& w)> regularizer(const std::string& text);

/// A penalty is a function of the program that saved the model, and this program did not give it.
struct MissingFunction : Error {
  using Error::Error;
};
/// From now on the returned text, "own(name=mine)", stands for this function. Throws Error for a
/// name that is not a word.
std::string add_own_regularizer(const std::string& name,
                                std::function<Tensor(const Tensor& w)> penalty);

/// The projection that a text names: "max_norm(3)", "non_neg". Otherwise as regularizer.
std::function<Tensor(const Tensor& w)> constraint(const std::string& text);

}  // namespace tempo
