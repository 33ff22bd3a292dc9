// SPDX-License-Identifier: Apache-2.0
// Counts allocations: these definitions replace the C library's in the whole process.
#include "allocations.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {
std::atomic<int64_t> count = 0;
std::atomic<bool> counting = false;  // off while time is measured
void one_more() {
  if (counting.load(std::memory_order_relaxed)) count.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

extern "C" {
void* malloc(std::size_t size) noexcept {
  one_more();
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  one_more();
  return __libc_calloc(n, size);
}
void* realloc(void* old, std::size_t size) noexcept {
  one_more();
  return __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  one_more();
  return __libc_memalign(alignment, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  one_more();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  one_more();
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}
}

namespace bench {
int64_t count_allocations(bool start) {
  counting = start;
  if (start) count = 0;
  return count;
}
}  // namespace bench
