// SPDX-License-Identifier: Apache-2.0
// Runs the sections before and after the loop over all steps of a stretch, and copies sequences
// from and to the caller.
#include <cstring>
#include <memory>

#include "program/run/execution.hpp"
#include "tensor/parallel.hpp"
#include "tensor/products/int8.hpp"
#include "tensor/products/matmul.hpp"

namespace tempo {

bool Execution::of_each_step(const Region& r) const {
  const Block& b = plan_.blocks[r.block];
  return b.kind == Block::slab || (b.kind == Block::external && b.of_each_step);
}

// The address of a value at time t of the stretch.
char* Execution::at(const Region& r, int64_t t) const {
  if (!of_each_step(r)) return address_of(r, bases_);
  const bool slab = plan_.blocks[r.block].kind == Block::slab;
  return address_of(r, bases_) +
         (slab ? slab_offset(r.block, t) : static_cast<std::size_t>(t) * step_bytes(r.block));
}

// A view of a value at all steps of the stretch; at one step if it is the same at all.
View Execution::all_of(ValueId v) const {
  const TensorType& type = p_.type(v);
  const Region& r = outside(v);
  if (!of_each_step(r)) return {type, address_of(r, bases_)};
  if (!drops_rows_)
    return {{type.dtype, type.shape.prepended(stretch_.steps())}, at(r, stretch_.t)};
  Shape rows = type.shape;
  rows[0] = row_steps(stretch_.t, stretch_.t + stretch_.steps());
  return {{type.dtype, rows.prepended(1)}, at(r, stretch_.t)};
}

// A view of a value at time t of the stretch, for an op whose result has this rank. If rows end, it
// has the running rows only.
View Execution::at(ValueId v, int64_t t, int rank) const {
  TensorType type = p_.type(v);
  if (drops_rows_ && rank >= 2 && type.shape.rank() == rank && type.shape[0] == rows_)
    type.shape[0] = running(t);
  return {type, at(outside(v), t)};
}

// Calls that do not read each other run at the same time if there is enough work. Each is cut as
// well, so that no thread waits long for another.
void Execution::run_stretch_of(const std::vector<OutsideCall>& calls) const {
  for (auto first = calls.begin(); first != calls.end(); first += first->group)
    parallel_for(first->group, shards_ > 1 ? 1 : first->group, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        if (first[i].how != OutsideCall::How::once) run_outside(first[i]);
    });
}

void Execution::run_outside(const OutsideCall& call) const {
  const Instruction& i = p_[call.instruction];
  const bool each_step = call.how == OutsideCall::How::step_by_step ||
                         (drops_rows_ && call.reads_rows && i.op->pointwise &&
                          call.how == OutsideCall::How::all_steps);
  if (call.product)
    multiply_outside(surroundings_.products[*call.product],
                     packed_ + surroundings_.products[*call.product].packed);
  else if (!each_step)
    apply(i, views_ + call.views, [this](ValueId v) { return all_of(v); });
  else
    for (int64_t t = stretch_.t; t < stretch_.t + stretch_.steps(); ++t)
      apply(i, views_ + call.views,
            [&](ValueId v) { return at(v, t, p_.shape(i.outputs[0]).rank()); });
}
void Execution::multiply_outside(const OutsideProduct& product, const PackedMatrix* b) const {
  const int64_t rows = drops_rows_ ? row_steps(stretch_.t, stretch_.t + stretch_.steps())
                                   : product.rows * stretch_.steps();
  const auto size = static_cast<int64_t>(size_of(b->dtype));
  const char* const a = at(outside(product.a), stretch_.t);
  char* const out = at(outside(product.out), stretch_.t);
  for (int64_t block = 0; block < product.blocks; ++block) {
    const PackedMatrix& each = b[block];
    multiply_rows(rows, a + block * each.k * size, product.blocks * each.k, each,
                  out + block * each.n * size, product.blocks * each.n);
  }
}

