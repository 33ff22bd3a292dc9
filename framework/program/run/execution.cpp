// SPDX-License-Identifier: Apache-2.0
// One arena holds all blocks. Time is cut into stretches whose slabs stay in the cache: the section
// before the loop runs over all steps of a stretch at once, then the loop, in shards of rows or
// channels if these are independent, then the section after it.
#include "program/run/execution.hpp"

#include <algorithm>
#include <cstring>

#include "tensor/cpu.hpp"
#include "tensor/parallel.hpp"

namespace tempo {

namespace {

// Whether tiles of several steps help one thread: many rows or channels fill a one-step tile.
bool saves_calls(const ChannelLoop& loop) {
  constexpr int64_t fewest_steps = 8;
  return loop.rows == 1 && loop.channels * fewest_steps <= ChannelLoop::tile_elements;
}

}  // namespace

Execution::Execution(const Executable& executable, int64_t time, std::span<const View> inputs,
                     std::span<const View> outputs, int64_t most_shards, const EndingRows* rows,
                     const KeptProducts* kept)
    : p_(executable.program()),
      plan_(executable.plan()),
      surroundings_(executable.surroundings()),
      time_(time),
      inputs_(inputs),
      outputs_(outputs),
      ends_(rows),
      drops_rows_(rows && executable.drops_rows()),
      rows_(std::max<int64_t>(1, plan_.independent_rows)),
      shards_(std::min(executable.shards(time), most_shards)),
      by_channels_(plan_.channels && (shards_ > 1 || saves_calls(*plan_.channels))),
      steps_at_once_(surroundings_.steps_at_once(time)),
      arena_(bytes()),
      kept_(kept) {
  char* const base = arena_.as<char>();
  views_ = reinterpret_cast<View*>(base + surroundings_.views);
  packed_ = reinterpret_cast<PackedMatrix*>(base + surroundings_.matrices);
  parts_ = reinterpret_cast<MatrixPart*>(base + surroundings_.parts);
  bases_ = reinterpret_cast<Addresses>(base + surroundings_.bases);
  shard_memory_ = base + surroundings_.bytes;
  bind();
  const int64_t parts = std::min<int64_t>(executable.column_parts(time), threads_at_once());
  if (most_shards > 1 && parts > 1) team_ = std::make_unique<Team>(parts);
}

void Execution::run() {
  const FlushDenormals flush;
  for (std::size_t k : surroundings_.summed_results)
    std::memset(outputs_[k].data, 0, outputs_[k].type.bytes());
  for (ValueId v : surroundings_.summed)
    std::memset(address_of(outside(v), bases_), 0, p_.type(v).bytes());
  if (drops_rows_) start_rows();
  prepare();
  start_aside();
  for (int64_t n = 0; n < time_; n = stretch_.end) {
    run_stretch(n);
    put_aside();
  }
  take_back();
  for (const OutsideCall& call : surroundings_.after)
    if (call.how == OutsideCall::How::once) run_outside(call);
  for (const Delivery& d : surroundings_.fixed_results)
    std::memcpy(outputs_[d.result].data, address_of(d.from, bases_),
                outputs_[d.result].type.bytes());
}

void Execution::run_stretch(int64_t n) {
  if (drops_rows_ && n > 0) save_running_states();
  stretch_ = {n, end_of_stretch(n), 0, stretch_.index + 1};
  stretch_.t = p_.reverse ? time_ - stretch_.end : n;
  const bool any = running(stretch_.t) > 0;
  for (const BatchFirst& g : surroundings_.gathered_at_once) gather(g, 0, g.batch);
  if (by_channels_)
    for (const BatchFirst& g : surroundings_.gathered) gather(g, 0, g.batch);
  if (any) run_stretch_of(surroundings_.before);
  parallel_for(shards_, 1, [&](int64_t first, int64_t last) {
    for (int64_t s = first; s < last; ++s) run_shard(s);
  });
  if (any) run_stretch_of(surroundings_.after);
  deliver();
  if (by_channels_)
    for (const BatchFirst& s : surroundings_.scattered) scatter(s, 0, s.batch);
  for (const BatchFirst& s : surroundings_.scattered_at_once) scatter(s, 0, s.batch);
}

// Once rows have ended, a stretch has more steps, so that it has as many rows in all.
int64_t Execution::end_of_stretch(int64_t n) const {
  int64_t end = std::min(time_, n + steps_at_once_);
  if (!drops_rows_ || !surroundings_.step_sums.empty()) return end;
  const auto fits = [&](int64_t to) {
    const int64_t t = p_.reverse ? time_ - to : n;
    return row_steps(t, t + to - n) <= rows_ * steps_at_once_;
  };
  while (end < time_ && fits(end + 1)) ++end;
  return end;
}

void Execution::run_shard(int64_t index) const {
  if (by_channels_) return run_channels(index);
  const auto [first, end, addresses] = shard(index);
  for (const BatchFirst& g : surroundings_.gathered) gather(g, first, end);
  if (team_)
    team_->lead([&] { run_loop(index); });
  else
    run_loop(index);
  for (const BatchFirst& s : surroundings_.scattered) scatter(s, first, end);
}

Execution::Shard Execution::shard(int64_t index) const {
  const int64_t shards =
      drops_rows_ ? std::clamp<int64_t>(running(stretch_.t) / fewest_shard_rows, 1, shards_)
                  : shards_;
  return {first_row_of(std::min(index, shards), shards),
          first_row_of(std::min(index + 1, shards), shards),
          reinterpret_cast<Addresses>(shard_memory_ +
                                      static_cast<std::size_t>(index) * surroundings_.shard_bytes)};
}

void Execution::prepare() const {
  for (const OutsideCall& call : surroundings_.before)
    if (call.how == OutsideCall::How::once) run_outside(call);
  pack_products();
  for (const auto& [rows, all] : plan_.repeated)
    for (int64_t r = 0; r < all.rows; r += rows.rows)
      std::memcpy(address_of(all, bases_) + r * all.row_stride, address_of(rows, bases_),
                  static_cast<std::size_t>(rows.rows * all.row_stride));
}

void Execution::apply(const Instruction& i, View* views, FunctionRef<View(ValueId)> view_of) {
  View* end = views;
  for (ValueId v : i.inputs) new (end++) View(view_of(v));
  for (ValueId v : i.outputs) new (end++) View(view_of(v));
  const std::span<const View> in(views, i.inputs.size()),
      out(views + i.inputs.size(), i.outputs.size());
  if (i.summed)
    i.op->summed({in, out, i.attributes});
  else if (i.op->kernel)
    i.op->kernel({in, out, i.attributes});
  else
    std::memcpy(out[0].data, in[0].data, out[0].type.bytes());
}

// --- memory

std::size_t Execution::bytes() const {
  std::size_t n = surroundings_.bytes +
                  static_cast<std::size_t>(shards_) * surroundings_.shard_bytes + bytes_aside();
  for (std::size_t b : surroundings_.slabs) n += slab_bytes(b);
  return n;
}

void Execution::bind() {
  for (std::size_t b = 0; b < plan_.blocks.size(); ++b) {
    const Block& block = plan_.blocks[b];
    const std::size_t first_state = inputs_.size() - p_.carried.size();
    bases_[b] = block.kind == Block::external ? static_cast<char*>(held(block.index).data)
                : block.kind == Block::state  ? inputs_[first_state + block.index].as<char>()
                                              : arena_.as<char>() + surroundings_.blocks[b];
  }
  char* at = shard_memory_ + static_cast<std::size_t>(shards_) * surroundings_.shard_bytes;
  for (std::size_t b : surroundings_.slabs) {
    bases_[b] = at;
    at += slab_bytes(b);
  }
  aside_ = reinterpret_cast<double*>(at);
}

// The memory of an input or result of the caller.
const View& Execution::held(std::size_t index) const {
  return index < inputs_.size() ? inputs_[index] : outputs_[index - inputs_.size()];
}

}  // namespace tempo
