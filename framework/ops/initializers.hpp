// SPDX-License-Identifier: Apache-2.0
// The first values of weights, by name, as Keras names them.
#pragma once

#include <functional>

#include <tempo/tensor.hpp>

#include "tensor/array.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// A tensor of this type as the initializer's text says: "glorot_uniform", "constant(0.1)",
/// "random_uniform(minval=-0.05, maxval=0.05, seed=3)". Unknown names and arguments are Errors.
Tensor initialize(const std::string& text, const TensorType& type);

/// While one lives, initializers of this thread make zeros, because a file has the values. `bytes`
/// is the size of the file: layers that ask for far more are not those of the file, a FormatError.
class ValuesFromFile {
 public:
  explicit ValuesFromFile(uint64_t bytes);
  void take(const TensorType& type);
  static ValuesFromFile* current();

 private:
  uint64_t left_;
  Scoped<ValuesFromFile*> innermost_;
};

/// Throws the Error that `initialize` would, if the text is no call of an initializer: an unknown
/// name, or arguments that it does not take.
void require_initializer(const std::string& text);

/// The names of those here.
std::vector<std::string> initializer_names();
/// Initializers from elsewhere: what makes the values that a text asks for, empty for a name that
/// is not there either; and their names.
using OtherInitializer = std::function<Tensor(const TensorType&)>;
void set_other_initializers(OtherInitializer (*find)(const std::string& text),
                            std::vector<std::string> (*names)());

}  // namespace tempo
