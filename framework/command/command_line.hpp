// SPDX-License-Identifier: Apache-2.0
// The whole command line of `tempo`.
#pragma once

#include <iosfwd>

namespace tempo::command {

/// Runs the command in the arguments, prints to `out`, and returns the exit code. Throws Error.
int run(int argc, const char* const* argv, std::ostream& out);

}  // namespace tempo::command
