// SPDX-License-Identifier: Apache-2.0
// A variable that is set for the duration of a scope.
#pragma once

#include <type_traits>
#include <utility>

namespace tempo {

/// While one exists, the variable has this value; then its earlier value is restored, even after an
/// exception. Settings of a thread are thread_local variables that are set in this way; they nest.
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
