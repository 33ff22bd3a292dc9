// SPDX-License-Identifier: Apache-2.0
// What the headers of a shared object say, checked against the bytes that there are.
#pragma once

#include <cstdint>
#include <string>

namespace tempo {

/// Why the open file of so many bytes is no whole shared object for this processor, as a sentence
/// or two; "" when it is one.
std::string fault_of_elf(int file, uint64_t bytes);
/// The first of it alone: whether it is a shared object for this processor.
std::string fault_of_elf_kind(int file, uint64_t bytes);

}  // namespace tempo
