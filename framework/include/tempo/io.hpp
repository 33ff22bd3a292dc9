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
  std::vector<std::string> columns = {};  ///< by their names in the header; none given: all of them
  char separator = ',';
  std::optional<double> missing = {};  ///< what an empty field or NA becomes; else it is an error
  DType dtype = DType::automatic;
};

/// The numbers of a CSV file whose first line names its columns: [rows, columns], in the order
/// asked for. Throws FormatError with line and column at the first field that is not a number.
TEMPO_API Tensor read_csv(const std::string& path, const CsvOptions& options = {});

/// A tensor as NumPy's np.save writes it, and np.load reads it. Written atomically.
TEMPO_API void save_npy(const std::string& path, const Tensor& tensor);
TEMPO_API Tensor load_npy(const std::string& path);

/// Tensors by name in one safetensors file, as other frameworks read and write it.
TEMPO_API void save_tensors(const std::string& path, const std::map<std::string, Tensor>& tensors);
TEMPO_API std::map<std::string, Tensor> load_tensors(const std::string& path);

}  // namespace tempo
