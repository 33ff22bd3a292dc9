// SPDX-License-Identifier: Apache-2.0
// The floating-point mode of this thread: rounding, denormals, traps.
#pragma once

#include <cfenv>

#include "tensor/cpu.hpp"

namespace tempo {

/// The mode in force when the object was made. Exception flags are not part of it.
class FloatingPoint {
 public:
#if TEMPO_X86
  FloatingPoint() : control_(__builtin_ia32_stmxcsr() & ~0x3fu) {}
  void restore() const {
    std::fesetround(static_cast<int>(control_ >> 3 & 0xc00u));  // sets that of the x87, too
    __builtin_ia32_ldmxcsr(control_);
  }
  bool operator==(const FloatingPoint&) const = default;

 private:
  unsigned control_;
#else
  void restore() const { std::fesetround(rounding_); }
  bool operator==(const FloatingPoint&) const = default;

 private:
  int rounding_ = std::fegetround();
#endif
};

}  // namespace tempo
