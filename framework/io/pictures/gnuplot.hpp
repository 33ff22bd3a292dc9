// SPDX-License-Identifier: Apache-2.0
// Runs gnuplot on a script.
#pragma once

#include <cstdio>
#include <memory>

namespace tempo {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
/// A file without a name, gone when it is closed.
using ScratchFile = std::unique_ptr<std::FILE, CloseFile>;
ScratchFile scratch_file();

/// Runs gnuplot with `script` as its input, from the start; what it draws goes to `output`. Throws
/// Error when gnuplot is not there or fails.
void run_gnuplot(std::FILE* script, int output);

}  // namespace tempo
