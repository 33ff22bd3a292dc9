// SPDX-License-Identifier: Apache-2.0
// Runs a kernel on copies that lie against pages without access.
#pragma once

#include <string>

#include <tempo/plugin.h>

namespace tempo::debug {

/// Whether the kernels of the watched plugin are run in this way.
bool watches_memory();

/// Runs the kernel twice, on read-only inputs and on results that are filled with different bytes
/// each time: elements that it does not write, or reads from its results, then differ. An access
/// outside of them ends the process, with a line on stderr that names the tensor.
tempo_status run_guarded(const tempo_op_type& type, const tempo_op_call& call,
                         const std::string& by);

}  // namespace tempo::debug
