// SPDX-License-Identifier: Apache-2.0
// The latest things that were asked for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <utility>

namespace tempo {

/// At most `capacity` things; the one that nobody asked for the longest makes room. Whoever shares
/// one locks it.
template <class T>
class Recent {
 public:
  explicit Recent(std::size_t capacity) : capacity_(capacity) {}

  /// The thing for which is(thing) holds, from now on the latest; null: there is none.
  template <class Is>
  T* find(Is&& is) {
    const auto at = std::find_if(things_.begin(), things_.end(), is);
    if (at == things_.end()) return nullptr;
    things_.splice(things_.begin(), things_, at);
    return &things_.front();
  }
  /// Adds one as the latest. What made room goes into `dropped`, to end where no lock is held.
  T& add(T thing, std::list<T>& dropped) {
    things_.push_front(std::move(thing));
    if (things_.size() > capacity_)
      dropped.splice(dropped.begin(), things_, std::prev(things_.end()));
    return things_.front();
  }
  T& add(T thing) {
    std::list<T> dropped;
    return add(std::move(thing), dropped);
  }
  /// Takes all out.
  std::list<T> clear() { return std::exchange(things_, {}); }

 private:
  std::size_t capacity_;
  std::list<T> things_;  // the latest first
};

}  // namespace tempo
