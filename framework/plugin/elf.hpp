// SPDX-License-Identifier: Apache-2.0
// What the headers of a shared object say, checked against the bytes that there are.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/function_ref.hpp"

namespace tempo {

/// Reads bytes [at, at + size), which lie within those that there are; false where it cannot.
using ReadBytes = FunctionRef<bool(void* to, uint64_t size, uint64_t at)>;

/// Why `bytes` bytes are no whole shared object for this processor, as a sentence or two; "" when
/// they are one. It takes time in proportion to them.
std::string fault_of_elf(uint64_t bytes, ReadBytes read);
/// The first of it alone: whether it is a shared object for this processor.
std::string fault_of_elf_kind(uint64_t bytes, ReadBytes read);

}  // namespace tempo
