// SPDX-License-Identifier: Apache-2.0
// Numbers from files and into files: CSV, NumPy's .npy, safetensors. Models are saved and loaded in
// model.hpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

struct CsvOptions {
  /// By their names in the header; none given: all of them. Of several that are called ISE, "ISE.0"
  /// is the first and "ISE.1" the second; "ISE" is an error. With .header = false, "0" is the
  /// first column.
  std::vector<std::string> columns = {};
  char separator = ',';
  /// Whether the first line names the columns. Not said: a line of texts does, one of numbers (and
  /// ?, NA, ...) does not, and any other is an error that asks.
  std::optional<bool> header = {};
  /// What a field becomes in which there is no number: empty, NA, N/A, NaN, null, None, ? or -. Not
  /// said: it is an error.
  std::optional<double> missing = {};
  char decimal = '.';     ///< ',' where 1,5 is one and a half
  char thousands = '\0';  ///< what parts them, as ',' in 1,234.5; '\0' for nothing
  DType dtype = DType::automatic;
};

/// The numbers of a CSV file in UTF-8: [rows, columns], in the order asked for. int32 and int64 are
/// exact ("1e3" and "1.0" are whole), bool is 0, 1, true or false; empty lines are skipped. Throws
/// FormatError with line and column at the first field that the dtype cannot hold.
TEMPO_API Tensor read_csv(const std::string& path, const CsvOptions& options = {});
TEMPO_OPTIONS(Tensor read_csv, CsvOptions, const std::string&);

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
