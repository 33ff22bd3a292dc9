// SPDX-License-Identifier: Apache-2.0
// A plan: the stages of a Program's loop, with a place in memory for every value. It is made once
// for a Program, for any number of steps.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <variant>

#include "program/uses.hpp"
#include "tensor/compiled/matrix_loop.hpp"

namespace tempo {

/// A shard with fewer rows is not worth a thread.
inline constexpr int64_t fewest_shard_rows = 4;

/// A block of memory, for one step or for all steps.
struct Block {
  enum Kind {
    external,   ///< an input or a result that the caller holds; input or result `index`
    fixed,      ///< one for all steps
    slab,       ///< one for each step
    scratch,    ///< for the present step
    turns,      ///< two alternating scratch blocks: the next step can read the present one's values
    state,      ///< the present place of the state; carried value `index`
    registers,  ///< the registers of a tile; the first block of each plan
  } kind;
  std::size_t index = 0;
  bool of_each_step = false;  // for external blocks: whether it is a sequence
  std::size_t bytes = 0;      // of one step
};

/// A matrix in a block: rows of `cols` adjacent elements. Strides are in bytes; stride 0 repeats.
struct Region {
  std::size_t block = 0;
  std::size_t offset = 0;
  int64_t rows = 0, cols = 0;
  int64_t row_stride = 0, col_stride = 0;
  DType dtype = float32;
};

/// Whether its rows are adjacent.
bool lies_together(const Region& region);
/// The same elements, as the matrix of a value with this shape.
Region as_matrix(const Region& region, const Shape& shape);

/// A matrix cut into blocks of columns: the region is the first block, the others follow it.
struct BlockedRegion {
  Region first;
  int64_t block_stride = 0;  // in bytes
};

/// A product with a fixed right side, which is packed before the loop.
struct ProductTerm {
  BlockedRegion a;
  ValueId b;  // the fixed value
  bool transposed;
  bool blocked;  // whether b has a matrix for each block; if not, its columns are cut
  bool in_int8;  // the same in all terms of a sum
};

/// A sum of products, made block of columns by block of columns.
struct ProductStage {
  std::vector<ProductTerm> terms;
  int64_t blocks = 1;
  BlockedRegion out;
  bool accumulates = false;
  std::optional<Region> bias = {};  // a row that is added to each row of out

  /// The number of parts of its columns that are each worth a thread at every step, estimated from
  /// the weights that are read and the work on them.
  int64_t column_parts() const {
    constexpr int64_t enough = 160 << 10;
    if (terms[0].in_int8) return 1;
    int64_t weights = 0;
    for (const ProductTerm& t : terms) weights += t.a.first.cols * out.first.cols * blocks;
    return std::max<int64_t>(1, weights * (4 + out.first.rows) / enough);
  }
};

/// One elementwise op on a tile.
struct TileOp {
  const OpDefinition* op;
  Tile tile;
  int n_inputs;
  Region inputs[3];
  int64_t strides[3];  // of the inputs, as in Tile
  Region out;
  int64_t cols;
  TileRows rows;  // of a tile, which has the count
  // > 0: each operand is a contiguous column, padded to a multiple of this.
  int64_t column_multiple = 0;
  // If rows come in matrices: the distance between two matrices, for the inputs and for out. An
  // operand that all rows of a matrix share has row stride 0.
  int64_t matrices[3] = {}, out_matrices = 0;
  bool sums_rows = false;     // into one row, which starts as zeros for each matrix
  bool side_by_side = false;  // whether each operand has the rows of a matrix adjacent
};

/// Elementwise ops that run tile by tile, one after the other while the tile is in the cache. A
/// tile is a part of a row, or several whole rows. If there are folds, ops may differ in columns.
struct TileStage {
  int64_t rows, cols;
  bool in_one_run = false;  // whether all rows are adjacent
  bool whole_rows = false;
  int64_t matrix_rows = 0;  // > 0: the rows of each matrix; a tile lies within one
  std::vector<TileOp> ops = {};
  std::size_t registers = 0;
  int64_t tile_length = 256, tile_rows = 1;

