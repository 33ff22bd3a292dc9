// SPDX-License-Identifier: Apache-2.0
// A sanitizer's `new` ends the process where memory is short; here it throws as the standard's
// does, so that what Tempo makes of it is tested under sanitizers, too. Linked in their builds
// alone.
#include <cstdlib>
#include <new>

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes > 0 ? bytes : 1);
}
void* operator new(std::size_t bytes) {
  if (void* buffer = operator new(bytes, std::nothrow)) return buffer;
  throw std::bad_alloc();
}
void operator delete(void* buffer) noexcept { std::free(buffer); }
void operator delete(void* buffer, std::size_t) noexcept { std::free(buffer); }
