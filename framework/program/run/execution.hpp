// SPDX-License-Identifier: Apache-2.0
// One run of an Executable over all time steps, bound to memory.
#pragma once

#include <cstring>

#include "program/executable.hpp"
#include "program/run/kept_products.hpp"
#include "tensor/function_ref.hpp"
#include "tensor/products/packed.hpp"
#include "tensor/strides.hpp"
#include "tensor/team.hpp"

namespace tempo {

/// It has an arena of its own, and uses the caller's inputs and outputs.
class Execution {
 public:
  /// The addresses of all blocks at one step.
  using Addresses = char**;

  /// Rows that go through all steps together.
  struct Shard {
    int64_t first, end;
    Addresses addresses;
  };

  /// Keeps references to all it is given. `most_shards` limits the shards. Null `rows`: none end.
  Execution(const Executable& executable, int64_t time, std::span<const View> inputs,
            std::span<const View> outputs, int64_t most_shards, const EndingRows* rows = nullptr,
            const KeptProducts* kept = nullptr);

  /// Runs all steps, and the sections before and after them.
  void run();

  // The parts of a run, for a caller that runs the steps one by one. None of them allocates.

  /// Finds the inputs and outputs again, in the present memory of their views.
  void bind();
  /// Runs the section before the loop.
  void prepare() const;
  /// The addresses of a shard at its first step.
  Shard start(int64_t index) const;
  /// Updates the addresses of a shard after bind().
  void find_again(const Shard& shard) const;
  /// Runs step n, counted in the order of processing.
  void step(const Shard& shard, int64_t n, bool last) const;

 private:
  std::size_t step_bytes(std::size_t block) const { return plan_.blocks[block].bytes; }
  const View& held(std::size_t index) const;
  std::size_t bytes() const;
  std::size_t slab_bytes(std::size_t b) const {
    return rounded_up(step_bytes(b) * static_cast<std::size_t>(steps_at_once_));
  }

  void run_stretch(int64_t n);
  int64_t end_of_stretch(int64_t n) const;
  void run_shard(int64_t index) const;
  Shard shard(int64_t index) const;
  int64_t first_row_of(int64_t shard, int64_t shards) const;
  // The shard's share of `rows` rows, in the order of the leading axis.
  int64_t first_of(const Shard& s, int64_t rows) const {
    return plan_.independent_rows > 0 ? s.first * (rows / plan_.independent_rows) : 0;
  }
  int64_t end_of(const Shard& s, int64_t rows) const {
    return plan_.independent_rows > 0 ? s.end * (rows / plan_.independent_rows) : rows;
  }
  /// `views` is room for the operands.
  static void apply(const Instruction& i, View* views, FunctionRef<View(ValueId)> view_of);
  static void add_to(const View& part, const View& total);

  // Sums over time in float32: in a long run, partial sums are put aside in float64.
  std::size_t bytes_aside() const;
  template <class F>
  void for_sums(const std::vector<GrowingSum>& sums, double* aside, F f) const;
  void start_aside() const;
  void put_aside() const;
  void take_back() const;

  // Before and after the loop.
  const Region& outside(ValueId v) const { return *surroundings_.outside[v]; }
  bool of_each_step(const Region& r) const;
  View all_of(ValueId v) const;
  View at(ValueId v, int64_t t, int rank) const;
  char* at(const Region& r, int64_t t) const;
  void run_stretch_of(const std::vector<OutsideCall>& calls) const;
  void run_outside(const OutsideCall& call) const;
  void multiply_outside(const OutsideProduct& product, const PackedMatrix* b) const;
  void pack_products() const;
  void pack_products(char* memory, PackedMatrix* to) const;
  void gather(const BatchFirst& b, int64_t first, int64_t end) const;
  void scatter(const BatchFirst& b, int64_t first, int64_t end) const;
  Shape of_stretch(const BatchFirst& b, int64_t rows) const;
  StridedRange with_caller(const BatchFirst& b, const View& all, int64_t first) const;
  StridedRange in_loop(const BatchFirst& b, int64_t first) const;
  void exchange_rows(const BatchFirst& b, const View& all, int64_t first, int64_t end,
                     bool to_loop) const;
  void deliver() const;

