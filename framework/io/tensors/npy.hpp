// SPDX-License-Identifier: Apache-2.0
// One tensor in NumPy's .npy format; load_npy reads a file so.
#pragma once

#include <tempo/tensor.hpp>

#include "io/source.hpp"

namespace tempo {

/// Believes nothing: the header is compared with the bytes that follow it. Throws FormatError.
Tensor read_npy(const Source& source);

}  // namespace tempo
