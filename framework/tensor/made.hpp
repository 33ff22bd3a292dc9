// SPDX-License-Identifier: Apache-2.0
// Things that are made once, and found without a lock from then on.
#pragma once

#include <atomic>
#include <utility>
#include <variant>

#include "tensor/process_lock.hpp"

namespace tempo {

/// What was made for each key. It stays where it is, and is not made twice by two threads.
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
    const ProcessLock lock(ProcessLock::making);
    if (const T* found = find(key)) return *found;
    T made = make();
    Node* const node = new Node{key, std::move(made), first_.load(std::memory_order_relaxed)};
    first_.store(node, std::memory_order_release);
    return node->value;
  }
  template <class F>
  const T& get(F&& make) {
    return get(Key{}, std::forward<F>(make));
  }

 private:
  struct Node {
    Key key;
    T value;
    Node* next;
  };
  const T* find(const Key& key) const {
    for (Node* node = first_.load(std::memory_order_acquire); node; node = node->next)
      if (node->key == key) return &node->value;
    return nullptr;
  }

  std::atomic<Node*> first_{nullptr};
};

}  // namespace tempo
