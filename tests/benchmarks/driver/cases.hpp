// SPDX-License-Identifier: Apache-2.0
// The one table of the cases that are measured.
#pragma once

#include "benchmarks/protocol.hpp"

namespace bench {

struct Peer {
  std::string program;  ///< "onednn", "libtorch", "onnxruntime", "before"
  Job job;
};

/// A row of the table: a job of Tempo and the peers that do the same.
struct Line {
  std::string what;
  Job job;
  std::vector<Peer> peers = {};
  /// Another line of the block, whose time is divided by this one's; and what the ratio means.
  int against = -1;
  std::string against_what = "";
};

/// Lines that are measured in turn.
struct Block {
  std::string group, title;
  std::vector<Line> lines;
};

struct Choice {
  std::vector<Size> sizes;  ///< empty: the sizes of the project's targets
  std::vector<int> threads;
  std::vector<std::string> only;  ///< groups or cells; empty: all
  bool before = false;            ///< an earlier build of Tempo is the only peer of each line
  std::string onnxruntime;        ///< its version; "" if it is not installed
};

/// The names of the groups, for help.
std::string group_names();
/// Throws std::runtime_error for a name in `only` that is neither a group nor a cell.
std::vector<Block> blocks_of(const Choice& choice);

}  // namespace bench
