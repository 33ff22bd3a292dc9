// SPDX-License-Identifier: Apache-2.0
// A run's work besides the stages of its Plan: where everything lies, what moves, what is handed on
// and what is collected. Decided once, for any number of steps and any memory of the caller's.
#pragma once

#include "program/plan/plan.hpp"
#include "tensor/round_up.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// An instruction before or after the loop.
struct OutsideCall {
  InstructionId instruction;
  enum class How {
    once,          ///< for all of time
    all_steps,     ///< one call for all steps of a stretch
    step_by_step,  ///< a call for each of them
  } how;
  std::size_t views;                        // the first of its operands
  bool reads_rows = false;                  // a fixed operand of it has a row for each of the batch
  std::optional<std::size_t> product = {};  // it is this product over all steps, and no call
  int64_t group = 1;  // size of the group of mutually independent calls that starts here
};

/// A product over all steps with a fixed right side.
struct OutsideProduct {
  ValueId a, out;
  int64_t rows, blocks;  // of a at one step
  std::size_t packed;    // the first of its right sides, one for each block
};

/// A fixed value, or its transpose, as rows from k0 and columns from n0 of a right side.
struct RightPart {
  ValueId value;
  bool transposed;
  int64_t k, n, k0, n0;
  int64_t offset = 0;  // of its first element in the value
};

/// A right side that is packed before the loop, or a block of one: first those of the loop's
/// products, block by block, then those of the products outside.
struct Packing {
  std::vector<RightPart> parts;
  DType dtype;
  int64_t k, n;
  std::size_t memory;  // in the arena
  bool in_int8 = false;
  std::size_t bytes() const;
};

/// Rows written at every step for the caller or for what comes after the loop.
struct RowCopy {
  Region from, to;
};

/// A sequence of the caller's, [batch, time, ...]: input or result `index`, and what the loop has
/// of it at each step. Where rows end also [time, batch, ...].
struct BatchFirst {
  std::size_t index;
  Region here;
  int64_t batch, row;  // elements of a row
  bool time_first = false;
};

/// A carried value: where the next one is found, and whether it is copied from there: at each step,
/// or from stretch to stretch, where it lies in a slab that begins anew.
struct CarriedMove {
  std::size_t block;  // of the carried value
  Region next;        // its value after the step
  bool copied, in_slab;
  std::size_t memory, bytes;  // two copies that take turns, in the arena
};

/// A result of the caller's that is not a block of its own.
struct Delivery {
  std::size_t result;
  ValueId value;
  Region from;
};

/// A sum over time in float32.
struct GrowingSum {
  ValueId value;
  std::optional<std::size_t> result;  // it lies in this result of the caller's, if in one
  int64_t before;                     // elements of those that come before it in its list
  int64_t count;
};

struct Surroundings {
  /// In a longer run, sums over time in float32 are put aside after this many steps, or fewer.
  static constexpr int64_t most_summed = 512;

  // Offsets in the arena; slabs lie after all that one step needs.
  std::vector<std::size_t> blocks;  // of each block of one step
  std::vector<Packing> packed;      // side by side
  std::size_t views = 0, parts = 0, matrices = 0, bases = 0;
  std::size_t bytes = 0;           // of all this
  std::size_t shard_bytes = 0;     // of what each shard has for itself: addresses and registers, or
                                   // what it has of a channel loop
  std::size_t register_bytes = 0;  // of these, the registers
  std::size_t operands = 0;        // views: of a call in the loop, then of each outside
  int64_t work_per_row = 0;        // of a step, in multiplications
  std::size_t stretch_bytes = 0;   // of a step, in what the cache should hold of all of a stretch
  int64_t rows = 1;                // of a step
  bool drops_rows = false;         // rows may end, and then nothing is computed for them

  /// The length of a stretch: a matter of shapes alone, as sums are made stretch by stretch.
  int64_t steps_at_once(int64_t time) const;

  std::vector<std::size_t> slabs, each_step, turns;  // blocks
  std::vector<OutsideCall> before, after;
  std::vector<OutsideProduct> products;
  ValueIds summed;                          // values that grow from stretch to stretch
  std::vector<std::size_t> summed_results;  // and results that grow from step to step
  // Both, of float32: what grows step by step, what stretch by stretch.
  std::vector<GrowingSum> step_sums, stretch_sums;
  std::vector<BatchFirst> gathered, scattered;                  // by each shard, its own rows
  std::vector<BatchFirst> gathered_at_once, scattered_at_once;  // before and after all shards
  std::vector<RowCopy> histories;
  std::vector<CarriedMove> carried;
  std::vector<Delivery> sums, lasts;               // collected in the loop
  std::vector<Delivery> sequences, after_results;  // handed out after it, of each stretch
  std::vector<Delivery> fixed_results;             // and at the end
  ValueTable<std::optional<Region>> outside;       // of each value, as before and after the loop
  std::vector<std::size_t> packs_inputs;           // of the Program, that `packed` is computed from
  std::size_t packed_bytes = 0;                    // of all of `packed`
};

/// While one lives, this thread's runs have stretches of at most this many steps: for tests.
class ShortStretches {
 public:
  explicit ShortStretches(int64_t steps);

 private:
  Scoped<int64_t> longest_;
};

Surroundings surroundings_of(const Uses& uses, const Plan& plan);

/// Whether a run can leave out rows that have ended: in the loop, and in all that is done over the
/// steps of a stretch, where the rows that are running lie one after the other.
bool can_drop_rows(const Program& program, const Plan& plan, const Surroundings& surroundings);

inline constexpr std::size_t arena_alignment = 64;
inline std::size_t rounded_up(std::size_t bytes) { return round_up(bytes, arena_alignment); }

}  // namespace tempo
