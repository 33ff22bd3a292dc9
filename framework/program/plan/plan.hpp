// SPDX-License-Identifier: Apache-2.0
// A plan: the stages of a Program's loop, with a place in memory for every value. Made
// once for a Program, for any number of steps.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <variant>

#include "program/uses.hpp"

namespace tempo {

/// A shard of fewer rows is not worth a thread.
inline constexpr int64_t fewest_shard_rows = 4;

/// A block of memory, for one step or for all.
struct Block {
  enum Kind {
    external,   ///< an input or a result that the caller holds; input or result `index`
    fixed,      ///< one for all steps
    slab,       ///< one for each step
    scratch,    ///< of the step at hand
    turns,      ///< two scratch blocks that take turns: what the next step reads stays
    state,      ///< wherever the state is now; carried value `index`
    registers,  ///< the registers of a tile; the first block of each plan
  } kind;
  std::size_t index = 0;
  bool of_each_step = false;  // external ones: a sequence
  std::size_t bytes = 0;      // of one step
};

/// A matrix in a block: rows of `cols` elements side by side. Strides are in bytes; 0 repeats.
struct Region {
  std::size_t block = 0;
  std::size_t offset = 0;
  int64_t rows = 0, cols = 0;
  int64_t row_stride = 0, col_stride = 0;
  DType dtype = float32;
};

/// Whether its rows lie one after the other.
bool lies_together(const Region& region);
/// The same elements as the matrix that a value of this shape is.
Region as_matrix(const Region& region, const Shape& shape);

/// A matrix that is cut into blocks of columns: the region is the first one, the others follow.
struct BlockedRegion {
  Region first;
  int64_t block_stride = 0;  // in bytes
};

/// A product with a fixed right side, which is packed before the loop.
struct ProductTerm {
  BlockedRegion a;
  ValueId b;  // the fixed value
  bool transposed;
  bool blocked;  // b is a matrix for each block; else one, whose columns are cut
  bool in_int8;  // all terms of a sum, or none
};

/// A sum of products, of one block of columns after the other.
struct ProductStage {
  std::vector<ProductTerm> terms;
  int64_t blocks = 1;
  BlockedRegion out;
  bool accumulates = false;
  std::optional<Region> bias = {};  // a row that is added to each of out

  /// Into so many parts its columns are worth cutting, each for a thread that takes it at every
  /// step: by the weights that are read, and what is done with them.
  int64_t column_parts() const {
    constexpr int64_t enough = 160 << 10;
    if (terms[0].in_int8) return 1;
    int64_t weights = 0;
    for (const ProductTerm& t : terms) weights += t.a.first.cols * out.first.cols * blocks;
    return std::max<int64_t>(1, weights * (4 + out.first.rows) / enough);
  }
};

/// One elementwise op over a tile.
struct TileOp {
  const OpDefinition* op;
  Tile tile;
  int n_inputs;
  Region inputs[3];
  int64_t strides[3];  // of the inputs, as Tile has them
  Region out;
  int64_t cols;
  TileRows rows;  // of a tile; the count is the tile's
  // > 0: each operand is a contiguous column, padded to a multiple of this.
  int64_t column_multiple = 0;
  // Where rows come in matrices: the distance from one matrix to the next, of the inputs and of
  // out. An operand that all rows of a matrix share has no row stride.
  int64_t matrices[3] = {}, out_matrices = 0;
  bool sums_rows = false;     // into one row, which begins as zeros with each matrix
  bool side_by_side = false;  // all rows of a matrix, in each operand
};

/// Elementwise ops that run tile by tile, one after the other while the tile is in the cache. A
/// tile is part of a row, or some whole rows. With folds among them ops differ in columns.
struct TileStage {
  int64_t rows, cols;
  bool in_one_run = false;  // all rows side by side
  bool whole_rows = false;
  int64_t matrix_rows = 0;  // > 0: of a matrix; rows come in matrices, and a tile lies in one
  std::vector<TileOp> ops = {};
  std::size_t registers = 0;
  int64_t tile_length = 256, tile_rows = 1;
  static constexpr int64_t register_padding = tile_lanes;
  // The padding also keeps registers from competing for the same lines of the cache.
  std::size_t register_bytes() const {
    return static_cast<std::size_t>(std::max(tile_length, tile_rows * cols) + register_padding) * 8;
  }
};

/// Any other op, on contiguous views.
struct CallStage {
  std::size_t instruction;  // its index in the loop
};

using Stage = std::variant<ProductStage, TileStage, CallStage>;

/// An operand or the result of an op of a channel loop.
struct ChannelOperand {
  enum Kind {
    memory,  ///< a region: of the step at hand, or the same at each step
    buffer,  ///< buffer `index` of a shard, with a row for each step of a tile
    state    ///< state `index` of the loop, before the step
  } kind = memory;
  Region region = {};  // of memory
  std::size_t index = 0;
  int64_t size = 0;      // bytes of an element
  bool repeats = false;  // one element for all channels
};

struct ChannelOp {
  Tile tile;
  int n_inputs;
  ChannelOperand inputs[3];
  ChannelOperand out;
};

/// The same on a shard, bound to memory: at the first step of a tile.
struct BoundChannelOp {
  const ChannelOp* op;
  const char* inputs[3];
  char* out;
  int64_t width;       // channels, or 1 where the result is one number for all
  int64_t strides[3];  // as Tile has them
  TileRows steps;      // from one step to the next
  int64_t onward[4];   // the same between tiles, which have buffers of their own; last, of out
  bool side_by_side;   // all steps of a tile
};

/// A step of elementwise ops on few rows. Its elements are channels, which go through time without
/// reading one another. A tile has some channels of a row at several steps: only the core takes one
/// step after the other.
struct ChannelLoop {
  struct State {
    std::size_t carried;
    ChannelOperand next;
    int64_t column, columns;        // the first of a part, and of all of the carried value
    std::optional<Region> history;  // where all of it goes at each step
  };
  struct Last {
    std::size_t result;
    ChannelOperand from;
    int64_t column, columns;
  };
  static constexpr int64_t most_rows = 2 * fewest_shard_rows - 1;  // more are shards of rows
  static constexpr int64_t fewest = 32;  // channels that are worth a thread
  static constexpr int64_t tile_elements = 512;

