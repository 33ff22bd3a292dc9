// One arena holds every block. Time is cut into stretches whose slabs stay in the cache: what comes
// before the loop runs over all steps of a stretch at once, then the loop, on shards of rows where
// rows are independent, then what comes behind it.
#include "scan/execute.hpp"

#include "tensor/cpu.hpp"
#include "tensor/matmul.hpp"
#include "tensor/parallel.hpp"

#include <algorithm>
#include <cstring>

namespace tempo {

namespace {

using Places = Execution::Places;

void add_to(const View& part, const View& total) {
  dispatch_floating(part.dtype(), "scan", [&]<class T>(T) {
    const T* from = part.as<T>();
    T* to = total.as<T>();
    for (int64_t i = 0; i < part.count(); ++i) to[i] += from[i];
  });
}

char* of(const Region& r, Places places) { return places[r.block] + r.offset; }

void copy_rows(const Region& r, const char* from, char* to, int64_t first, int64_t end) {
  std::memcpy(to + first * r.row_stride, from + first * r.row_stride,
              static_cast<std::size_t>((end - first) * r.row_stride));
}

void run_product(const ProductStep& s, const PackedMatrix* packed, Places places, int64_t first,
                 int64_t end) {
  const auto size = static_cast<int64_t>(size_of(s.out.dtype));
  const auto row = [&](const Region& r) { return of(r, places) + first * r.row_stride; };
  PackedProduct products[most_products];
  for (std::size_t i = 0; i < s.terms.size(); ++i)
    products[i] = {row(s.terms[i].a), s.terms[i].a.row_stride / size, packed + i};
  multiply(end - first, {products, s.terms.size()}, row(s.out), s.out.row_stride / size,
           s.accumulates, s.bias.block >= 0 ? of(s.bias, places) : nullptr);
}

char* tile_at(const Region& r, Places places, int64_t row, int64_t col) {
  return of(r, places) + row * r.row_stride + col * r.col_stride;
}

void run_tile(const TileOp& op, Places places, int64_t row, int64_t col, int64_t rows, int64_t n) {
  const void* inputs[3];
  for (int i = 0; i < op.n_inputs; ++i) inputs[i] = tile_at(op.inputs[i], places, row, col);
  TileRows of_tile = op.rows;
  of_tile.count = rows;
  if (const int64_t multiple = op.column_multiple) {
    of_tile.count = 1;
    n = (rows + multiple - 1) / multiple * multiple;
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

constexpr int64_t enough = 4 << 20;  // multiplications that are worth a thread of their own

}  // namespace

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
  for (int v : layout_.summed) std::memset(of(outside(v), bases_), 0, value(v).type.bytes());
  prepare();
  for (int64_t n = 0; n < time_; n += steps_at_once_) run_stretch(n);
  for (const OutsideCall& call : layout_.after)
    if (call.once) run_outside(call);
  for (const Delivery& d : layout_.fixed_results)
    std::memcpy(outputs_[d.result].data, of(d.from, bases_), outputs_[d.result].type.bytes());
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

void Execution::prepare() const {
  for (const OutsideCall& call : layout_.before)
    if (call.once) run_outside(call);
  pack_products();
  for (const auto& [row, all] : plan_.repeated)
    for (int64_t r = 0; r < all.rows; ++r)
      std::memcpy(of(all, bases_) + r * all.row_stride, of(row, bases_),
                  static_cast<std::size_t>(all.row_stride));
}

// --- memory

std::size_t Execution::bytes() const {
  std::size_t n = layout_.bytes + static_cast<std::size_t>(shards_) * layout_.shard_bytes;
  for (int b : layout_.slabs) n += slab_bytes(b);
  return n;
}

void Execution::bind() {
  for (std::size_t b = 0; b < plan_.blocks.size(); ++b) {
    const Block& block = plan_.blocks[b];
    const std::size_t first_state = inputs_.size() - p_.carried.size();
    bases_[b] = block.kind == Block::external ? static_cast<char*>(held(block.index).data)
                : block.kind == Block::state
                    ? inputs_[first_state + static_cast<std::size_t>(block.index)].as<char>()
                    : arena_.as<char>() + layout_.blocks[b];
  }
  char* at = shard_memory_ + static_cast<std::size_t>(shards_) * layout_.shard_bytes;
  for (int b : layout_.slabs) {
    bases_[b] = at;
    at += slab_bytes(b);
  }
}

// An input or result of the caller's.
const View& Execution::held(int index) const {
  const auto i = static_cast<std::size_t>(index);
  return i < inputs_.size() ? inputs_[i] : outputs_[i - inputs_.size()];
}

// --- outside the loop

bool Execution::of_each_step(const Region& r) const {
  const Block& b = block(r.block);
  return b.kind == Block::slab || (b.kind == Block::external && b.of_each_step);
}

// Where a value lies at time t of the stretch.
char* Execution::at(const Region& r, int64_t t) const {
  if (!of_each_step(r)) return of(r, bases_);
  const int64_t from = block(r.block).kind == Block::slab ? t - stretch_.t : t;
  return of(r, bases_) + static_cast<std::size_t>(from) * step_bytes(r.block);
}

// A value of all steps of the stretch, or of the one there is.
View Execution::all_of(int v) const {
  const TensorType& type = value(v).type;
  const Region& r = outside(v);
  return of_each_step(r)
             ? View{{type.dtype, type.shape.prepended(stretch_.steps())}, at(r, stretch_.t)}
             : View{type, of(r, bases_)};
}

template <class ViewOf>
void Execution::apply(const Instruction& i, View* views, const ViewOf& view_of) const {
  View* end = views;
  for (int v : i.inputs) new (end++) View(view_of(v));
  for (int v : i.outputs) new (end++) View(view_of(v));
  const std::span<const View> in(views, i.inputs.size()),
      out(views + i.inputs.size(), i.outputs.size());
  if (i.summed)
    i.op->summed({in, out, i.attributes});
  else if (i.op->kernel)
    i.op->kernel({in, out, i.attributes});
  else
    std::memcpy(out[0].data, in[0].data, out[0].type.bytes());
}

// Calls that do not read each other run at once where there is enough to do; each is cut by itself
// as well, so that no thread waits long for another.
void Execution::run_stretch_of(const std::vector<OutsideCall>& calls) const {
  for (auto first = calls.begin(); first != calls.end(); first += first->together)
    parallel_for(first->together, shards_ > 1 ? 1 : first->together,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i)
                     if (!first[i].once) run_outside(first[i]);
                 });
}

void Execution::run_outside(const OutsideCall& call) const {
  if (call.product >= 0)
    multiply_outside(layout_.products[static_cast<std::size_t>(call.product)],
                     packed_[layout_.loop_products + static_cast<std::size_t>(call.product)]);
  else if (call.at_once)
    apply(*call.instruction, views_ + call.views, [this](int v) { return all_of(v); });
  else
    for (int64_t t = stretch_.t; t < stretch_.t + stretch_.steps(); ++t)
      apply(*call.instruction, views_ + call.views, [this, t](int v) { return at(v, t); });
}
void Execution::multiply_outside(const OutsideProduct& product, const PackedMatrix& b) const {
  multiply_rows(product.rows * stretch_.steps(), at(outside(product.a), stretch_.t), b.k, b,
                at(outside(product.out), stretch_.t), b.n);
}

void Execution::pack_products() const {
  for (std::size_t k = 0; k < layout_.packed.size(); ++k) {
    const Packing& p = layout_.packed[k];
    MatrixPart* end = parts_;
    for (const RightPart& r : p.parts)
      new (end++) MatrixPart{of(outside(r.value), bases_),
                             value(r.value).type.shape[1],
                             r.transposed,
                             r.k,
                             r.n,
                             r.k0,
                             r.n0};
    new (packed_ + k)
        PackedMatrix(pack(p.dtype, p.k, p.n, {parts_, end}, arena_.as<char>() + p.memory));
  }
}

// Rows of a sequence that begins with the batch, to a slab that begins with the time, and back.
void Execution::gather(const BatchFirst& b, int64_t first, int64_t end) const {
  copy(of_stretch(b, end - first), size_of(b.here.dtype), with_caller(b, inputs_[b.index], first),
       in_loop(b, first));
}
void Execution::scatter(const BatchFirst& b, int64_t first, int64_t end) const {
  copy(of_stretch(b, end - first), size_of(b.here.dtype), in_loop(b, first),
       with_caller(b, outputs_[b.index], first));
}

// [rows, steps of the stretch, elements of a row]
Shape Execution::of_stretch(const BatchFirst& b, int64_t rows) const {
  return {rows, stretch_.steps(), b.row};
}
Walk Execution::with_caller(const BatchFirst& b, const View& all, int64_t first) const {
  const int64_t row = b.row * static_cast<int64_t>(size_of(b.here.dtype));
  return {all.as<char>() + (first * time_ + stretch_.t) * row, {time_ * b.row, b.row, 1}};
}
Walk Execution::in_loop(const BatchFirst& b, int64_t first) const {
  const int64_t row = b.row * static_cast<int64_t>(size_of(b.here.dtype));
  const int64_t step = of_each_step(b.here) ? b.batch * b.row : 0;
  return {at(b.here, stretch_.t) + first * row, {b.row, step, 1}};
}

// Of a stretch, the results that the loop did not write: made behind it, or copies of what is
// there.
void Execution::deliver() const {
  for (const Delivery& d : layout_.sequences)
    for (int64_t t = stretch_.t; t < stretch_.t + stretch_.steps(); ++t)
      std::memcpy(outputs_[d.result].at(t).data, at(d.from, t), value(d.value).type.bytes());
  for (const Delivery& d : layout_.after_results) {
    const View& out = outputs_[d.result];
    if (p_.results[d.result].kind == ProgramResult::sum)
      for (int64_t t = stretch_.t; t < stretch_.t + stretch_.steps(); ++t)
        add_to(at(d.value, t), out);
    else if (stretch_.end == time_)
      std::memcpy(out.data, at(d.from, p_.reverse ? 0 : time_ - 1), out.type.bytes());
  }
}

// --- the loop

Execution::Shard Execution::shard(int64_t index) const {
  return {index * rows_ / shards_, (index + 1) * rows_ / shards_,
          reinterpret_cast<Places>(shard_memory_ +
                                   static_cast<std::size_t>(index) * layout_.shard_bytes)};
}

Execution::Shard Execution::start(int64_t index) const {
  const Shard shard = this->shard(index);
  const std::size_t n_blocks = plan_.blocks.size();
  std::copy_n(bases_, n_blocks, shard.places);
  shard.places[Plan::in_register] =
      reinterpret_cast<char*>(shard.places) + rounded_up(n_blocks * sizeof(char*));
  if (p_.reverse)
    for (int b : layout_.each_step)
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
  for (int b : layout_.slabs) shard.places[b] = bases_[b] + first * step_bytes(b);
  for (int64_t n = stretch_.n; n < stretch_.end; ++n) {
    step(shard, n, n + 1 == time_);
    for (int b : layout_.each_step) shard.places[b] += forth * static_cast<int64_t>(step_bytes(b));
  }
}

void Execution::step(const Shard& shard, int64_t n, bool last) const {
  for (const RowCopy& h : layout_.histories)
    copy_rows(h.to, of(h.from, shard.places), of(h.to, shard.places), shard.first,
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
        apply(*s.as_call.instruction, views_, [&](int v) {
          return View{value(v).type, of(plan_.regions[static_cast<std::size_t>(v)], shard.places)};
        });
        break;
    }
  }
}

