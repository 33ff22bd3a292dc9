// One arena holds every block. The loop runs on shards of rows where rows are independent, each
// through all steps; what comes before and behind it runs over all steps at once.
#include "scan/execute.hpp"

#include "tensor/packed.hpp"
#include "tensor/parallel.hpp"

#include <algorithm>
#include <cstring>

namespace tempo {

namespace {

constexpr std::size_t alignment = 64;
std::size_t rounded(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

void copy(const View& from, const View& to) { std::memcpy(to.data, from.data, from.type.bytes()); }

void add_to(const View& part, const View& total) {
  dispatch_floating(part.dtype(), "scan", [&]<class T>(T) {
    const T* from = part.as<T>();
    T* to = total.as<T>();
    for (int64_t i = 0; i < part.count(); ++i) to[i] += from[i];
  });
}

// Where the blocks are at one step, for one shard.
using Places = std::vector<char*>;

class Execution {
 public:
  Execution(const Program& p, const Plan& plan, int64_t time, std::span<const View> inputs,
            std::span<const View> outputs)
      : p_(p),
        plan_(plan),
        time_(time),
        inputs_(inputs),
        outputs_(outputs),
        bases_(plan.blocks.size()) {
    allocate();
  }

  void run() {
    for (std::size_t k = 0; k < p_.results.size(); ++k)
      if (p_.results[k].kind == ProgramResult::sum)
        std::memset(outputs_[k].data, 0, outputs_[k].type.bytes());
    for (const Instruction& i : p_.before) over_time(i);
    pack_products();
    for (const auto& [row, all] : plan_.repeated)
      for (int64_t r = 0; r < all.rows; ++r)
        std::memcpy(of(all, bases_) + r * all.row_stride, of(row, bases_),
                    static_cast<std::size_t>(all.row_stride));
    const int64_t rows = std::max<int64_t>(1, plan_.independent_rows);
    const int64_t shards = plan_.independent_rows > 0 ? shards_for(rows) : 1;
    parallel_for(shards, 1, [&](int64_t first, int64_t last) {
      for (int64_t s = first; s < last; ++s) run_loop(s * rows / shards, (s + 1) * rows / shards);
    });
    for (const Instruction& i : p_.after) over_time(i);
    deliver();
  }

 private:
  const ProgramValue& value(int v) const { return p_.values[static_cast<std::size_t>(v)]; }
  const Region& region(int v) const { return plan_.regions[static_cast<std::size_t>(v)]; }
  const Block& block(const Region& r) const {
    return plan_.blocks[static_cast<std::size_t>(r.block)];
  }
  bool of_each_step(const Block& b) const {
    return b.kind == Block::slab || (b.kind == Block::external && b.of_each_step);
  }

  // --- memory

  void allocate() {
    std::size_t bytes = 0;
    const auto reserve = [&bytes](std::size_t n) {
      const std::size_t at = bytes;
      bytes += rounded(n);
      return at;
    };
    std::vector<std::size_t> offsets(plan_.blocks.size()), packed, states;
    for (std::size_t b = 0; b < plan_.blocks.size(); ++b) {
      const Block& block = plan_.blocks[b];
      const std::size_t n = block.kind == Block::slab
                                ? block.bytes * static_cast<std::size_t>(time_)
                            : block.kind == Block::turns ? 2 * rounded(block.bytes)
                                                         : block.bytes;
      if (block.kind != Block::external && block.kind != Block::state) offsets[b] = reserve(n);
    }
    for (const PlanStep& s : plan_.steps)
      if (s.kind == PlanStep::product)
        packed.push_back(reserve(
            packed_bytes(s.as_product.a.dtype, s.as_product.a.cols, s.as_product.out.cols)));
    for (std::size_t k = 0; k < p_.carried.size(); ++k)
      states.push_back(plan_.copied[k] ? reserve(2 * rounded(value(p_.carried[k]).type.bytes()))
                                       : 0);
    arena_ = Array(bool_, {static_cast<int64_t>(bytes)});
    char* const base = static_cast<char*>(arena_.view().data);
    for (std::size_t b = 0; b < plan_.blocks.size(); ++b) {
      const Block& block = plan_.blocks[b];
      if (block.kind == Block::external)
        bases_[b] = static_cast<char*>(held(block.index).data);
      else if (block.kind == Block::state)
        bases_[b] = static_cast<char*>(
            inputs_[inputs_.size() - p_.carried.size() + static_cast<std::size_t>(block.index)]
                .data);
      else
        bases_[b] = base + offsets[b];
    }
    for (std::size_t at : packed) packed_memory_.push_back(base + at);
    for (std::size_t at : states) state_memory_.push_back(base + at);
  }
  // An input or result of the caller's.
  const View& held(int index) const {
    const auto i = static_cast<std::size_t>(index);
    return i < inputs_.size() ? inputs_[i] : outputs_[i - inputs_.size()];
  }

  // --- outside the loop

  // A value of all steps, or of the one there is.
  View all_of(int v) const {
    const TensorType& type = value(v).type;
    if (value(v).standing == Standing::carried) {
      const Region& r = plan_.history[carried_index(v)];
      return {{type.dtype, type.shape.prepended(time_)}, bases_[static_cast<std::size_t>(r.block)]};
    }
    const Region& r = region(v);
    char* const data = bases_[static_cast<std::size_t>(r.block)] + r.offset;
    return of_each_step(block(r)) ? View{{type.dtype, type.shape.prepended(time_)}, data}
                                  : View{type, data};
  }
  View at(int v, int64_t t) const {
    const View all = all_of(v);
    return all.type == value(v).type ? all : all.at(t);
  }
  std::size_t carried_index(int v) const {
    return static_cast<std::size_t>(std::find(p_.carried.begin(), p_.carried.end(), v) -
                                    p_.carried.begin());
  }

  static void apply(const Instruction& i, std::span<const View> in, std::span<const View> out) {
    if (i.summed)
      i.op->summed({in, out, i.attributes});
    else if (i.op->kernel)
      i.op->kernel({in, out, i.attributes});
    else
      std::memcpy(out[0].data, in[0].data, out[0].type.bytes());
  }

  // Once if nothing in it depends on time, in one go if its op keeps its meaning, else step by
  // step.
  void over_time(const Instruction& i) const {
    std::vector<View> in, out;
    const bool fixed = value(i.outputs[0]).standing == Standing::fixed;
    if (fixed || in_one_go(i)) {
      for (int v : i.inputs) in.push_back(all_of(v));
      for (int v : i.outputs) out.push_back(all_of(v));
      return apply(i, in, out);
    }
    for (int64_t t = 0; t < time_; ++t) {
      in.clear();
      out.clear();
      for (int v : i.inputs) in.push_back(at(v, t));
      for (int v : i.outputs) out.push_back(at(v, t));
      apply(i, in, out);
    }
  }
  bool in_one_go(const Instruction& i) const {
    const int rank = value(i.outputs[0]).type.shape.rank();
    if (!i.op->kernel) return value(i.inputs[0]).standing != Standing::fixed;
    if (i.op->leading_axis == LeadingAxis::changes) return false;
    for (int v : i.inputs) {
      const bool fixed = value(v).standing == Standing::fixed;
      if (fixed && i.op->leading_axis != LeadingAxis::broadcast) return false;
      const int own = value(v).type.shape.rank();
      if (i.op->leading_axis == LeadingAxis::broadcast && (fixed ? own > rank : own != rank))
        return false;
    }
    return true;
  }

  // --- the loop

  void pack_products() {
    for (const PlanStep& s : plan_.steps) {
      if (s.kind != PlanStep::product) continue;
      const ProductStep& product = s.as_product;
      const View b = all_of(product.b);
      packed_.push_back(pack(b.dtype(), product.transposed, product.a.cols, product.out.cols,
                             b.data, b.shape()[1], packed_memory_[packed_.size()]));
    }
  }

  // As many as there are threads, if each has enough to do. No row reads another, so the cut
  // changes no bit.
  int64_t shards_for(int64_t rows) const {
    int64_t work = 0;
    for (const PlanStep& s : plan_.steps)
      work += s.kind == PlanStep::product
                  ? s.as_product.a.cols * s.as_product.out.cols
                  : 8 * s.as_tiles.cols * static_cast<int64_t>(s.as_tiles.ops.size());
    constexpr int64_t enough = 4 << 20, fewest_rows = 8;
    const int64_t by_work = work * rows * time_ / enough;
    return std::clamp<int64_t>(std::min(by_work, rows / fewest_rows), 1, threads());
  }

  void run_loop(int64_t first, int64_t end) const {
    Places places = bases_;
    std::vector<char*> states;
    for (std::size_t b = 0; b < plan_.blocks.size(); ++b)
      if (plan_.blocks[b].kind == Block::state) states.push_back(bases_[b]);
    const bool whole = plan_.independent_rows == 0;
    std::vector<char> registers(most_registers() * Plan::tile_length * 8 + alignment);
    auto* const aligned =
        reinterpret_cast<char*>(rounded(reinterpret_cast<std::size_t>(registers.data())));
    for (int64_t n = 0; n < time_; ++n) {
      const int64_t t = p_.reverse ? time_ - 1 - n : n;
      move_to(t, n, places, states);
      for (std::size_t k = 0; k < p_.carried.size(); ++k)
        if (const Region& history = plan_.history[k]; history.block >= 0)
          copy_rows(region(p_.carried[k]), history, places, first, whole ? history.rows : end);
      std::size_t product = 0;
      for (const PlanStep& s : plan_.steps) {
        if (s.kind == PlanStep::product) {
          const int64_t last = whole ? s.as_product.a.rows : end;
          run_product(s.as_product, packed_[product++], places, first, last);
        } else if (s.kind == PlanStep::tiles) {
          run_tiles(s.as_tiles, places, first, whole ? s.as_tiles.rows : end, aligned);
        } else {
          run_call(s.as_call, places);
        }
      }
      collect(places, n + 1 == time_, first, end, whole);
      carry(places, states, n, first, end, whole);
    }
  }

  void move_to(int64_t t, int64_t n, Places& places, const std::vector<char*>& states) const {
    std::size_t state = 0;
    for (std::size_t b = 0; b < plan_.blocks.size(); ++b) {
      const Block& block = plan_.blocks[b];
      if (of_each_step(block))
        places[b] = bases_[b] + static_cast<std::size_t>(t) * block.bytes;
      else if (block.kind == Block::turns)
        places[b] = bases_[b] + static_cast<std::size_t>(n & 1) * rounded(block.bytes);
      else if (block.kind == Block::state)
        places[b] = states[state++];
    }
  }
  static char* of(const Region& r, const Places& places) {
    return places[static_cast<std::size_t>(r.block)] + r.offset;
  }

  static void copy_rows(const Region& from, const Region& to, const Places& places, int64_t first,
                        int64_t end) {
    const auto bytes = static_cast<std::size_t>(to.row_stride);
    std::memcpy(of(to, places) + static_cast<std::size_t>(first) * bytes,
                of(from, places) + static_cast<std::size_t>(first) * bytes,
                static_cast<std::size_t>(end - first) * bytes);
  }

  static void run_product(const ProductStep& s, const PackedMatrix& b, const Places& places,
                          int64_t first, int64_t end) {
    const auto size = static_cast<int64_t>(size_of(s.a.dtype));
    multiply(end - first, of(s.a, places) + first * s.a.row_stride, s.a.row_stride / size, b,
             of(s.out, places) + first * s.out.row_stride, s.out.row_stride / size, s.accumulates);
  }

  std::size_t most_registers() const {
    int most = 0;
    for (const PlanStep& s : plan_.steps) most = std::max(most, s.as_tiles.registers);
    return static_cast<std::size_t>(most);
  }

  static void run_tiles(const TileStep& s, const Places& places, int64_t first, int64_t end,
                        char* registers) {
    const int64_t rows = s.in_one_run ? 1 : end - first,
                  cols = s.in_one_run ? (end - first) * s.cols : s.cols;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; c += Plan::tile_length) {
        const int64_t n = std::min(Plan::tile_length, cols - c);
        for (const TileOp& op : s.ops) {
          const void* inputs[3] = {};
          int64_t strides[3] = {};
          for (int i = 0; i < op.n_inputs; ++i) {
            inputs[i] = tile_at(op.inputs[i], places, first + r, c, registers);
            strides[i] = op.inputs[i].col_stride != 0;
          }
          op.tile(inputs, strides, tile_at(op.out, places, first + r, c, registers), n);
        }
      }
  }
  static char* tile_at(const Region& r, const Places& places, int64_t row, int64_t col,
                       char* registers) {
    if (r.block == Plan::in_register) return registers + r.offset * Plan::tile_length * 8;
    return of(r, places) + row * r.row_stride + col * r.col_stride;
  }

  void run_call(const CallStep& s, const Places& places) const {
    std::vector<View> in, out;
    for (std::size_t i = 0; i < s.inputs.size(); ++i)
      in.push_back({value(s.instruction->inputs[i]).type, of(s.inputs[i], places)});
    for (std::size_t i = 0; i < s.outputs.size(); ++i)
      out.push_back({value(s.instruction->outputs[i]).type, of(s.outputs[i], places)});
    apply(*s.instruction, in, out);
  }

  bool made_after(int v) const {
    return std::any_of(p_.after.begin(), p_.after.end(), [v](const Instruction& i) {
      return std::find(i.outputs.begin(), i.outputs.end(), v) != i.outputs.end();
    });
  }

  // Results that are made of single steps.
  void collect(const Places& places, bool last, int64_t first, int64_t end, bool whole) const {
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      if (r.kind == ProgramResult::sequence || (r.kind == ProgramResult::last && !last) ||
          made_after(r.value))
        continue;
      const Region& from = region(r.value);
      const View now{value(r.value).type, of(from, places)};
      if (r.kind == ProgramResult::sum)
        add_to(now, outputs_[k]);
      else if (whole || from.rows != plan_.independent_rows)
        copy(now, outputs_[k]);
      else
        std::memcpy(static_cast<char*>(outputs_[k].data) + first * from.row_stride,
                    static_cast<const char*>(now.data) + first * from.row_stride,
                    static_cast<std::size_t>((end - first) * from.row_stride));
    }
  }

