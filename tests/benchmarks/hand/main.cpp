// SPDX-License-Identifier: Apache-2.0
// Jobs of loops written by hand with Tempo's own products: the goal for a cell's formula.
#include <iterator>

#include "cells.hpp"

namespace bench {

namespace {

constexpr struct {
  const char* cell;
  std::unique_ptr<Work> (*make)(const Job&);
} cells_by_hand[] = {
    {"MinGRU", min_gru}, {"MLSTM", mlstm},   {"GatedDeltaNet", gated_delta_net},
    {"RWKV7", rwkv7},    {"Mamba2", mamba2}, {"M2RNN", m2rnn},
};

std::unique_ptr<Work> make(const Job& job) {
  if (job.dtype != "float32") throw Unsupported("the loops are for float32");
  if (job.mode != "gradient" && job.mode != "forward")
    throw Unsupported("the loops have no mode " + job.mode);
  for (const auto& [cell, make_it] : cells_by_hand)
    if (job.cell == cell) return make_it(job);
  throw Unsupported("no loop is written for " + job.cell);
}

}  // namespace
}  // namespace bench

int main() { return bench::serve(bench::make); }
