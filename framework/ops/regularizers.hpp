// SPDX-License-Identifier: Apache-2.0
// Penalties of weights, and what constraints make of them, by name, as Keras names them.
#pragma once

#include <functional>

#include <tempo/tensor.hpp>

namespace tempo {

/// The penalty that a text names, one number: "l2(0.01)", "l1_l2(l1=0.01, l2=0.1)". Unknown names
/// and arguments are Errors. Empty for "".
std::function<Tensor(const Tensor& w)> regularizer(const std::string& text);

/// What a constraint makes of a weight: "max_norm(3)", "non_neg". Likewise.
std::function<Tensor(const Tensor& w)> constraint(const std::string& text);

}  // namespace tempo
