// SPDX-License-Identifier: Apache-2.0
// One object for each thread, which exists as long as anything may ask for it.
#pragma once

#include <pthread.h>

namespace tempo {

/// One T for each thread, made when it is first asked for: `static OfThread<T> mine` at namespace
/// scope. Destructors of thread_local and static objects may still ask for it: it is destroyed
/// after the thread has ended and all its thread_local objects are gone; that of the main thread is
/// never destroyed.
template <class T>
class OfThread {
 public:
  OfThread() = delete;

  static T& get() {
    T* const mine = here_;
    return mine ? *mine : make();
  }
  /// Null if this thread has not asked for one.
  static T* find() { return here_; }

 private:
  [[gnu::noinline]] static T& make() {
    static const pthread_key_t key = [] {
      pthread_key_t made{};
      pthread_key_create(&made, [](void* mine) {
        here_ = nullptr;
        delete static_cast<T*>(mine);
      });
      return made;
    }();
    here_ = new T;
    pthread_setspecific(key, here_);
    return *here_;
  }

  static inline thread_local constinit T* here_ = nullptr;
};

}  // namespace tempo
