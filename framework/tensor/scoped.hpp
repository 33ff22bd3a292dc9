// SPDX-License-Identifier: Apache-2.0
// A variable that has another value for a while.
#pragma once

#include <type_traits>
#include <utility>

namespace tempo {

/// While one lives, the variable has this value; then the one before again, however it ends. What
/// is in force on a thread is a thread_local variable that is set so, and nests.
template <class T>
class Scoped {
 public:
  Scoped(T& variable, std::type_identity_t<T> value)
      : variable_(variable), before_(std::exchange(variable, std::move(value))) {}
  ~Scoped() { variable_ = std::move(before_); }
  Scoped(const Scoped&) = delete;
  Scoped& operator=(const Scoped&) = delete;
  const T& before() const { return before_; }

 private:
  T& variable_;
  T before_;
};

}  // namespace tempo
