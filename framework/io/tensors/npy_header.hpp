// SPDX-License-Identifier: Apache-2.0
// The header of a .npy file: the text of a Python dictionary with three keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/source.hpp"
#include "io/tensors/stored.hpp"

namespace tempo {

struct NpyHeader {
  StoredType type;
  bool fortran_order = false;
  Shape shape;
};

/// The header of a file with `bytes` bytes of data. Throws FormatError, with the source's name, for
/// a header that NumPy does not write and for a dtype that Tempo does not read: it names the dtype
/// and says how to write another one from NumPy.
NpyHeader read_npy_header(const Source& source, std::string_view text, uint64_t bytes);

}  // namespace tempo
