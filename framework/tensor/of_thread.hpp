// SPDX-License-Identifier: Apache-2.0
// Values that each thread has of its own, for as long as anything may ask for them.
#pragma once

#include <pthread.h>

namespace tempo {

/// A T of each thread, made when it is first asked for: `static OfThread<T> mine` at namespace
/// scope. It outlives the thread's and the process's objects, whose destructors may ask for it: it
/// goes when the thread has ended and all its thread_local objects are gone, and that of the main
/// thread stays when the process exits.
template <class T>
class OfThread {
 public:
  OfThread() = delete;

  static T& get() {
    T* const mine = here_;
    return mine ? *mine : make();
  }
  /// Null when this thread has not asked for one.
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
