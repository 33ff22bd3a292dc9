// SPDX-License-Identifier: Apache-2.0
// A list of the things that were asked for most recently.
#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <utility>

namespace tempo {

/// At most `capacity` things; the least recently used one makes room. If a list is shared, its
/// users must lock it.
template <class T>
class Recent {
 public:
  explicit Recent(std::size_t capacity) : capacity_(capacity) {}

  /// The thing for which is(thing) holds; it becomes the most recent. Null if there is none.
  template <class Is>
  T* find(Is&& is) {
    const auto at = std::find_if(things_.begin(), things_.end(), is);
    if (at == things_.end()) return nullptr;
    things_.splice(things_.begin(), things_, at);
    return &things_.front();
  }
  /// Adds the most recent thing. A removed one goes to `dropped`, to be destroyed without a lock.
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
  /// Takes out all things.
  std::list<T> clear() { return std::exchange(things_, {}); }

 private:
  std::size_t capacity_;
  std::list<T> things_;  // most recent first
};

}  // namespace tempo
