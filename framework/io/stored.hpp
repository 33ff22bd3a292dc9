// Numbers as files store them, and the dtypes of Tempo that hold them without a change.
#pragma once

#include <span>
#include <string>

#include <tempo/tensor.hpp>

#include "io/source.hpp"

namespace tempo {

struct StoredType {
  enum class Kind { floating, brain, integer, natural, boolean };  // brain: bfloat16
  Kind kind = Kind::floating;
  int bytes = 4;
  bool big_endian = false;

  /// Whether Tempo reads it: float of 2, 4, 8 bytes, bfloat16, integers of 1, 2, 4, 8, bool.
  bool known() const;
  /// "float16", "uint8", "bool"
  std::string name() const;
  /// The dtype whose elements it becomes: floats of 2 bytes float32, small integers int32, uint32
  /// and uint64 int64.
  DType dtype() const;
};

/// How many elements a shape has, whatever the order of its axes; -1 when they cannot be counted.
int64_t countable(std::span<const int64_t> shape);

/// Elements that lie from `at` on. FormatError where one does not fit (a uint64 above 2^63 - 1, a
/// bool that is neither 0 nor 1): the source's name, `who`, the sentence.
Tensor read_stored(const Source& source, uint64_t at, const StoredType& type, const Shape& shape,
                   const std::string& who = "");

}  // namespace tempo
