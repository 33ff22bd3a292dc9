// SPDX-License-Identifier: Apache-2.0
// Loops over ranges on a pool of threads. What one call of the body makes never depends on how the
// range is cut.
#pragma once

#include <functional>

#include <tempo/tensor.hpp>  // set_threads, threads

#include "tensor/function_ref.hpp"

namespace tempo {

/// Elements of simple work (an addition, a copy) that are worth a task of their own.
inline constexpr int64_t elements_per_task = 32768;

/// Calls body(begin, end) for [0, grain), [grain, 2 grain), ... up to count, in any order and at
/// once. A count of at most `grain` runs inline. The first exception thrown by a body is rethrown.
void parallel_for(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

/// Threads that can run at the same time: as many as there may be, or as processors if these are
/// fewer.
int threads_at_once();

/// Calls f, which must not throw, on another thread when one is free. The process ends after it.
/// In a child whose parent had threads, this and parallel_for do everything on the caller's thread.
void start(std::function<void()> f);

}  // namespace tempo