  /// Where an address of the compiled loop begins: in the first matrix, and the bytes from one
  /// matrix to the next.
  struct Base {
    Region region;
    int64_t matrices = 0;
  };
  static constexpr std::size_t most_bases = 64;
  std::shared_ptr<const CompiledLoop> compiled = {};  // for one matrix; null: op by op
  std::vector<Base> bases = {};
  static constexpr int64_t register_padding = tile_lanes;
  // The padding also keeps registers apart that would map to the same lines of the cache.
  std::size_t register_bytes() const {
    return static_cast<std::size_t>(std::max(tile_length, tile_rows * cols) + register_padding) * 8;
  }
};

/// Any other op, called on contiguous views.
struct CallStage {
  std::size_t instruction;  // its index in the loop
};

using Stage = std::variant<ProductStage, TileStage, CallStage>;

/// An operand or the result of an op in a channel loop.
struct ChannelOperand {
  enum Kind {
    memory,  ///< a region: of the present step, or the same at each step
    buffer,  ///< buffer `index` of a shard, with a row for each step of a tile
    state    ///< state `index` of the loop, before the step
  } kind = memory;
  Region region = {};  // if it is memory
  std::size_t index = 0;
  int64_t size = 0;      // bytes of one element
  bool repeats = false;  // one element for all channels
};

struct ChannelOp {
  Tile tile;
  int n_inputs;
  ChannelOperand inputs[3];
  ChannelOperand out;
};

/// The op bound to the memory of a shard, at the first step of a tile.
struct BoundChannelOp {
  const ChannelOp* op;
  const char* inputs[3];
  char* out;
  int64_t width;       // channels, or 1 if the result is one number for all
  int64_t strides[3];  // as in Tile
  TileRows steps;      // strides from one step to the next
  int64_t onward[4];   // the same from tile to tile, 0 for buffers; the last is that of out
  bool side_by_side;   // whether all steps of a tile are adjacent
};

/// A step of elementwise ops on few rows. Its elements are channels, which go through time without
/// reading one another. A tile has some channels of one row at several steps. Only the core ops
/// must run step by step.
struct ChannelLoop {
  struct State {
    std::size_t carried;
    ChannelOperand next;
    int64_t column, columns;        // the first of the part; all of the carried value
    std::optional<Region> history;  // the place for all of its values
  };
  struct Last {
    std::size_t result;
    ChannelOperand from;
    int64_t column, columns;
  };
  static constexpr int64_t most_rows = 2 * fewest_shard_rows - 1;  // with more, shards take rows
  static constexpr int64_t fewest = 32;  // channels that are worth a thread
  static constexpr int64_t tile_elements = 512;

  int64_t rows = 0, channels = 0;  // channels of each row
  // Ops that read no state; ops that the next states need; the other ops that read a state.
  std::vector<ChannelOp> first, core, rest;
  std::vector<State> states;
  std::vector<Last> lasts;
  std::size_t buffers = 0;

  /// Bytes for a row of elements, and for a buffer; padded, so that buffers do not map to the same
  /// lines of the cache.
  std::size_t row_bytes() const {
    return static_cast<std::size_t>(channels) * sizeof(double) + 2 * 64;
  }
  std::size_t buffer_bytes() const {
    return static_cast<std::size_t>(std::max(channels, tile_elements)) * sizeof(double) + 2 * 64;
  }
  std::size_t n_ops() const { return first.size() + core.size() + rest.size(); }
  /// The bytes that a shard needs: for its bound ops, its states and its buffers.
  std::size_t shard_bytes() const {
    return n_ops() * sizeof(BoundChannelOp) + 64 +
           states.size() * static_cast<std::size_t>(rows) * row_bytes() + buffers * buffer_bytes();
  }
};

struct Plan {
  // With at most this many columns, a call for each row costs more than its work.
  static constexpr int64_t few_columns = 64;
  static constexpr std::size_t in_register = 0;  // the block of registers

  std::vector<Block> blocks;
  ValueTable<std::optional<Region>> regions;   // of each value with a place of its own
  std::vector<Stage> stages;                   // of the loop
  std::vector<std::optional<Region>> history;  // the place for all values of each carried value
  std::vector<std::pair<Region, Region>> repeated;  // few rows, repeated in memory before the loop
  std::vector<bool> copied;  // whether each carried value's next one is copied
  // > 0: the number of parts into which the rows of each stage can be cut so that no part reads
  // another. Parts divide the leading axis of all values, whatever their ranks.
  int64_t independent_rows = 0;
  std::string why_not_independent;  // as a text, if there are several rows
  // > 0: the number of these parts that go through the steps of a stretch together, so that their
  // states stay in the first-level cache.
  int64_t parts_together = 0;
  // > 1: the step has few rows, and this many parts of the columns of its products are each worth a
  // thread.
  int64_t column_parts = 1;
  std::optional<ChannelLoop> channels;  // the loop as channels, if its elements are channels
  // If it is made for rows that end: values that are read or made outside of the loop have slabs,
  // never memory of the caller, so that a slab can hold the running rows alone.
  bool rows_end = false;

  /// The place of a value that has one of its own.
  const Region& region(ValueId v) const { return *regions[v]; }
};

/// Places the values and orders the loop of an optimised Program.
Plan make_plan(const Uses& uses, bool rows_end);

}  // namespace tempo
