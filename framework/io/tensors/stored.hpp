// SPDX-License-Identifier: Apache-2.0
// Numbers as files store them, and the Tempo dtypes that hold them unchanged.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <tempo/tensor.hpp>

#include "io/source.hpp"

namespace tempo {

struct StoredType {
  enum class Kind { floating, brain, integer, natural, boolean };  // brain: bfloat16
  Kind kind = Kind::floating;
  int bytes = 4;
  bool big_endian = false;

  /// "float16", "uint8", "bool"
  std::string name() const;
  /// The dtype that its elements become: float32 for floats of 2 bytes, int32 for small integers,
  /// int64 for uint32 and uint64.
  DType dtype() const;
};

/// A type that Tempo reads, with its names in the formats. Of the types that become one dtype,
/// Tempo writes the first.
struct StoredFormat {
  StoredType type;
  const char* name;
  const char* npy;  ///< without the byte order; null: NumPy has no such type
  const char* safetensors;
  DType dtype;
};
inline constexpr StoredFormat stored_formats[] = {
    {{StoredType::Kind::floating, 4}, "float32", "f4", "F32", float32},
    {{StoredType::Kind::floating, 8}, "float64", "f8", "F64", float64},
    {{StoredType::Kind::integer, 4}, "int32", "i4", "I32", int32},
    {{StoredType::Kind::integer, 8}, "int64", "i8", "I64", int64},
    {{StoredType::Kind::boolean, 1}, "bool", "b1", "BOOL", bool_},
    {{StoredType::Kind::floating, 2}, "float16", "f2", "F16", float32},
    {{StoredType::Kind::brain, 2}, "bfloat16", nullptr, "BF16", float32},
    {{StoredType::Kind::integer, 1}, "int8", "i1", "I8", int32},
    {{StoredType::Kind::integer, 2}, "int16", "i2", "I16", int32},
    {{StoredType::Kind::natural, 1}, "uint8", "u1", "U8", int32},
    {{StoredType::Kind::natural, 2}, "uint16", "u2", "U16", int32},
    {{StoredType::Kind::natural, 4}, "uint32", "u4", "U32", int64},
    {{StoredType::Kind::natural, 8}, "uint64", "u8", "U64", int64},
};
/// The type as which Tempo writes a dtype.
const StoredFormat& written_as(DType dtype);
/// The type of this name in one of the columns; null if Tempo reads no type of that
/// name.
const StoredFormat* stored_format(const char* StoredFormat::*column, std::string_view name);
/// All names in a column, as a list: "F32, F64, ..."
std::string names_in(const char* StoredFormat::*column);

/// The number of elements of a shape, for any order of axes; -1 if it cannot be counted.
int64_t countable(std::span<const int64_t> shape);

/// Reads the elements from offset `at` on. FormatError if one does not fit (a uint64 above 2^63 -
/// 1, a bool that is neither 0 nor 1): the source's name, `who`, the sentence.
Tensor read_stored(const Source& source, uint64_t at, const StoredType& type, const Shape& shape,
                   const std::string& who = "");

}  // namespace tempo
