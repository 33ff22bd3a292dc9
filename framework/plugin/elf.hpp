// SPDX-License-Identifier: Apache-2.0
// Checks the headers of a shared object against the bytes that the file has.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/function_ref.hpp"

namespace tempo {

/// Reads bytes [at, at + size), which must exist; false if that fails.
using ReadBytes = FunctionRef<bool(void* to, uint64_t size, uint64_t at)>;

/// The reason why `bytes` bytes are not a complete shared object for this processor, as one or two
/// sentences; "" if they are. Takes time proportional to their number.
std::string fault_of_elf(uint64_t bytes, ReadBytes read);
/// The first check alone: whether it is a shared object for this processor.
std::string fault_of_elf_kind(uint64_t bytes, ReadBytes read);

}  // namespace tempo
