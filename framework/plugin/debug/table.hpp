// SPDX-License-Identifier: Apache-2.0
// The table that a watched plugin is given, and what it counts.
#pragma once

#include <cstdint>

#include <tempo/plugin.h>

namespace tempo::debug {

/// The table that a plugin would be given, with a watching function in place of each.
const tempo_host& watching_table(const tempo_host& usual);
/// How many functions it watches, and the name of each.
uint32_t n_functions();
const char* function_name(uint32_t i);
/// Whether the host has it, watched or not.
bool has_function(const char* name);
/// How often one was called; 0 of what is none.
uint64_t calls_of(const char* function);
/// Its nth call from now fails; of NULL none does.
void fail_call(const char* function, uint64_t nth);

}  // namespace tempo::debug