// Results that are made of single steps.
void Execution::collect(const Shard& shard, bool last) const {
  for (const Delivery& d : layout_.sums)
    add_to({value(d.value).type, of(d.from, shard.places)}, outputs_[d.result]);
  if (!last) return;
  for (const Delivery& d : layout_.lasts) {
    const char* from = of(d.from, shard.places);
    char* const to = outputs_[d.result].as<char>();
    if (plan_.independent_rows > 0 && d.from.rows == plan_.independent_rows)
      copy_rows(d.from, from, to, shard.first, shard.end);
    else if (shard.first == 0)
      std::memcpy(to, from, value(d.value).type.bytes());
  }
}

// The states of the next step are where this one made them, or in a copy.
void Execution::carry(const Shard& shard, int64_t n) const {
  const auto turn = static_cast<std::size_t>(n & 1);
  for (const CarriedMove& c : layout_.carried) {
    if (!c.copied) continue;
    char* const to = copy_of(c, turn);
    const char* from = of(c.next, shard.places);
    if (plan_.independent_rows > 0)
      copy_rows(c.next, from, to, shard.first, shard.end);
    else
      std::memcpy(to, from, c.bytes);
  }
  for (const CarriedMove& c : layout_.carried)
    shard.places[c.block] = c.copied ? copy_of(c, turn) : of(c.next, shard.places);
  for (int b : layout_.turns) shard.places[b] = bases_[b] + (1 - turn) * rounded_up(step_bytes(b));
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

// --- as one call

std::vector<TensorType> result_types(const Program& p, int64_t time) {
  std::vector<TensorType> types;
  for (const ProgramResult& r : p.results) {
    TensorType type = p.values[static_cast<std::size_t>(r.value)].type;
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
