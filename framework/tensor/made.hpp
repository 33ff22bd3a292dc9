// SPDX-License-Identifier: Apache-2.0
// Objects that are made once, and then found without a lock.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <variant>

#include "tensor/process_lock.hpp"
#include "tensor/recent.hpp"

namespace tempo {

/// One object for each key; its address never changes. No lock is held while it is made, as rules
/// of a user's ops may run. If two threads make it at the same time, the first result is kept.
template <class T, class Key = std::monostate>
class Made {
 public:
  Made() = default;
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() {
    for (Node* node = first_.load(); node;) delete std::exchange(node, node->next);
  }

  template <class F>
  const T& get(const Key& key, F&& make) {
    if (const T* found = find(key)) return *found;
    auto mine = std::make_unique<Node>(key, make());
    const ProcessLock lock(ProcessLock::making);
    if (const T* found = find(key)) return *found;
    mine->next = first_.load(std::memory_order_relaxed);
    first_.store(mine.get(), std::memory_order_release);
    return mine.release()->value;
  }
  template <class F>
  const T& get(F&& make) {
    return get(Key{}, std::forward<F>(make));
  }

 private:
  struct Node {
    Node(const Key& its_key, T&& its_value) : key(its_key), value(std::move(its_value)) {}
    Key key;
    T value;
    Node* next = nullptr;
  };
  const T* find(const Key& key) const {
    for (Node* node = first_.load(std::memory_order_acquire); node; node = node->next)
      if (node->key == key) return &node->value;
    return nullptr;
  }

  std::atomic<Node*> first_{nullptr};
};

/// The same for a list of recent things: the one for which is(thing) holds, or a new one.
template <class T, class Is, class F>
T recent_or_made(Recent<T>& recent, const Is& is, F&& make) {
  {
    const ProcessLock lock(ProcessLock::making);
    if (const T* found = recent.find(is)) return *found;
  }
  T mine = make();
  const ProcessLock lock(ProcessLock::making);
  if (const T* found = recent.find(is)) return *found;
  return recent.add(std::move(mine));
}

}  // namespace tempo
