// SPDX-License-Identifier: Apache-2.0
// Buffers of memory. After they are given back, they wait for the next user of their size.
#pragma once

#include <cstddef>

namespace tempo {

/// At least `bytes` bytes, 64-byte aligned. If the system has no more memory, the waiting buffers
/// are freed first.
std::byte* take_buffer(std::size_t bytes);
/// Gives back a buffer that was taken with this size, on any thread.
void give_back_buffer(std::byte* buffer, std::size_t bytes) noexcept;

}  // namespace tempo
