// SPDX-License-Identifier: Apache-2.0
// Members of an object that several threads may use at once. A layer is made of these, and names no
// thread, lock or atomic itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include <tempo/export.hpp>

namespace tempo TEMPO_HIDDEN {

/// Counts up; no number is given twice.
class Counter {
 public:
  explicit Counter(uint64_t first = 0) : next_(first) {}
  uint64_t next() { return next_.fetch_add(1, std::memory_order_relaxed); }
  /// The number that comes next; `set` puts another in its place, for a file.
  uint64_t count() const { return next_.load(std::memory_order_relaxed); }
  void set(uint64_t next) { next_.store(next, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> next_;
};

/// A value that is found once and then read by all. If several threads find it at the same time,
/// the first value is kept.
template <class T>
class FoundOnce {
 public:
  FoundOnce() = default;
  ~FoundOnce() { delete value_.load(); }
  FoundOnce(const FoundOnce&) = delete;
  FoundOnce& operator=(const FoundOnce&) = delete;

  template <class Find>
  const T& get(Find find) {
    if (const T* known = value_.load(std::memory_order_acquire)) return *known;
    auto mine = std::make_unique<const T>(find());
    const T* first = nullptr;
    if (!value_.compare_exchange_strong(first, mine.get(), std::memory_order_acq_rel))
      return *first;
    return *mine.release();
  }

 private:
  std::atomic<const T*> value_{nullptr};
};

/// Values that live as long as the list; several threads may add to it. begin() starts with the
/// latest value that is there, and older ones follow.
template <class T>
class KeptList {
  struct Node {
    T value;
    Node* next;
  };

 public:
  class Iterator {
   public:
    explicit Iterator(const Node* at) : at_(at) {}
    const T& operator*() const { return at_->value; }
    Iterator& operator++() {
      at_ = at_->next;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Node* at_;
  };

  KeptList() = default;
  ~KeptList() {
    for (Node* at = first_.load(); at;) delete std::exchange(at, at->next);
  }
  KeptList(const KeptList&) = delete;
  KeptList& operator=(const KeptList&) = delete;

  /// `prepare` makes it ready before others see it.
  template <class Prepare>
  const T& add(T value, Prepare prepare) {
    auto* const node = new Node{std::move(value), first_.load(std::memory_order_acquire)};
    prepare(node->value);
    while (!first_.compare_exchange_weak(node->next, node, std::memory_order_acq_rel)) {
    }
    return node->value;
  }
  Iterator begin() const { return Iterator(first_.load(std::memory_order_acquire)); }
  Iterator end() const { return Iterator(nullptr); }

 private:
  std::atomic<Node*> first_{nullptr};
};

/// A thing for one call at a time. It does not wait: a call that comes meanwhile is told so.
class OneAtATime {
 public:
  OneAtATime() = default;
  /// A copy is another one, and free.
  OneAtATime(const OneAtATime&) {}
  OneAtATime& operator=(const OneAtATime&) { return *this; }

  /// Takes it until the end of a block; false if another call has it. With null in its place, it is
  /// always true.
  class Turn {
   public:
    explicit Turn(OneAtATime* of)
        : of_(of), mine_(!of || !of->taken_.exchange(true, std::memory_order_acquire)) {}
    ~Turn() {
      if (of_ && mine_) of_->taken_.store(false, std::memory_order_release);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    explicit operator bool() const { return mine_; }

   private:
    OneAtATime* of_;
    bool mine_;
  };

 private:
  std::atomic<bool> taken_{false};
};

}  // namespace tempo
