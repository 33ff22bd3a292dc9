// The form of every kernel: read the inputs, write the outputs, which are allocated already.
#pragma once

#include "tensor/array.hpp"
#include "tensor/attributes.hpp"

#include <functional>
#include <span>

namespace tempo {

struct KernelCall {
  std::span<const View> inputs;
  std::span<const View> outputs;  // contiguous, uninitialised, of the types the shape rule gave
  const Attributes& attributes;
};

using Kernel = std::function<void(const KernelCall&)>;

}  // namespace tempo
