// SPDX-License-Identifier: Apache-2.0
// Numbers from files and into files: NumPy's .npy and safetensors; CSV lies in table.hpp. Models
// are saved and loaded in model.hpp.
#pragma once

#include <map>
#include <string>

#include <tempo/table.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// A tensor as NumPy's np.save writes it, and np.load reads it. Written atomically.
TEMPO_API void save_npy(const std::string& path, const Tensor& tensor);
/// Floats of 2, 4 and 8 bytes, integers of 1 to 8 bytes with and without sign, and bool, in either
/// byte order and in C's or Fortran's. What Tempo has no dtype for becomes the next one that holds
/// it without a change: float16 float32, small integers int32, uint32 and uint64 int64.
TEMPO_API Tensor load_npy(const std::string& path);

/// Tensors by name in one safetensors file, as other frameworks read and write it. Written
/// atomically.
TEMPO_API void save_tensors(const std::string& path, const std::map<std::string, Tensor>& tensors);
/// Reads F16 and BF16 (float32), F32, F64, I8, I16, U8 and U16 (int32), I32, I64, U32 and U64
/// (int64), BOOL. A tensor that Tempo cannot hold, of another dtype, with more axes, with a U64
/// above 2^63 - 1, does not keep the others from being read: it is there by its name, and using it
/// is a FormatError. If no tensor can be read, load_tensors throws it.
TEMPO_API std::map<std::string, Tensor> load_tensors(const std::string& path);

}  // namespace tempo
