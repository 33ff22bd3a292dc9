// SPDX-License-Identifier: Apache-2.0
// Tensors in files: NumPy's .npy and safetensors. CSV is in table.hpp; models are saved and loaded
// in model.hpp.
#pragma once

#include <map>
#include <string>

#include <tempo/table.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// Writes a tensor as NumPy's np.save does, for np.load; atomically.
TEMPO_API void save_npy(const std::string& path, const Tensor& tensor);
/// Reads floats of 2, 4 and 8 bytes, signed and unsigned integers of 1 to 8 bytes, and bool, in
/// either byte order, with axes in C's or Fortran's order. A dtype that Tempo lacks becomes one
/// that holds its values: float16 becomes float32, small integers int32, uint32 and uint64 int64.
TEMPO_API Tensor load_npy(const std::string& path);

/// Writes tensors by name into one safetensors file, in the format of other frameworks;
/// atomically.
TEMPO_API void save_tensors(const std::string& path, const std::map<std::string, Tensor>& tensors);
/// Reads F16 and BF16 (as float32), F32, F64, I8, I16, U8 and U16 (as int32), I32, I64, U32 and U64
/// (as int64), BOOL. A tensor that Tempo cannot hold (another dtype, more axes, a U64 of 2^63 or
/// more) does not stop the others from being read: it is there by its name, and using it throws a
/// FormatError. If no tensor can be read, load_tensors throws it.
TEMPO_API std::map<std::string, Tensor> load_tensors(const std::string& path);

}  // namespace tempo
