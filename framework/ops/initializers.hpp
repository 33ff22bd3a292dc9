// SPDX-License-Identifier: Apache-2.0
// The initial values of weights, by name, as Keras names them.
#pragma once

#include <functional>

#include <tempo/tensor.hpp>

#include "tensor/array.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// A tensor of this type, made by the initializer of the text: "glorot_uniform", "constant(0.1)",
/// "random_uniform(minval=-0.05, maxval=0.05, seed=3)". Unknown names and arguments are Errors.
Tensor initialize(const std::string& text, const TensorType& type);

/// While one exists, initializers on this thread make zeros, because a file has the values. `bytes`
/// is the size of the file: layers that ask for far more do not match it, which is a FormatError.
class ValuesFromFile {
 public:
  explicit ValuesFromFile(uint64_t bytes);
  void take(const TensorType& type);
  static ValuesFromFile* current();

 private:
  uint64_t left_;
  Scoped<ValuesFromFile*> innermost_;
};

/// Throws the Error that `initialize` would throw if the text does not call an initializer: for an
/// unknown name, or for arguments that it does not take.
void require_initializer(const std::string& text);

/// The names of the initializers defined here.
std::vector<std::string> initializer_names();
/// Sets initializers from elsewhere: `find` returns a function that makes the values for a text,
/// empty for an unknown name; `names` lists their names.
using OtherInitializer = std::function<Tensor(const TensorType&)>;
void set_other_initializers(OtherInitializer (*find)(const std::string& text),
                            std::vector<std::string> (*names)());

}  // namespace tempo
