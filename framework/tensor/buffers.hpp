// SPDX-License-Identifier: Apache-2.0
// Buffers of memory that wait, when they are given back, for the next user of their size.
#pragma once

#include <cstddef>

namespace tempo {

/// At least `bytes` bytes, 64-byte aligned. When the system has no more, the buffers that wait for
/// their next user go back to it first.
std::byte* take_buffer(std::size_t bytes);
/// Gives back a buffer that was taken with this number of bytes, on any thread.
void give_back_buffer(std::byte* buffer, std::size_t bytes) noexcept;

}  // namespace tempo
