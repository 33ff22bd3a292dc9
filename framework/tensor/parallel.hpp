// SPDX-License-Identifier: Apache-2.0
// Loops over ranges on a pool of threads. The results of a body must never depend on how the range
// is cut.
#pragma once

#include <functional>

#include <tempo/tensor.hpp>  // set_threads, threads

#include "tensor/function_ref.hpp"

namespace tempo {

/// The number of elements of simple work (an addition, a copy) that is worth a task.
inline constexpr int64_t elements_per_task = 32768;

/// Calls body(begin, end) for [0, grain), [grain, 2 grain), ... up to count, in any order and in
/// parallel. A count of at most `grain` runs inline. The first exception of a body is rethrown.
void parallel_for(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

/// The number of threads that can run at the same time: the limit that was set, or the number of
/// processors if that is smaller.
int threads_at_once();

/// Calls f, which must not throw, on another thread when one is free. A process that ends waits for
/// f. In a child whose parent had threads, this and parallel_for run on the caller's thread.
void start(std::function<void()> f);

}  // namespace tempo
