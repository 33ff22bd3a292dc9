// SPDX-License-Identifier: Apache-2.0
// Things that are made once, and found without a lock from then on.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <variant>

#include "tensor/process_lock.hpp"
#include "tensor/recent.hpp"

namespace tempo {

/// What was made for each key. It stays where it is. No lock is held while it is made, as rules of
/// ops of the user's may run: where two threads make it at the same time, the first one's is kept.
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

/// The same of a list that keeps the latest: the thing for which is(thing) holds, or a new one.
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