  void carry(const Places& places, std::vector<char*>& states, int64_t n, int64_t first,
             int64_t end, bool whole) const {
    std::vector<char*> next(p_.carried.size());
    for (std::size_t k = 0; k < p_.carried.size(); ++k) {
      const Region& from = region(p_.next[k]);
      next[k] = of(from, places);
      if (!plan_.copied[k]) continue;
      const auto stride = static_cast<std::size_t>(from.row_stride),
                 start = static_cast<std::size_t>(whole ? 0 : first);
      char* const to = state_memory_[k] +
                       static_cast<std::size_t>(n & 1) * rounded(value(p_.carried[k]).type.bytes());
      std::memcpy(to + start * stride, next[k] + start * stride,
                  whole ? value(p_.carried[k]).type.bytes()
                        : static_cast<std::size_t>(end - first) * stride);
      next[k] = to;
    }
    states = std::move(next);
  }

  // The results that the loop did not write: made behind it, or copies of what is there.
  void deliver() const {
    const int64_t last = p_.reverse ? 0 : time_ - 1;
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      const View& out = outputs_[k];
      if (r.kind == ProgramResult::sequence) {
        if (all_of(r.value).data == out.data) continue;
        for (int64_t t = 0; t < time_; ++t) copy(at(r.value, t), out.at(t));
      } else if (made_after(r.value)) {
        if (r.kind == ProgramResult::last)
          copy(at(r.value, last), out);
        else if (value(r.value).standing == Standing::fixed)
          copy(at(r.value, 0), out);
        else
          for (int64_t t = 0; t < time_; ++t) add_to(at(r.value, t), out);
      }
    }
  }

  const Program& p_;
  const Plan& plan_;
  int64_t time_;
  std::span<const View> inputs_, outputs_;
  Array arena_;
  Places bases_;
  std::vector<char*> packed_memory_, state_memory_;
  std::vector<PackedMatrix> packed_;
};

}  // namespace

std::vector<TensorType> result_types(const Program& p, int64_t time) {
  std::vector<TensorType> types;
  for (const ProgramResult& r : p.results) {
    TensorType type = p.values[static_cast<std::size_t>(r.value)].type;
    if (r.kind == ProgramResult::sequence) type.shape = type.shape.prepended(time);
    types.push_back(type);
  }
  return types;
}

void execute(const Program& p, const Plan& plan, int64_t time, std::span<const View> inputs,
             std::span<const View> outputs) {
  Execution(p, plan, time, inputs, outputs).run();
}

}  // namespace tempo
