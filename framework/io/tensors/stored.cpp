// SPDX-License-Identifier: Apache-2.0
// Converts stored numbers to Tempo's dtypes, each of them exactly or not at all.
#include "io/tensors/stored.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>
#include <vector>

#include <tempo/names.hpp>

#include "graph/value.hpp"

static_assert(std::endian::native == std::endian::little, "files are read as little-endian");

namespace tempo {
namespace {

using Kind = StoredType::Kind;

float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = half >> 10 & 31u, fraction = half & 0x3ffu;
  if (exponent == 0) {
    const float small = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(small));
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 127 - 15;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

float from_brain(uint16_t brain) { return std::bit_cast<float>(uint32_t{brain} << 16); }

template <class T>
T from_bytes(const char* at, bool big_endian) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, at, sizeof(T));
  if (big_endian) std::reverse(bytes, bytes + sizeof(T));
  return std::bit_cast<T>(bytes);
}

// Converts the elements of a file into an array, a piece at a time.
struct Conversion {
  const Source& source;
  uint64_t at;
  const StoredType& type;
  const std::string& who;
  Array out;

  // From S, the type in the file, to T, the type in the array.
  template <class S, class T, class F>
  void each(F&& convert) {
    constexpr int64_t piece = 1 << 16;
    const int64_t count = out.count();
    std::vector<char> bytes(static_cast<std::size_t>(std::min(count, piece)) * sizeof(S));
    T* to = out.as<T>();
    for (int64_t from = 0; from < count; from += piece) {
      const int64_t n = std::min(count - from, piece);
      source.read(at + static_cast<uint64_t>(from) * sizeof(S), bytes.data(),
                  static_cast<std::size_t>(n) * sizeof(S));
      for (int64_t i = 0; i < n; ++i) {
        const char* stored = bytes.data() + static_cast<std::size_t>(i) * sizeof(S);
        to[from + i] = convert(from_bytes<S>(stored, type.big_endian), from + i);
      }
    }
  }

  template <class S, class T>
  void as() {
    each<S, T>([this](S value, int64_t place) {
      require_int64(value, place);
      return static_cast<T>(value);
    });
  }
  template <class S>
  void require_int64(S value, int64_t place) const {
    if constexpr (std::is_same_v<S, uint64_t>)
      if (value > uint64_t{INT64_MAX})
        refuse(std::to_string(value) + " is above 2^63 - 1, the largest int64", place);
  }

  void truths() {
    each<uint8_t, uint8_t>([this](uint8_t value, int64_t place) {
      if (value > 1) refuse("a BOOL is 0 or 1; found " + std::to_string(value), place);
      return value;
    });
  }

  [[noreturn]] void refuse(const std::string& what, int64_t place) const {
    source.fail(who + what + ", as element " + std::to_string(place) + " of " +
                to_string(out.shape()) + ' ' + type.name() + '.');
  }

  void all() {
    const bool natural = type.kind == Kind::natural;
    const auto half = [](uint16_t v, int64_t) { return from_half(v); };
    const auto brain = [](uint16_t v, int64_t) { return from_brain(v); };
    if (type.kind == Kind::boolean) return truths();
    if (type.kind == Kind::brain) return each<uint16_t, float>(brain);
    if (type.kind == Kind::floating) {
      if (type.bytes == 2) return each<uint16_t, float>(half);
      return type.bytes == 4 ? as<float, float>() : as<double, double>();
    }
    switch (type.bytes) {
      case 1: return natural ? as<uint8_t, int32_t>() : as<int8_t, int32_t>();
      case 2: return natural ? as<uint16_t, int32_t>() : as<int16_t, int32_t>();
      case 4: return natural ? as<uint32_t, int64_t>() : as<int32_t, int32_t>();
      default: return natural ? as<uint64_t, int64_t>() : as<int64_t, int64_t>();
    }
  }
};

}  // namespace

namespace {

const StoredFormat& format_of(const StoredType& type) {
  return *std::find_if(std::begin(stored_formats), std::end(stored_formats) - 1,
                       [&](const StoredFormat& f) {
                         return f.type.kind == type.kind && f.type.bytes == type.bytes;
                       });
}

}  // namespace

std::string StoredType::name() const { return format_of(*this).name; }
DType StoredType::dtype() const { return format_of(*this).dtype; }

const StoredFormat& written_as(DType dtype) {
  return *std::find_if(std::begin(stored_formats), std::end(stored_formats) - 1,
                       [&](const StoredFormat& f) { return f.dtype == dtype; });
}

const StoredFormat* stored_format(const char* StoredFormat::*column, std::string_view name) {
  for (const StoredFormat& f : stored_formats)
    if (f.*column && name == f.*column) return &f;
  return nullptr;
}

std::string names_in(const char* StoredFormat::*column) {
  std::vector<std::string> names;
  for (const StoredFormat& f : stored_formats)
    if (f.*column) names.emplace_back(f.*column);
  return sdk::listed(names);
}

int64_t countable(std::span<const int64_t> shape) {
  constexpr int64_t most = int64_t{1} << 59;  // so that their bytes can be counted, too
  int64_t product = 1;
  bool none = false;
  for (const int64_t extent : shape) {
    none = none || extent == 0;
    if (__builtin_mul_overflow(product, std::max<int64_t>(extent, 1), &product) || product > most)
      return -1;
  }
  return none ? 0 : product;
}

Tensor read_stored(const Source& source, uint64_t at, const StoredType& type, const Shape& shape,
                   const std::string& who) {
  const DType dtype = type.dtype();
  const bool same = !type.big_endian && static_cast<std::size_t>(type.bytes) == size_of(dtype) &&
                    type.kind != Kind::natural && type.kind != Kind::boolean;
  if (same) return to_tensor(make_value(source.array(at, {dtype, shape})));
  Conversion conversion{source, at, type, who, source.room_for({dtype, shape})};
  conversion.all();
  return to_tensor(make_value(std::move(conversion.out)));
}

}  // namespace tempo