void Execution::pack_products() const {
  if (surroundings_.packed.empty()) return;
  const std::size_t first = surroundings_.packed[0].memory;
  if (!kept_) return pack_products(arena_.as<char>() + first, packed_);
  const std::vector<PackedMatrix>& kept =
      kept_->get(surroundings_.packed.size(), surroundings_.packed_bytes,
                 [this](char* memory, PackedMatrix* matrices) { pack_products(memory, matrices); });
  std::uninitialized_copy(kept.begin(), kept.end(), packed_);
}

// Packs the right sides into memory of their own, or into the arena.
void Execution::pack_products(char* memory, PackedMatrix* to) const {
  const std::size_t first = surroundings_.packed[0].memory;
  for (std::size_t k = 0; k < surroundings_.packed.size(); ++k) {
    const Packing& p = surroundings_.packed[k];
    MatrixPart* end = parts_;
    for (const RightPart& r : p.parts)
      new (end++) MatrixPart{
          address_of(outside(r.value), bases_) + r.offset * static_cast<int64_t>(size_of(p.dtype)),
          p_.shape(r.value).back(),
          r.transposed,
          r.k,
          r.n,
          r.k0,
          r.n0};
    char* const at = memory + (p.memory - first);
    const std::span<const MatrixPart> parts(parts_, end);
    new (to + k) PackedMatrix(p.in_int8 ? pack_int8(p.k, p.n, parts, at)
                                        : pack(p.dtype, p.k, p.n, parts, at));
  }
}

// Copies rows of a sequence [batch, time, ...] into a slab [time, batch, ...], and back.
void Execution::gather(const BatchFirst& b, int64_t first, int64_t end) const {
  if (ends_) return exchange_rows(b, inputs_[b.index], first, end, true);
  copy(of_stretch(b, end - first), size_of(b.here.dtype), with_caller(b, inputs_[b.index], first),
       in_loop(b, first));
}
void Execution::scatter(const BatchFirst& b, int64_t first, int64_t end) const {
  if (ends_) return exchange_rows(b, outputs_[b.index], first, end, false);
  copy(of_stretch(b, end - first), size_of(b.here.dtype), in_loop(b, first),
       with_caller(b, outputs_[b.index], first));
}

// [rows, steps of the stretch, elements of a row]
Shape Execution::of_stretch(const BatchFirst& b, int64_t rows) const {
  return {rows, stretch_.steps(), b.row};
}
StridedRange Execution::with_caller(const BatchFirst& b, const View& all, int64_t first) const {
  const int64_t row = b.row * static_cast<int64_t>(size_of(b.here.dtype));
  return {all.as<char>() + (first * time_ + stretch_.t) * row, {time_ * b.row, b.row, 1}};
}
StridedRange Execution::in_loop(const BatchFirst& b, int64_t first) const {
  const int64_t row = b.row * static_cast<int64_t>(size_of(b.here.dtype));
  const int64_t step = of_each_step(b.here) ? b.batch * b.row : 0;
  return {at(b.here, stretch_.t) + first * row, {b.row, step, 1}};
}

// Hands out the results of a stretch that the loop did not write: values made after it, or copies
// of existing ones.
void Execution::deliver() const {
  for (const Delivery& d : surroundings_.sequences) {
    const int rank = p_.is_fixed(d.value) ? 0 : p_.shape(d.value).rank();
    for (int64_t t = stretch_.t; t < stretch_.t + stretch_.steps(); ++t)
      std::memcpy(
          outputs_[d.result].as<char>() + static_cast<std::size_t>(t) * p_.type(d.value).bytes(),
          at(d.from, t), at(d.value, t, rank).type.bytes());
  }
  for (const Delivery& d : surroundings_.after_results) {
    const View& out = outputs_[d.result];
    if (p_.results[d.result].kind == ProgramResult::sum)
      for (int64_t t = stretch_.t; t < stretch_.t + stretch_.steps(); ++t)
        add_to({p_.type(d.value), at(d.from, t)}, out);
    else if (stretch_.end == time_)
      std::memcpy(out.data, at(d.from, p_.reverse ? 0 : time_ - 1), out.type.bytes());
  }
}

}  // namespace tempo
