// SPDX-License-Identifier: Apache-2.0
// Tensors by name, for users: the public interface of safetensors.hpp.
#include <tempo/io.hpp>

#include "io/source.hpp"
#include "io/tensors/safetensors.hpp"

namespace tempo {

void save_tensors(const std::string& path, const std::map<std::string, Tensor>& tensors) {
  write_safetensors(
      path, {.metadata = {{"format", "tempo"}}, .tensors = {tensors.begin(), tensors.end()}});
}

std::map<std::string, Tensor> load_tensors(const std::string& path) {
  return reading(path, [&] {
    const Safetensors content = read_safetensors(path, Unreadable::left);
    return std::map<std::string, Tensor>(content.tensors.begin(), content.tensors.end());
  });
}

}  // namespace tempo
