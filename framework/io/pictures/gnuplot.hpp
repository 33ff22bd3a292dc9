// SPDX-License-Identifier: Apache-2.0
// Runs gnuplot on a script.
#pragma once

#include <cstdio>
#include <memory>

namespace tempo {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
/// A nameless file that vanishes when it is closed.
using ScratchFile = std::unique_ptr<std::FILE, CloseFile>;
ScratchFile scratch_file();

/// Runs gnuplot with `script` as its input, read from the start; the picture goes to `output`.
/// Throws Error if gnuplot is missing or fails.
void run_gnuplot(std::FILE* script, int output);

}  // namespace tempo
