// Numbers from files and into files: CSV, NumPy's .npy, safetensors. Models are saved and loaded in
// model.hpp.
#pragma once

#include <tempo/tensor.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

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

/// A tensor as NumPy's np.save writes it, and np.load reads it. Written atomically.
TEMPO_API void save_npy(const std::string& path, const Tensor& tensor);
TEMPO_API Tensor load_npy(const std::string& path);

/// Tensors by name in one safetensors file, as other frameworks read and write it.
TEMPO_API void save_tensors(const std::string& path, const std::map<std::string, Tensor>& tensors);
TEMPO_API std::map<std::string, Tensor> load_tensors(const std::string& path);

}  // namespace tempo
