// SPDX-License-Identifier: Apache-2.0
// Penalties of weights, and what constraints make of them, by name, as Keras names them.
#pragma once

#include <functional>

#include <tempo/tensor.hpp>

namespace tempo {

/// The penalty that a text names, one number: "l2(0.01)", "l1_l2(l1=0.01, l2=0.1)". Unknown names
/// and arguments are Errors. Empty for "".
std::function<Tensor(const Tensor& w)> regularizer(const std::string& text);

/// A penalty is a function of the program that saved a model, and this program did not give it.
struct MissingFunction : Error {
  using Error::Error;
};
/// From now on the text that this gives, "own(name=mine)", stands for this function. Throws Error
/// for a name that is no word.
std::string add_own_regularizer(const std::string& name,
                                std::function<Tensor(const Tensor& w)> penalty);

/// What a constraint makes of a weight: "max_norm(3)", "non_neg". Likewise.
std::function<Tensor(const Tensor& w)> constraint(const std::string& text);

}  // namespace tempo
