// SPDX-License-Identifier: Apache-2.0
// Runs a loop whose elements are channels: each shard takes some of them through the steps of a
// stretch, tile by tile. Ops that read no earlier step run over all steps of a tile at once.
#include <algorithm>
#include <cstring>

#include "program/run/execution.hpp"
#include "tensor/round_up.hpp"

namespace tempo {

// Some channels of a row, and the shard's own memory.
struct Execution::ChannelShard {
  const ChannelLoop& loop;
  int64_t row, first, width, steps_of_tile;
  BoundChannelOp* ops;
  char *states, *buffers;

  BoundChannelOp* core() const { return ops + loop.first.size(); }
  BoundChannelOp* rest() const { return core() + loop.core.size(); }
  BoundChannelOp* end() const { return ops + loop.n_ops(); }
  char* state(std::size_t k) const {
    return states + (static_cast<std::size_t>(row) * loop.states.size() + k) * loop.row_bytes();
  }
  // The place of these channels in an array of all rows and columns.
  template <class Part>
  char* in_array(void* all, const Part& part, int64_t size) const {
    return static_cast<char*>(all) + (row * part.columns + part.column + first) * size;
  }
};

Execution::ChannelShard Execution::channel_shard(int64_t index) const {
  const ChannelLoop& loop = *plan_.channels;
  const auto first_of = [&](int64_t shard) {  // in whole lines of the cache
    return std::min(loop.channels, round_up(loop.channels * shard / shards_, tile_lanes));
  };
  char* const memory = shard_memory_ + static_cast<std::size_t>(index) * surroundings_.shard_bytes;
  char* const states = memory + rounded_up(loop.n_ops() * sizeof(BoundChannelOp));
  const int64_t first = first_of(index), width = first_of(index + 1) - first;
  return {loop,
          0,
          first,
          width,
          std::max<int64_t>(1, ChannelLoop::tile_elements / std::max<int64_t>(width, 1)),
          reinterpret_cast<BoundChannelOp*>(memory),
          states,
          states + static_cast<std::size_t>(loop.rows) * loop.states.size() * loop.row_bytes()};
}

void Execution::run_channels(int64_t index) const {
  ChannelShard shard = channel_shard(index);
  if (shard.width == 0) return;
  for (; shard.row < shard.loop.rows; ++shard.row) run_channels_of_row(shard);
}

void Execution::run_channels_of_row(const ChannelShard& shard) const {
  if (stretch_.n == 0) start_channels(shard);
  bind_channels(shard);
  for (int64_t n = stretch_.n; n < stretch_.end; n += shard.steps_of_tile) {
    const int64_t steps = std::min(shard.steps_of_tile, stretch_.end - n);
    run_channel_tile(shard, steps);
    keep_channel_states(shard, n, steps);
    if (n + steps == time_) hand_on_channels(shard, steps);
    for (BoundChannelOp* b = shard.ops; b != shard.end(); ++b) {
      for (int i = 0; i < b->op->n_inputs; ++i) b->inputs[i] += steps * b->onward[i];
      b->out += steps * b->onward[3];
    }
  }
}

void Execution::start_channels(const ChannelShard& shard) const {
  const std::size_t first_state = inputs_.size() - p_.carried.size();
  for (std::size_t k = 0; k < shard.loop.states.size(); ++k) {
    const ChannelLoop::State& s = shard.loop.states[k];
    std::memcpy(shard.state(k),
                shard.in_array(inputs_[first_state + s.carried].data, s, s.next.size),
                static_cast<std::size_t>(shard.width * s.next.size));
  }
}

// --- addresses at the first step of the stretch

char* Execution::channel_at(const ChannelOperand& o, const ChannelShard& shard) const {
  if (o.kind == ChannelOperand::buffer) return shard.buffers + o.index * shard.loop.buffer_bytes();
  if (o.kind == ChannelOperand::state)
    return channel_at(shard.loop.states[o.index].next, shard);  // at the first step
  return at(o.region, time_of(stretch_.n)) + shard.row * o.region.row_stride +
         shard.first * o.region.col_stride;
}

int64_t Execution::channel_step(const ChannelOperand& o, const ChannelShard& shard) const {
  if (o.kind == ChannelOperand::buffer) return (o.repeats ? 1 : shard.width) * o.size;
  if (o.kind == ChannelOperand::state) return channel_step(shard.loop.states[o.index].next, shard);
  if (!of_each_step(o.region)) return 0;
  const auto step = static_cast<int64_t>(step_bytes(o.region.block));
  return p_.reverse ? -step : step;
}

BoundChannelOp Execution::bound(const ChannelOp& op, const ChannelShard& shard) const {
  BoundChannelOp b{&op, {},  channel_at(op.out, shard), op.out.repeats ? 1 : shard.width, {}, {},
                   {},  true};
  const auto onward = [](const ChannelOperand& o, int64_t step) {
    return o.kind == ChannelOperand::memory ? step : 0;
  };
  const auto runs_on = [&](const ChannelOperand& o, int64_t step) {
    return o.kind != ChannelOperand::state && step == (o.repeats ? 0 : shard.width * o.size);
  };
  for (int i = 0; i < op.n_inputs; ++i) {
    const ChannelOperand& o = op.inputs[i];
    const ChannelOperand& lies =
        o.kind == ChannelOperand::state ? shard.loop.states[o.index].next : o;
    b.inputs[i] = channel_at(o, shard);
    b.strides[i] = !o.repeats;
    b.steps.inputs[i] = channel_step(o, shard);
    b.onward[i] = onward(lies, b.steps.inputs[i]);
    b.side_by_side &= runs_on(o, b.steps.inputs[i]);
  }
  b.steps.output = channel_step(op.out, shard);
  b.onward[3] = onward(op.out, b.steps.output);
  b.side_by_side &= runs_on(op.out, b.steps.output);
  return b;
}

void Execution::bind_channels(const ChannelShard& shard) const {
  BoundChannelOp* to = shard.ops;
  for (const std::vector<ChannelOp>* part : {&shard.loop.first, &shard.loop.core, &shard.loop.rest})
    for (const ChannelOp& op : *part) new (to++) BoundChannelOp(bound(op, shard));
}

// --- a tile

namespace {

void run_steps(const BoundChannelOp& b, int64_t steps) {
  const void* const inputs[] = {b.inputs[0], b.inputs[1], b.inputs[2]};
  TileRows rows = b.steps;
  rows.count = b.side_by_side ? 1 : steps;
  b.op->tile(inputs, b.strides, b.out, b.side_by_side ? b.width * steps : b.width, rows);
}

// For an op that reads a state: its first step reads the state that the tile before left, its other
// steps read it where the step before made it.
template <class State>
void run_steps_after(const BoundChannelOp& b, int64_t steps, State state) {
  BoundChannelOp others = b;
  const void* inputs[3];
  for (int i = 0; i < b.op->n_inputs; ++i) {
    const ChannelOperand& o = b.op->inputs[i];
    const bool is_state = o.kind == ChannelOperand::state;
    inputs[i] = is_state ? state(o.index) : b.inputs[i];
    if (!is_state) others.inputs[i] += b.steps.inputs[i];
  }
  others.out += b.steps.output;
  b.op->tile(inputs, b.strides, b.out, b.width, {});
  if (steps > 1) run_steps(others, steps - 1);
}

bool reads_state(const ChannelOp& op) {
  return std::any_of(op.inputs, op.inputs + op.n_inputs,
                     [](const ChannelOperand& o) { return o.kind == ChannelOperand::state; });
}

}  // namespace

void Execution::run_channel_tile(const ChannelShard& shard, int64_t steps) const {
  for (const BoundChannelOp* b = shard.ops; b != shard.core(); ++b) run_steps(*b, steps);
  for (int64_t n = 0; n < steps; ++n)
    for (const BoundChannelOp* b = shard.core(); b != shard.rest(); ++b) {
      const void* inputs[3];
      for (int i = 0; i < b->op->n_inputs; ++i) {
        const ChannelOperand& o = b->op->inputs[i];
        const bool is_state = o.kind == ChannelOperand::state;
        inputs[i] = is_state && n == 0 ? shard.state(o.index)
                                       : b->inputs[i] + (n - is_state) * b->steps.inputs[i];
      }
      b->op->tile(inputs, b->strides, b->out + n * b->steps.output, shard.width, {});
    }
  for (const BoundChannelOp* b = shard.rest(); b != shard.end(); ++b)
    if (reads_state(*b->op))
      run_steps_after(*b, steps, [&](std::size_t k) { return shard.state(k); });
    else
      run_steps(*b, steps);
}

// Writes the history of the steps from n on, and keeps the states for the next tile.
void Execution::keep_channel_states(const ChannelShard& shard, int64_t n, int64_t steps) const {
  for (std::size_t k = 0; k < shard.loop.states.size(); ++k) {
    const ChannelLoop::State& s = shard.loop.states[k];
    const auto bytes = static_cast<std::size_t>(shard.width * s.next.size);
    const int64_t step = channel_step(s.next, shard);
    const char* made = channel_at(s.next, shard);
    if (s.next.kind == ChannelOperand::memory) made += (n - stretch_.n) * step;
    for (int64_t i = 0; s.history && i < steps; ++i)
      std::memcpy(shard.in_array(at(*s.history, time_of(n + i)), s, s.next.size),
                  i == 0 ? shard.state(k) : made + (i - 1) * step, bytes);
    std::memcpy(shard.state(k), made + (steps - 1) * step, bytes);
  }
}

void Execution::hand_on_channels(const ChannelShard& shard, int64_t steps) const {
  for (const ChannelLoop::Last& l : shard.loop.lasts) {
    const char* from = channel_at(l.from, shard);
    const int64_t step = channel_step(l.from, shard);
    from += (l.from.kind == ChannelOperand::memory ? time_ - 1 - stretch_.n : steps - 1) * step;
    std::memcpy(shard.in_array(outputs_[l.result].data, l, l.from.size), from,
                static_cast<std::size_t>(shard.width * l.from.size));
  }
}

}  // namespace tempo
