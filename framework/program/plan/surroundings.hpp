// SPDX-License-Identifier: Apache-2.0
// The work of a run besides the stages of its Plan: the places of data, the moves, the results
// handed out and collected. Planned once, for any number of steps and any memory of the caller.
#pragma once

#include "program/plan/plan.hpp"
#include "tensor/round_up.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// An instruction before or after the loop.
struct OutsideCall {
  InstructionId instruction;
  enum class How {
    once,          ///< once in a run
    all_steps,     ///< one call for all steps of a stretch
    step_by_step,  ///< one call for each step
  } how;
  std::size_t views;                        // the view of its first operand
  bool reads_rows = false;                  // whether a fixed operand has a row for each sequence
  std::optional<std::size_t> product = {};  // the product over all steps that it is, if any
  int64_t group = 1;  // size of the group of mutually independent calls that starts here
};

/// A product over all steps with a fixed right side.
struct OutsideProduct {
  ValueId a, out;
  int64_t rows, blocks;  // of a, at one step
  std::size_t packed;    // its first right side; each block has one
};

/// A fixed value, or its transpose, placed at row k0 and column n0 of a right side.
struct RightPart {
  ValueId value;
  bool transposed;
  int64_t k, n, k0, n0;
  int64_t offset = 0;  // of the part's first element in the value
};

/// A right side that is packed before the loop, or a block of one. The list has those of the loop's
/// products first, block by block, then those of products outside.
struct Packing {
  std::vector<RightPart> parts;
  DType dtype;
  int64_t k, n;
  std::size_t memory;  // in the arena
  bool in_int8 = false;
  std::size_t bytes() const;
};

/// The values of a state that are written at every step, for the caller or for the section after
/// the loop: a copy, or the step before writes its next state there.
struct StateHistory {
  Region from, to;
  std::optional<std::size_t> next = {};  // the block of that next state
};

/// A sequence of the caller, [batch, time, ...]: input or result `index`, and the loop's region for
/// it at each step. If rows end, also a sequence [time, batch, ...].
struct BatchFirst {
  std::size_t index;
  Region here;
  int64_t batch, row;  // elements of a row
  bool time_first = false;
};

/// A carried value: the place of its next value, and whether that is copied: at each step, or once
/// per stretch if it lies in a slab, which starts again with each stretch.
struct CarriedMove {
  std::size_t block;  // of the carried value
  Region next;        // its value after the step
  bool copied, in_slab;
  std::size_t memory, bytes;  // two alternating copies, in the arena
};

/// A result of the caller that is not a block of its own.
struct Delivery {
  std::size_t result;
  ValueId value;
  Region from;
};

/// A sum over time in float32.
struct GrowingSum {
  ValueId value;
  std::optional<std::size_t> result;  // the caller's result that it lies in, if any
  int64_t before;                     // the elements of the earlier sums in its list
  int64_t count;
};

struct Surroundings {
  /// In a longer run, float32 sums over time are put aside at least every this many steps.
  static constexpr int64_t most_summed = 512;

  // Offsets in the arena; slabs follow the memory for one step.
  std::vector<std::size_t> blocks;  // of each block that has one step
  std::vector<Packing> packed;      // side by side
  std::size_t views = 0, parts = 0, matrices = 0, bases = 0;
  std::size_t bytes = 0;           // of all these
  std::size_t shard_bytes = 0;     // of each shard's own memory: addresses and registers, or its
                                   // part of a channel loop
  std::size_t register_bytes = 0;  // of the registers among it
  std::size_t operands = 0;        // views: for a call in the loop, then for each call outside
  int64_t work_per_row = 0;        // of one step, in multiplications
  std::size_t stretch_bytes = 0;   // of one step, in the slabs that should stay in the cache
  int64_t rows = 1;                // of one step
  bool drops_rows = false;         // whether rows may end and are then left out

  /// The length of a stretch. It depends on shapes alone, as sums are made stretch by stretch.
  int64_t steps_at_once(int64_t time) const;

  std::vector<std::size_t> slabs, each_step, turns;  // blocks
  std::vector<OutsideCall> before, after;
  std::vector<OutsideProduct> products;
  ValueIds summed;                          // values that grow stretch by stretch
  std::vector<std::size_t> summed_results;  // results that grow step by step
  // The float32 sums among both: those that grow step by step, and those stretch by stretch.
  std::vector<GrowingSum> step_sums, stretch_sums;
  std::vector<BatchFirst> gathered, scattered;                  // by each shard, for its rows
  std::vector<BatchFirst> gathered_at_once, scattered_at_once;  // before and after all shards
  std::vector<StateHistory> histories;
  std::vector<CarriedMove> carried;
  std::vector<Delivery> sums, lasts;               // collected within the loop
  std::vector<Delivery> sequences, after_results;  // handed out after each stretch
  std::vector<Delivery> fixed_results;             // handed out at the end
  ValueTable<std::optional<Region>> outside;       // the region of each value outside of the loop
  std::vector<std::size_t> packs_inputs;           // inputs of the Program that `packed` depends on
  std::size_t packed_bytes = 0;                    // the size of `packed` in all
};

/// While one exists, stretches of runs on this thread have at most this many steps: for tests.
class ShortStretches {
 public:
  explicit ShortStretches(int64_t steps);

 private:
  Scoped<int64_t> longest_;
};

Surroundings surroundings_of(const Uses& uses, const Plan& plan);

/// Whether a run can leave out rows that have ended: in the loop, and in all calls over the steps
/// of a stretch, where only the running rows are stored, one after the other.
bool can_drop_rows(const Program& program, const Plan& plan, const Surroundings& surroundings);

inline constexpr std::size_t arena_alignment = 64;
inline std::size_t rounded_up(std::size_t bytes) { return round_up(bytes, arena_alignment); }

}  // namespace tempo
