// One arena holds every block. Time is cut into stretches whose slabs stay in the cache: what comes
// before the loop runs over all steps of a stretch at once, then the loop, on shards of rows where
// rows are independent, then what comes behind it.
#include "program/run/execution.hpp"

#include "tensor/cpu.hpp"
#include "tensor/parallel.hpp"

#include <algorithm>
#include <cstring>

namespace tempo {

namespace {
constexpr int64_t enough = 4 << 20;  // multiplications that are worth a thread of their own
}

Execution::Execution(const Program& program, const Plan& plan, int64_t time,
                     std::span<const View> inputs, std::span<const View> outputs,
                     int64_t most_shards)
    : p_(program),
      plan_(plan),
      layout_(*plan.layout),
      time_(time),
      inputs_(inputs),
      outputs_(outputs),
      rows_(std::max<int64_t>(1, plan.independent_rows)),
      shards_(std::min(shards_of(plan, time), most_shards)),
      steps_at_once_(layout_.steps_at_once(time)),
      arena_(bytes()) {
  char* const base = arena_.as<char>();
  views_ = reinterpret_cast<View*>(base + layout_.views);
  packed_ = reinterpret_cast<PackedMatrix*>(base + layout_.matrices);
  parts_ = reinterpret_cast<MatrixPart*>(base + layout_.parts);
  bases_ = reinterpret_cast<Places>(base + layout_.bases);
  shard_memory_ = base + layout_.bytes;
  bind();
}

void Execution::run() {
  const FlushDenormals flush;
  for (std::size_t k : layout_.summed_results)
    std::memset(outputs_[k].data, 0, outputs_[k].type.bytes());
  for (ValueId v : layout_.summed) std::memset(place_of(outside(v), bases_), 0, p_.type(v).bytes());
  prepare();
  start_aside();
  for (int64_t n = 0; n < time_; n += steps_at_once_) {
    run_stretch(n);
    put_aside();
  }
  take_back();
  for (const OutsideCall& call : layout_.after)
    if (call.once) run_outside(call);
  for (const Delivery& d : layout_.fixed_results)
    std::memcpy(outputs_[d.result].data, place_of(d.from, bases_), outputs_[d.result].type.bytes());
}

void Execution::run_stretch(int64_t n) {
  stretch_ = {n, std::min(time_, n + steps_at_once_), 0};
  stretch_.t = p_.reverse ? time_ - stretch_.end : n;
  for (const BatchFirst& g : layout_.gathered_at_once) gather(g, 0, g.batch);
  run_stretch_of(layout_.before);
  parallel_for(shards_, 1, [&](int64_t first, int64_t last) {
    for (int64_t s = first; s < last; ++s) run_shard(s);
  });
  run_stretch_of(layout_.after);
  deliver();
  for (const BatchFirst& s : layout_.scattered_at_once) scatter(s, 0, s.batch);
}

void Execution::run_shard(int64_t index) const {
  const auto [first, end, places] = shard(index);
  for (const BatchFirst& g : layout_.gathered) gather(g, first, end);
  run_loop(index);
  for (const BatchFirst& s : layout_.scattered) scatter(s, first, end);
}

Execution::Shard Execution::shard(int64_t index) const {
  return {index * rows_ / shards_, (index + 1) * rows_ / shards_,
          reinterpret_cast<Places>(shard_memory_ +
                                   static_cast<std::size_t>(index) * layout_.shard_bytes)};
}

void Execution::prepare() const {
  for (const OutsideCall& call : layout_.before)
    if (call.once) run_outside(call);
  pack_products();
  for (const auto& [row, all] : plan_.repeated)
    for (int64_t r = 0; r < all.rows; ++r)
      std::memcpy(place_of(all, bases_) + r * all.row_stride, place_of(row, bases_),
                  static_cast<std::size_t>(all.row_stride));
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
  std::size_t n =
      layout_.bytes + static_cast<std::size_t>(shards_) * layout_.shard_bytes + bytes_aside();
  for (std::size_t b : layout_.slabs) n += slab_bytes(b);
  return n;
}

void Execution::bind() {
  for (std::size_t b = 0; b < plan_.blocks.size(); ++b) {
    const Block& block = plan_.blocks[b];
    const std::size_t first_state = inputs_.size() - p_.carried.size();
    bases_[b] = block.kind == Block::external ? static_cast<char*>(held(block.index).data)
                : block.kind == Block::state  ? inputs_[first_state + block.index].as<char>()
                                              : arena_.as<char>() + layout_.blocks[b];
  }
  char* at = shard_memory_ + static_cast<std::size_t>(shards_) * layout_.shard_bytes;
  for (std::size_t b : layout_.slabs) {
    bases_[b] = at;
    at += slab_bytes(b);
  }
  aside_ = reinterpret_cast<double*>(at);
}

// An input or result of the caller's.
const View& Execution::held(std::size_t index) const {
  return index < inputs_.size() ? inputs_[index] : outputs_[index - inputs_.size()];
}

// --- as one call

std::vector<TensorType> result_types(const Program& p, int64_t time) {
  std::vector<TensorType> types;
  for (const ProgramResult& r : p.results) {
    TensorType type = p.type(r.value);
    if (r.kind == ProgramResult::sequence) {
      type.shape = type.shape.prepended(time);
      if (r.batch_first) std::swap(type.shape[0], type.shape[1]);
    }
    types.push_back(type);
  }
  return types;
}

// As many as have enough to do. No row reads another, so the cut changes no bit.
int64_t shards_of(const Plan& plan, int64_t time) {
  constexpr int64_t fewest_rows = 6;
  const int64_t rows = plan.independent_rows,
                by_work = plan.layout->work_per_row * rows * time / enough;
  return std::max<int64_t>(1, std::min(by_work, rows / fewest_rows));
}

bool leaves_threads_idle(const Plan& plan, int64_t time) {
  return plan.layout->work_per_row * plan.layout->rows * time >= enough &&
         shards_of(plan, time) < threads();
}

void execute(const Program& p, const Plan& plan, int64_t time, std::span<const View> inputs,
             std::span<const View> outputs) {
  Execution(p, plan, time, inputs, outputs, threads()).run();
}

}  // namespace tempo
