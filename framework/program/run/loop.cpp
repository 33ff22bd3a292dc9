// The loop: steps of a stretch, on a shard of rows.
#include "program/run/execution.hpp"
#include "tensor/round_up.hpp"

#include <algorithm>
#include <cstring>

namespace tempo {

namespace {

using Places = Execution::Places;

void copy_rows(const Region& r, const char* from, char* to, int64_t first, int64_t end) {
  std::memcpy(to + first * r.row_stride, from + first * r.row_stride,
              static_cast<std::size_t>((end - first) * r.row_stride));
}

void run_product(const ProductStep& s, const PackedMatrix* packed, Places places, int64_t first,
                 int64_t end) {
  const auto size = static_cast<int64_t>(size_of(s.out.dtype));
  const auto row = [&](const Region& r) { return place_of(r, places) + first * r.row_stride; };
  PackedProduct products[most_products];
  for (std::size_t i = 0; i < s.terms.size(); ++i)
    products[i] = {row(s.terms[i].a), s.terms[i].a.row_stride / size, packed + i};
  multiply(end - first, {products, s.terms.size()}, row(s.out), s.out.row_stride / size,
           s.accumulates, s.bias ? place_of(*s.bias, places) : nullptr);
}

char* tile_at(const Region& r, Places places, int64_t row, int64_t col) {
  return place_of(r, places) + row * r.row_stride + col * r.col_stride;
}

void run_tile(const TileOp& op, Places places, int64_t row, int64_t col, int64_t rows, int64_t n) {
  const void* inputs[3];
  for (int i = 0; i < op.n_inputs; ++i) inputs[i] = tile_at(op.inputs[i], places, row, col);
  TileRows of_tile = op.rows;
  of_tile.count = rows;
  if (const int64_t multiple = op.column_multiple) {
    of_tile.count = 1;
    n = round_up(rows, multiple);
  }
  op.tile(inputs, op.strides, tile_at(op.out, places, row, col), n, of_tile);
}

void run_tiles(const TileStep& s, Places places, int64_t first, int64_t end) {
  if (s.in_one_run) {
    const int64_t n = (end - first) * s.cols;
    for (int64_t c = 0; c < n; c += s.tile_length)
      for (const TileOp& op : s.ops)
        run_tile(op, places, first, c, 1, std::min(s.tile_length, n - c));
    return;
  }
  for (int64_t r = first; r < end; r += s.tile_rows) {
    const int64_t rows = std::min(s.tile_rows, end - r);
    for (int64_t c = 0; c < s.cols; c += s.tile_length)
      for (const TileOp& op : s.ops)
        run_tile(op, places, r, c, rows,
                 s.whole_rows ? op.cols : std::min(s.tile_length, s.cols - c));
  }
}

}  // namespace

Execution::Shard Execution::start(int64_t index) const {
  const Shard shard = this->shard(index);
  const std::size_t n_blocks = plan_.blocks.size();
  std::copy_n(bases_, n_blocks, shard.places);
  shard.places[Plan::in_register] =
      reinterpret_cast<char*>(shard.places) + rounded_up(n_blocks * sizeof(char*));
  if (p_.reverse)
    for (std::size_t b : layout_.each_step)
      shard.places[b] += static_cast<std::size_t>(time_ - 1) * step_bytes(b);
  return shard;
}

void Execution::find_again(const Shard& shard) const {
  for (std::size_t b = 0; b < plan_.blocks.size(); ++b)
    if (plan_.blocks[b].kind == Block::external) shard.places[b] = bases_[b];
}

void Execution::run_loop(int64_t index) const {
  const Shard shard = stretch_.n == 0 ? start(index) : this->shard(index);
  if (stretch_.n > 0) save_states(shard);
  const int64_t forth = p_.reverse ? -1 : 1;
  const auto first = static_cast<std::size_t>(p_.reverse ? stretch_.steps() - 1 : 0);
  for (std::size_t b : layout_.slabs) shard.places[b] = bases_[b] + first * step_bytes(b);
  for (int64_t n = stretch_.n; n < stretch_.end; ++n) {
    step(shard, n, n + 1 == time_);
    for (std::size_t b : layout_.each_step)
      shard.places[b] += forth * static_cast<int64_t>(step_bytes(b));
  }
}

void Execution::step(const Shard& shard, int64_t n, bool last) const {
  for (const RowCopy& h : layout_.histories)
    copy_rows(h.to, place_of(h.from, shard.places), place_of(h.to, shard.places), shard.first,
              end_of(shard, h.to.rows));
  run_steps(shard);
  collect(shard, last);
  carry(shard, n);
}

void Execution::run_steps(const Shard& shard) const {
  const PackedMatrix* packed = packed_;
  for (const PlanStep& s : plan_.steps) {
    switch (s.kind) {
      case PlanStep::product:
        run_product(s.as_product, packed, shard.places, shard.first,
                    end_of(shard, s.as_product.out.rows));
        packed += s.as_product.terms.size();
        break;
      case PlanStep::tiles:
        run_tiles(s.as_tiles, shard.places, shard.first, end_of(shard, s.as_tiles.rows));
        break;
      case PlanStep::single:
        apply(*s.as_call.instruction, views_, [&](ValueId v) {
          return View{p_.type(v), place_of(plan_.region(v), shard.places)};
        });
        break;
    }
  }
}

// Results that are made of single steps.
void Execution::collect(const Shard& shard, bool last) const {
  for (const Delivery& d : layout_.sums)
    add_to({p_.type(d.value), place_of(d.from, shard.places)}, outputs_[d.result]);
  if (!last) return;
  for (const Delivery& d : layout_.lasts) {
    const char* from = place_of(d.from, shard.places);
    char* const to = outputs_[d.result].as<char>();
    if (plan_.independent_rows > 0 && d.from.rows == plan_.independent_rows)
      copy_rows(d.from, from, to, shard.first, shard.end);
    else if (shard.first == 0)
      std::memcpy(to, from, p_.type(d.value).bytes());
  }
}

// The states of the next step are where this one made them, or in a copy.
void Execution::carry(const Shard& shard, int64_t n) const {
  const auto turn = static_cast<std::size_t>(n & 1);
  for (const CarriedMove& c : layout_.carried) {
    if (!c.copied) continue;
    char* const to = copy_of(c, turn);
    const char* from = place_of(c.next, shard.places);
    if (plan_.independent_rows > 0)
      copy_rows(c.next, from, to, shard.first, shard.end);
    else
      std::memcpy(to, from, c.bytes);
  }
  for (const CarriedMove& c : layout_.carried)
    shard.places[c.block] = c.copied ? copy_of(c, turn) : place_of(c.next, shard.places);
  for (std::size_t b : layout_.turns)
    shard.places[b] = bases_[b] + (1 - turn) * rounded_up(step_bytes(b));
}
// What the last stretch left in slabs, before this one writes there.
void Execution::save_states(const Shard& shard) const {
  for (const CarriedMove& c : layout_.carried) {
    if (!c.in_slab || c.copied) continue;
    char* const to = copy_of(c, 0);
    if (plan_.independent_rows > 0)
      copy_rows(c.next, shard.places[c.block], to, shard.first, shard.end);
    else
      std::memcpy(to, shard.places[c.block], c.bytes);
    shard.places[c.block] = to;
  }
}
char* Execution::copy_of(const CarriedMove& c, std::size_t turn) const {
  return arena_.as<char>() + c.memory + turn * rounded_up(c.bytes);
}

}  // namespace tempo