  int64_t rows = 0, channels = 0;  // channels of each row
  // Ops that read no state; those that the next states need; the others that read a state.
  std::vector<ChannelOp> first, core, rest;
  std::vector<State> states;
  std::vector<Last> lasts;
  std::size_t buffers = 0;

  /// Bytes of a row of elements, and of a buffer; more than that, as buffers should not compete for
  /// the same lines of the cache.
  std::size_t row_bytes() const {
    return static_cast<std::size_t>(channels) * sizeof(double) + 2 * 64;
  }
  std::size_t buffer_bytes() const {
    return static_cast<std::size_t>(std::max(channels, tile_elements)) * sizeof(double) + 2 * 64;
  }
  std::size_t n_ops() const { return first.size() + core.size() + rest.size(); }
  /// What a shard needs: its bound ops, its states and its buffers.
  std::size_t shard_bytes() const {
    return n_ops() * sizeof(BoundChannelOp) + 64 +
           states.size() * static_cast<std::size_t>(rows) * row_bytes() + buffers * buffer_bytes();
  }
};

struct Plan {
  // With this many columns or fewer, a call for each row costs more than its work.
  static constexpr int64_t few_columns = 64;
  static constexpr std::size_t in_register = 0;  // the block of registers

  std::vector<Block> blocks;
  ValueTable<std::optional<Region>> regions;   // of each value that has a place of its own
  std::vector<Stage> stages;                   // of the loop
  std::vector<std::optional<Region>> history;  // of each carried value: where it goes at each step
  std::vector<std::pair<Region, Region>> repeated;  // few rows, written out once before the loop
  std::vector<bool> copied;  // of each carried value: its next one is copied, not pointed at
  // > 0: the number of parts that the rows of each stage can be cut into, so that no part reads
  // another. Parts lie along the leading axis of all values, whatever their ranks.
  int64_t independent_rows = 0;
  std::string why_not_independent;  // in words, where there are several rows
  // > 0: the number of these parts that go through the steps of a stretch together, so that their
  // states stay in the first cache.
  int64_t parts_together = 0;
  // > 1: the step has few rows, and threads are worth taking so many parts of the columns of its
  // products.
  int64_t column_parts = 1;
  std::optional<ChannelLoop> channels;  // how the loop runs, if its elements are channels
  // Made for rows that end: values that are read or made outside of the loop lie in slabs, never
  // with the caller, so that a slab can hold only the rows that are running.
  bool rows_end = false;

  /// Where a value lies that has a place of its own.
  const Region& region(ValueId v) const { return *regions[v]; }
};

/// Places values and orders the loop of an optimised Program.
Plan make_plan(const Uses& uses, bool rows_end);

}  // namespace tempo
