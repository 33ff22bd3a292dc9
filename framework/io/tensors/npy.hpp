// SPDX-License-Identifier: Apache-2.0
// One tensor in NumPy's .npy format; load_npy reads a file through it.
#pragma once

#include <tempo/tensor.hpp>

#include "io/source.hpp"

namespace tempo {

/// For untrusted input: the header is checked against the bytes after it. Throws FormatError.
Tensor read_npy(const Source& source);

}  // namespace tempo
