// SPDX-License-Identifier: Apache-2.0
// Runs a kernel on copies that lie against pages which nobody may touch.
#pragma once

#include <string>

#include <tempo/plugin.h>

namespace tempo::debug {

/// Whether the watched plugin's kernels are run so.
bool watches_memory();

/// The kernel on inputs that cannot be written to and results whose bytes were set before, twice,
/// with others each time: what it leaves out, or reads from its results, differs. A read or a write
/// outside of them ends the process, with a line on stderr that says of what.
tempo_status run_guarded(const tempo_op_type& type, const tempo_op_call& call,
                         const std::string& by);

}  // namespace tempo::debug
