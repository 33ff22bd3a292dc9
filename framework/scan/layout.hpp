// What a run of a Plan does besides its steps, decided once for any number of time steps and any
// memory of the caller's: where everything lies, and what moves, is handed on and is collected.
#pragma once

#include "scan/plan.hpp"

namespace tempo {

/// An instruction before or behind the loop.
struct OutsideCall {
  const Instruction* instruction;
  bool at_once;  // one call for all steps, or for the one there is; else a call for each step
};

/// Rows written at every step for the caller or for what comes behind the loop.
struct RowCopy {
  Region from, to;
};

/// A carried value: where the next one is found, and whether it is copied from there.
struct CarriedMove {
  int block;    // of the carried value
  Region next;  // its value after the step
  bool copied;
  std::size_t memory, bytes;  // two copies that take turns, in the arena
};

/// A result of the caller's that is not a block of its own.
struct Delivery {
  std::size_t result;
  int value;
  Region from;
};

struct Layout {
  // Offsets in the arena; slabs lie behind all that one step needs.
  std::vector<std::size_t> blocks;  // of each block of one step
  std::vector<std::size_t> packed;  // of each product with a packed side
  std::size_t views = 0, matrices = 0, bases = 0;
  std::size_t bytes = 0;        // of all this
  std::size_t shard_bytes = 0;  // of what each shard has for itself: places and registers
  std::size_t most_operands = 0;
  int64_t work_per_row = 0;  // of a step, in multiplications

  std::vector<int> slabs, each_step, turns;  // blocks
  std::vector<OutsideCall> before, after;
  std::vector<RowCopy> histories;
  std::vector<CarriedMove> carried;
  std::vector<Delivery> sums, lasts;               // collected in the loop
  std::vector<Delivery> sequences, after_results;  // handed out behind it
  std::vector<Region> outside;                     // of each value, as before and behind the loop
};

Layout lay_out(const Program& program, const Plan& plan);

inline constexpr std::size_t arena_alignment = 64;
inline std::size_t rounded_up(std::size_t bytes) {
  return (bytes + arena_alignment - 1) / arena_alignment * arena_alignment;
}

}  // namespace tempo