  // The loop.
  void run_loop(int64_t index) const;
  void keep_state(const StateHistory& history, const Shard& shard, bool last) const;
  void multiply(const ProductStage& product, const PackedMatrix* packed, const Shard& shard) const;
  void run_stages(const Shard& shard) const;
  void collect(const Shard& shard, bool last) const;
  void carry(const Shard& shard, int64_t n) const;
  void save_states(const Shard& shard) const;
  char* copy_of(const CarriedMove& c, std::size_t turn) const;

  // The loop as channels.
  struct ChannelShard;
  void run_channels(int64_t index) const;
  void run_channels_of_row(const ChannelShard& shard) const;
  ChannelShard channel_shard(int64_t index) const;
  void bind_channels(const ChannelShard& shard) const;
  BoundChannelOp bound(const ChannelOp& op, const ChannelShard& shard) const;
  char* channel_at(const ChannelOperand& o, const ChannelShard& shard) const;
  int64_t channel_step(const ChannelOperand& o, const ChannelShard& shard) const;
  void start_channels(const ChannelShard& shard) const;
  void run_channel_tile(const ChannelShard& shard, int64_t steps) const;
  void keep_channel_states(const ChannelShard& shard, int64_t n, int64_t steps) const;
  void hand_on_channels(const ChannelShard& shard, int64_t steps) const;

  // Rows that end: a slab has only the running rows of each step, one step after the other. If
  // ended rows are not dropped, all rows run at all steps.
  int64_t running(int64_t t) const {
    return drops_rows_ ? ends_->running[static_cast<std::size_t>(t)] : rows_;
  }
  int64_t steps_of(int64_t row) const {
    return drops_rows_ ? ends_->lengths[static_cast<std::size_t>(row)] : time_;
  }
  void copy_rows_of(const Region& r, const char* from, char* to, int64_t first, int64_t end) const;
  int64_t time_of(int64_t n) const { return p_.reverse ? time_ - 1 - n : n; }
  int64_t row_steps(int64_t t, int64_t end) const {
    return ends_->before[static_cast<std::size_t>(end)] -
           ends_->before[static_cast<std::size_t>(t)];
  }
  std::size_t slab_offset(std::size_t b, int64_t t) const;
  char* initial(const CarriedMove& c) const;
  void start_rows() const;
  void save_running_states() const;
  void step_of_running(const Shard& all, int64_t n) const;
  void begin_rows(const Shard& now, int64_t from) const;
  void end_rows(const Shard& now, int64_t from) const;

  // Steps that run together: from step n to before step `end`, in the order of processing; t is the
  // earliest time of them.
  struct Stretch {
    int64_t n = 0, end = 0, t = 0, index = -1;
    int64_t steps() const { return end - n; }
  };

  const Program& p_;
  const Plan& plan_;
  const Surroundings& surroundings_;
  int64_t time_;
  std::span<const View> inputs_, outputs_;
  const EndingRows* ends_;
  bool drops_rows_;
  int64_t rows_, shards_;
  bool by_channels_;  // whether the loop runs as channels
  int64_t steps_at_once_;
  Stretch stretch_;
  std::unique_ptr<Team> team_;  // shares the columns of products
  Scratch arena_;
  View* views_ = nullptr;           // room for the operands of calls
  MatrixPart* parts_ = nullptr;     // room for the parts of a right side
  PackedMatrix* packed_ = nullptr;  // one for each product
  Addresses bases_ = nullptr;       // of blocks at the first step
  char* shard_memory_ = nullptr;
  double* aside_ = nullptr;  // for step_sums, then for stretch_sums
  const KeptProducts* kept_;
};

inline char* address_of(const Region& r, Execution::Addresses blocks) {
  return blocks[r.block] + r.offset;
}

// Copies rows of a region.
inline void copy_rows(const Region& r, const char* from, char* to, int64_t first, int64_t end) {
  std::memcpy(to + first * r.row_stride, from + first * r.row_stride,
              static_cast<std::size_t>((end - first) * r.row_stride));
}

// Copies rows of the batch; each has one or more rows of the region.
inline void Execution::copy_rows_of(const Region& r, const char* from, char* to, int64_t first,
                                    int64_t end) const {
  const int64_t each = r.rows / rows_;
  copy_rows(r, from, to, first * each, end * each);
}

}  // namespace tempo
