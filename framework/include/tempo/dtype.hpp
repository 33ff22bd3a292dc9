// SPDX-License-Identifier: Apache-2.0
// The types of elements. One table holds all facts about them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <tempo/export.hpp>

namespace tempo TEMPO_HIDDEN {

/// The type of a tensor's elements. `automatic` stands for the default dtype where a dtype is asked
/// for.
enum class DType : int32_t {
  automatic = -1,
  float32 = 0,
  float64 = 1,
  int32 = 2,
  int64 = 3,
  bool_ = 4
};

inline constexpr DType float32 = DType::float32;
inline constexpr DType float64 = DType::float64;
inline constexpr DType int32 = DType::int32;
inline constexpr DType int64 = DType::int64;
inline constexpr DType bool_ = DType::bool_;

namespace sdk {

/// A dtype whose elements are T. Sizes, names and conversions of dtypes read this table.
template <class T>
struct Element {
  using Type = T;
  DType dtype;
  const char* name;
};
inline constexpr std::tuple elements{
    Element<float>{DType::float32, "float32"}, Element<double>{DType::float64, "float64"},
    Element<int32_t>{DType::int32, "int32"},   Element<int64_t>{DType::int64, "int64"},
    Element<bool>{DType::bool_, "bool"},
};

/// f(element) for the row of this dtype, or `otherwise` if there is none.
template <class R, class F>
constexpr R of_element(DType dtype, R otherwise, F&& f) {
  std::apply([&](auto... e) { ((e.dtype == dtype ? void(otherwise = f(e)) : void()), ...); },
             elements);
  return otherwise;
}

template <class T>
constexpr bool is_element() {
  return std::apply(
      [](auto... e) { return (std::is_same_v<T, typename decltype(e)::Type> || ...); }, elements);
}

/// The dtype of elements of this C++ type.
template <class T>
constexpr DType dtype_for() {
  static_assert(is_element<T>(),
                "the elements of a tensor are float, double, int32_t, int64_t or bool");
  return std::get<Element<T>>(elements).dtype;
}

}  // namespace sdk

inline constexpr bool is_floating(DType t) {
  return sdk::of_element(
      t, false, [](auto e) { return std::is_floating_point_v<typename decltype(e)::Type>; });
}

/// Bytes of one element; 0 for `automatic`.
inline constexpr std::size_t size_of(DType t) {
  return sdk::of_element(t, std::size_t{0},
                         [](auto e) { return sizeof(typename decltype(e)::Type); });
}

/// "float32"
inline constexpr const char* name_of(DType t) {
  return sdk::of_element(t, "automatic", [](auto e) { return e.name; });
}

/// The dtype of this name, "automatic" included; none if no dtype has it.
inline constexpr std::optional<DType> dtype_named(std::string_view name) {
  std::optional<DType> found;
  if (name == name_of(DType::automatic)) found = DType::automatic;
  std::apply([&](auto... e) { ((name == e.name ? void(found = e.dtype) : void()), ...); },
             sdk::elements);
  return found;
}

/// The dtype of this number, as it crosses the boundary, `automatic` included; none if no dtype
/// has it.
inline constexpr std::optional<DType> dtype_numbered(int64_t number) {
  const auto same = [number](DType t) { return static_cast<int64_t>(t) == number; };
  std::optional<DType> found;
  if (same(DType::automatic)) found = DType::automatic;
  std::apply([&](auto... e) { ((same(e.dtype) ? void(found = e.dtype) : void()), ...); },
             sdk::elements);
  return found;
}

/// Whether weights may have it: floating, or the default dtype.
inline constexpr bool is_for_weights(DType t) { return t == DType::automatic || is_floating(t); }

}  // namespace tempo
