// The header of a .npy file: the text of a Python dictionary with three keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/source.hpp"
#include "io/stored.hpp"

namespace tempo {

struct NpyHeader {
  StoredType type;
  bool fortran_order = false;
  Shape shape;
};

/// Of a file with so many bytes of data. Throws FormatError, with the source's name, for what NumPy
/// does not write and for dtypes that Tempo does not read: which one it is, and how NumPy writes
/// another.
NpyHeader read_npy_header(const Source& source, std::string_view text, uint64_t bytes);

}  // namespace tempo
