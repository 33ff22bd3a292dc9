// SPDX-License-Identifier: Apache-2.0
// The loop over the steps of a stretch, for a shard of rows.
#include <algorithm>
#include <cstring>

#include "program/run/execution.hpp"
#include "tensor/round_up.hpp"

namespace tempo {

namespace {

using Addresses = Execution::Addresses;

// Some columns of one block of a product.
struct Columns {
  int64_t block = 0, first = 0, n = 0;
};

// Runs these columns, of a product's rows from `first` to `end`.
void run_columns(const ProductStage& s, const PackedMatrix* packed, Addresses addresses,
                 int64_t first, int64_t end, const Columns& columns) {
  const Region& out = s.out.first;
  const auto size = static_cast<int64_t>(size_of(out.dtype));
  const char* const bias = s.bias ? address_of(*s.bias, addresses) : nullptr;
  const auto row = [&](const BlockedRegion& r) {
    return address_of(r.first, addresses) + first * r.first.row_stride +
           columns.block * r.block_stride;
  };
  PackedProduct products[most_products];
  PackedMatrix cut[most_products];
  for (std::size_t i = 0; i < s.terms.size(); ++i) {
    const PackedMatrix* b = packed + static_cast<std::size_t>(columns.block) * s.terms.size() + i;
    if (columns.n < out.cols) b = &(cut[i] = columns_of(*b, columns.first, columns.n));
    products[i] = {row(s.terms[i].a), s.terms[i].a.first.row_stride / size, b};
  }
  tempo::multiply(end - first, {products, s.terms.size()}, row(s.out) + columns.first * size,
                  out.row_stride / size, s.accumulates,
                  bias ? bias + (columns.block * out.cols + columns.first) * size : nullptr);
}

// Runs all columns: a step of few numbers has no time for the divisions below.
void run_product(const ProductStage& s, const PackedMatrix* packed, Addresses addresses,
                 int64_t first, int64_t end) {
  for (int64_t block = 0; block < s.blocks; ++block)
    run_columns(s, packed, addresses, first, end, {block, 0, s.out.first.cols});
}

// Runs one of `parts` parts of the columns of all blocks, cut between panels.
void run_part(const ProductStage& s, const PackedMatrix* packed, Addresses addresses, int64_t first,
              int64_t end, int64_t part, int64_t parts) {
  const int64_t cols = s.out.first.cols, panel = panel_columns(*packed),
                panels = (cols - 1) / panel + 1, all = s.blocks * panels;
  const int64_t from = part * all / parts, to = (part + 1) * all / parts;
  for (int64_t at = from; at < to;) {
    const int64_t block = at / panels, next = std::min(to, (block + 1) * panels),
                  column = at % panels * panel,
                  columns = std::min(cols, (next - block * panels) * panel) - column;
    run_columns(s, packed, addresses, first, end, {block, column, columns});
    at = next;
  }
}

char* tile_at(const Region& r, Addresses blocks, int64_t row, int64_t col) {
  return address_of(r, blocks) + row * r.row_stride + col * r.col_stride;
}

void run_tile(const TileOp& op, Addresses blocks, int64_t row, int64_t col, int64_t rows,
              int64_t n) {
  const void* inputs[3];
  for (int i = 0; i < op.n_inputs; ++i) inputs[i] = tile_at(op.inputs[i], blocks, row, col);
  TileRows of_tile = op.rows;
  of_tile.count = rows;
  if (const int64_t multiple = op.column_multiple) {
    of_tile.count = 1;
    n = round_up(rows, multiple);
  }
  op.tile(inputs, op.strides, tile_at(op.out, blocks, row, col), n, of_tile);
}

void run_tile_of_matrix(const TileOp& op, Addresses blocks, int64_t matrix, int64_t row,
                        int64_t rows) {
  const void* inputs[3];
  for (int i = 0; i < op.n_inputs; ++i)
    inputs[i] = tile_at(op.inputs[i], blocks, row, 0) + matrix * op.matrices[i];
  char* const out = tile_at(op.out, blocks, row, 0) + matrix * op.out_matrices;
  int64_t n = op.cols;
  if (op.sums_rows && row == 0)
    std::memset(out, 0, static_cast<std::size_t>(n) * size_of(op.out.dtype));
  TileRows of_tile = op.rows;
  of_tile.count = rows;
  if (const int64_t multiple = op.column_multiple) {
    of_tile.count = 1;
    n = round_up(rows, multiple);
  } else if (op.side_by_side) {
    of_tile.count = 1;
    n *= rows;
  }
  op.tile(inputs, op.strides, out, n, of_tile);
}

void run_compiled(const TileStage& s, Addresses blocks, int64_t first, int64_t end) {
  char* addresses[TileStage::most_bases];
  for (int64_t m = first / s.matrix_rows; m < end / s.matrix_rows; ++m) {
    for (std::size_t b = 0; b < s.bases.size(); ++b)
      addresses[b] = address_of(s.bases[b].region, blocks) + m * s.bases[b].matrices;
    (*s.compiled)(addresses);
  }
}

void run_matrices(const TileStage& s, Addresses blocks, int64_t first, int64_t end) {
  if (s.compiled) return run_compiled(s, blocks, first, end);
  for (int64_t m = first / s.matrix_rows; m < end / s.matrix_rows; ++m)
    for (int64_t r = 0; r < s.matrix_rows; r += s.tile_rows)
      for (const TileOp& op : s.ops)
        run_tile_of_matrix(op, blocks, m, r, std::min(s.tile_rows, s.matrix_rows - r));
}

void run_tiles(const TileStage& s, Addresses blocks, int64_t first, int64_t end) {
  if (s.matrix_rows > 0) return run_matrices(s, blocks, first, end);
  if (s.in_one_run) {
    const int64_t n = (end - first) * s.cols;
    for (int64_t c = 0; c < n; c += s.tile_length)
      for (const TileOp& op : s.ops)
        run_tile(op, blocks, first, c, 1, std::min(s.tile_length, n - c));
    return;
  }
  for (int64_t r = first; r < end; r += s.tile_rows) {
    const int64_t rows = std::min(s.tile_rows, end - r);
    for (int64_t c = 0; c < s.cols; c += s.tile_length)
      for (const TileOp& op : s.ops)
        run_tile(op, blocks, r, c, rows,
                 s.whole_rows ? op.cols : std::min(s.tile_length, s.cols - c));
  }
}

}  // namespace

Execution::Shard Execution::start(int64_t index) const {
  const Shard shard = this->shard(index);
  const std::size_t n_blocks = plan_.blocks.size();
  std::copy_n(bases_, n_blocks, shard.addresses);
  shard.addresses[Plan::in_register] =
      reinterpret_cast<char*>(shard.addresses) + rounded_up(n_blocks * sizeof(char*));
  if (p_.reverse)
    for (std::size_t b : surroundings_.each_step)
      shard.addresses[b] += static_cast<std::size_t>(time_ - 1) * step_bytes(b);
  return shard;
}

void Execution::find_again(const Shard& shard) const {
  for (std::size_t b = 0; b < plan_.blocks.size(); ++b)
    if (plan_.blocks[b].kind == Block::external) shard.addresses[b] = bases_[b];
}

void Execution::run_loop(int64_t index) const {
  const Shard shard = stretch_.n == 0 ? start(index) : this->shard(index);
  if (stretch_.n > 0 && !drops_rows_) save_states(shard);
  const int64_t forth = p_.reverse ? -1 : 1;
  const auto first = static_cast<std::size_t>(p_.reverse ? stretch_.steps() - 1 : 0);
  for (std::size_t b : surroundings_.slabs) shard.addresses[b] = bases_[b] + first * step_bytes(b);
  const auto run = [&](const Shard& rows) {
    for (int64_t n = stretch_.n; n < stretch_.end; ++n) {
      if (drops_rows_)
        step_of_running(rows, n);
      else
        step(rows, n, n + 1 == time_);
      if (n + 1 == time_) break;  // a sequence of one step that nothing reads may have no address
      for (std::size_t b : surroundings_.each_step)
        rows.addresses[b] += forth * static_cast<int64_t>(step_bytes(b));
    }
  };
  if (plan_.parts_together == 0) return run(shard);
  // A few rows at a time go through all steps of the stretch.
  const std::size_t n_blocks = plan_.blocks.size();
  const auto before = reinterpret_cast<Addresses>(shard.addresses[Plan::in_register] +
                                                  surroundings_.register_bytes);
  std::copy_n(shard.addresses, n_blocks, before);
  for (int64_t row = shard.first; row < shard.end; row += plan_.parts_together) {
    std::copy_n(before, n_blocks, shard.addresses);
    run({row, std::min(row + plan_.parts_together, shard.end), shard.addresses});
  }
}

void Execution::step(const Shard& shard, int64_t n, bool last) const {
  for (const StateHistory& h : surroundings_.histories) keep_state(h, shard, last);
  run_stages(shard);
  collect(shard, last);
  carry(shard, n);
}

void Execution::keep_state(const StateHistory& h, const Shard& shard, bool last) const {
  const char* const from = address_of(h.from, shard.addresses);
  char* const to = address_of(h.to, shard.addresses);
  if (from != to) copy_rows(h.to, from, to, first_of(shard, h.to.rows), end_of(shard, h.to.rows));
  if (!h.next || last) return;
  const auto bytes = static_cast<int64_t>(step_bytes(h.to.block));
  shard.addresses[*h.next] = shard.addresses[h.to.block] + (p_.reverse ? -bytes : bytes);
}

void Execution::multiply(const ProductStage& product, const PackedMatrix* packed,
                         const Shard& shard) const {
  const int64_t rows = product.out.first.rows, first = first_of(shard, rows),
                end = end_of(shard, rows);
  if (!team_ || product.column_parts() == 1)
    return run_product(product, packed, shard.addresses, first, end);
  team_->share([&](int64_t part) {
    run_part(product, packed, shard.addresses, first, end, part, team_->size());
  });
}

void Execution::run_stages(const Shard& shard) const {
  const PackedMatrix* packed = packed_;
  for (const Stage& stage : plan_.stages) {
    if (const auto* product = std::get_if<ProductStage>(&stage)) {
      multiply(*product, packed, shard);
      packed += product->terms.size() * static_cast<std::size_t>(product->blocks);
    } else if (const auto* group = std::get_if<TileStage>(&stage)) {
      run_tiles(*group, shard.addresses, first_of(shard, group->rows), end_of(shard, group->rows));
    } else {
      apply(p_.loop[std::get<CallStage>(stage).instruction], views_, [&](ValueId v) {
        return View{p_.type(v), address_of(plan_.region(v), shard.addresses)};
      });
    }
  }
}

// Writes the results that are made of single steps: sums and last values.
void Execution::collect(const Shard& shard, bool last) const {
  for (const Delivery& d : surroundings_.sums)
    add_to({p_.type(d.value), address_of(d.from, shard.addresses)}, outputs_[d.result]);
  if (!last) return;
  for (const Delivery& d : surroundings_.lasts) {
    const char* from = address_of(d.from, shard.addresses);
    char* const to = outputs_[d.result].as<char>();
    if (plan_.independent_rows > 0 && d.from.rows % plan_.independent_rows == 0)
      copy_rows(d.from, from, to, first_of(shard, d.from.rows), end_of(shard, d.from.rows));
    else if (shard.first == 0)
      std::memcpy(to, from, p_.type(d.value).bytes());
  }
}

// The next step reads states where this step made them, or in a copy.
void Execution::carry(const Shard& shard, int64_t n) const {
  const auto turn = static_cast<std::size_t>(n & 1);
  for (const CarriedMove& c : surroundings_.carried) {
    if (!c.copied) continue;
    char* const to = copy_of(c, turn);
    const char* from = address_of(c.next, shard.addresses);
    if (plan_.independent_rows > 0)
      copy_rows(c.next, from, to, first_of(shard, c.next.rows), end_of(shard, c.next.rows));
    else
      std::memcpy(to, from, c.bytes);
  }
  for (const CarriedMove& c : surroundings_.carried)
    shard.addresses[c.block] = c.copied ? copy_of(c, turn) : address_of(c.next, shard.addresses);
  for (std::size_t b : surroundings_.turns)
    shard.addresses[b] = bases_[b] + (1 - turn) * rounded_up(step_bytes(b));
}
// Saves the states that the last stretch left in slabs, before this one overwrites them.
void Execution::save_states(const Shard& shard) const {
  for (const CarriedMove& c : surroundings_.carried) {
    if (!c.in_slab || c.copied) continue;
    char* const to = copy_of(c, 0);
    if (plan_.independent_rows > 0)
      copy_rows(c.next, shard.addresses[c.block], to, first_of(shard, c.next.rows),
                end_of(shard, c.next.rows));
    else
      std::memcpy(to, shard.addresses[c.block], c.bytes);
    shard.addresses[c.block] = to;
  }
}
char* Execution::copy_of(const CarriedMove& c, std::size_t turn) const {
  return arena_.as<char>() + c.memory + turn * rounded_up(c.bytes);
}

}  // namespace tempo
