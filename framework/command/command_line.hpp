// SPDX-License-Identifier: Apache-2.0
// The `tempo` command line as a whole: what is installed, and what runs.
#pragma once

#include <iosfwd>

namespace tempo::command {

/// Does what the arguments ask for and prints it to `out`; the program's exit code. Throws Error.
int run(int argc, const char* const* argv, std::ostream& out);

}  // namespace tempo::command
