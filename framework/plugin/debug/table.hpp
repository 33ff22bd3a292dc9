// SPDX-License-Identifier: Apache-2.0
// The table that a watched plugin is given, and the counts of its calls.
#pragma once

#include <cstdint>

#include <tempo/plugin.h>

namespace tempo::debug {

/// The usual table with a watching function in place of each function.
const tempo_host& watching_table(const tempo_host& usual);
/// The number of watched functions, and the name of each.
uint32_t n_functions();
const char* function_name(uint32_t i);
/// Whether the host has this function, watched or not.
bool has_function(const char* name);
/// The number of calls of a function; 0 for an unknown name.
uint64_t calls_of(const char* function);
/// The nth call of the function from now on fails; with NULL no call does.
void fail_call(const char* function, uint64_t nth);

}  // namespace tempo::debug
