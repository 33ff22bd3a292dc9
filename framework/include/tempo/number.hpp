// SPDX-License-Identifier: Apache-2.0
// Numbers as text.
#pragma once

#include <charconv>
#include <cmath>
#include <string>

#include <tempo/export.hpp>

namespace tempo TEMPO_HIDDEN {
namespace sdk {

/// The shortest text that reads back as the number, without an exponent for whole numbers below
/// 1e15: "0.1", "100000", "1e-07".
template <class T>
requires(std::is_floating_point_v<T>) std::string shortest(T number) {
  char digits[32];
  const bool whole = std::abs(number) < T(1e15) && number == std::trunc(number);
  const auto end =
      whole ? std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed)
            : std::to_chars(digits, digits + sizeof digits, number);
  return std::string(digits, end.ptr);
}

}  // namespace sdk
}  // namespace tempo
