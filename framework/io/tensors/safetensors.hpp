// SPDX-License-Identifier: Apache-2.0
// The safetensors format: 8 bytes of little-endian header length, a JSON header with the offsets of
// each tensor, and the data. https://github.com/huggingface/safetensors
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <tempo/tensor.hpp>

#include "io/source.hpp"

namespace tempo {

struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<std::string, Tensor>> tensors;  // in the order of the file

  /// The tensor of that name; Tensor{} if there is none.
  Tensor find(const std::string& name) const;
};

/// Writes atomically: if it fails, the file that was there is unchanged. Names must differ.
void write_safetensors(const std::string& path, const Safetensors& content);

/// The treatment of a valid tensor that Tempo cannot read, because of its dtype, its rank, or a
/// number that does not fit. `refused`: an error at once. `left`: an error when its elements are
/// asked for, or at once if no tensor of the file can be read.
enum class Unreadable { refused, left };

/// For untrusted input: every length, offset, dtype and shape is checked. Throws FormatError.
Safetensors read_safetensors(const Source& source, Unreadable unreadable = Unreadable::refused);
Safetensors read_safetensors(const std::string& path, Unreadable unreadable = Unreadable::refused);

}  // namespace tempo
