// What fits is a tile op or a product with packed weights; splits and concatenations become parts
// of one block. The rest is called as it is.
#include "scan/layout.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tempo {

namespace {

struct Uses {
  std::vector<const Instruction*> loop;  // that read it
  bool outside = false;                  // a result, or read behind the loop
  bool carried = false;                  // the next value of a state
};

// An addition that a product does: the values where its result lies and with which it is there.
struct TakenOver {
  int lies_at, made_with;
};

int64_t cols_of(const Shape& s) { return s.rank() ? s.back() : 1; }
int64_t rows_of(const Shape& s) { return cols_of(s) ? s.count() / cols_of(s) : 0; }

class Planner {
 public:
  explicit Planner(const Program& p) : p_(p) {
    plan_.regions.resize(p.values.size());
    block({Block::registers});
    count_uses();
    place_inputs();
    place_outside();
    find_parts();
    find_sums();
    find_biases();
    for (const Instruction& i : p.loop) add(i);
    place_registers();
    find_shards();
    plan_.history.resize(p.carried.size());
    for (std::size_t k = 0; k < p.carried.size(); ++k)
      if (const auto at = history_.find(p.carried[k]); at != history_.end())
        plan_.history[k] = whole(at->second, p.carried[k]);
  }
  Plan take() { return std::move(plan_); }

 private:
  const ProgramValue& value(int v) const { return p_.values[static_cast<std::size_t>(v)]; }
  const TensorType& type(int v) const { return value(v).type; }
  Region& region(int v) { return plan_.regions[static_cast<std::size_t>(v)]; }
  bool placed(int v) { return region(v).block != -1; }

  int block(Block b) {
    plan_.blocks.push_back(b);
    return static_cast<int>(plan_.blocks.size()) - 1;
  }
  // All of a value in a block of its own, row after row.
  Region whole(int b, int v) const {
    const TensorType& t = type(v);
    const auto size = static_cast<int64_t>(size_of(t.dtype));
    return {b, 0, rows_of(t.shape), cols_of(t.shape), cols_of(t.shape) * size, size, t.dtype};
  }
  void place(int v, Block::Kind kind) {
    region(v) = whole(block({kind, 0, kind == Block::slab, type(v).bytes()}), v);
  }

  void count_uses() {
    uses_.resize(p_.values.size());
    for (const Instruction& i : p_.loop)
      for (int v : i.inputs) uses(v).loop.push_back(&i);
    for (const Instruction& i : p_.after)
      for (int v : i.inputs) uses(v).outside = true;
    for (const Instruction& i : p_.before)
      for (int v : i.inputs) uses(v).outside = true;
    for (const ProgramResult& r : p_.results) uses(r.value).outside = true;
    for (int v : p_.next) uses(v).carried = true;
  }
  Uses& uses(int v) { return uses_[static_cast<std::size_t>(v)]; }

  void place_inputs() {
    for (std::size_t i = 0; i < p_.n_inputs(); ++i) {
      const int v = p_.input(i);
      if (value(v).standing == Standing::carried) {
        const auto k = static_cast<int>(i - p_.fixed.size() - p_.sequences.size());
        region(v) = whole(block({Block::state, k, false, type(v).bytes()}), v);
      } else if (value(v).batch_first) {
        place(v, Block::slab);
      } else {
        region(v) = whole(block({Block::external, static_cast<int>(i),
                                 value(v).standing == Standing::sequence, type(v).bytes()}),
                          v);
      }
    }
  }

  // A sequence that is a result is written where the caller reads it.
  void place_outside() {
    for (std::size_t k = 0; k < p_.results.size(); ++k) {
      const ProgramResult& r = p_.results[k];
      if (r.kind != ProgramResult::sequence || r.batch_first ||
          value(r.value).standing == Standing::fixed)
        continue;
      const Block result{Block::external, static_cast<int>(p_.n_inputs() + k), true,
                         type(r.value).bytes()};
      if (value(r.value).standing == Standing::carried) {
        if (!history_.count(r.value)) history_[r.value] = block(result);
      } else if (!placed(r.value)) {
        region(r.value) = whole(block(result), r.value);
      }
    }
    for (std::size_t k = 0; k < p_.results.size(); ++k)
      if (const int v = p_.results[k].value; p_.results[k].kind == ProgramResult::sum &&
                                             made_after(v) &&
                                             value(v).standing == Standing::fixed && !placed(v))
        region(v) = whole(
            block({Block::external, static_cast<int>(p_.n_inputs() + k), false, type(v).bytes()}),
            v);
    for (const ProgramResult& r : p_.results)
      if (r.batch_first) place_every_step(r.value);
    place_section(p_.before);
    for (const Instruction& i : p_.loop)  // a running sum grows in place
      if (i.summed) region(i.outputs[0]) = region(i.inputs[0]);
    place_section(p_.after);
    std::set<int> in_loop;
    for (const Instruction& i : p_.loop) in_loop.insert(i.outputs.begin(), i.outputs.end());
    for (int v : in_loop)
      if (!placed(v) && uses(v).carried) place(v, Block::turns);
    for (std::size_t k = 0; k < p_.carried.size(); ++k) {
      const int next = p_.next[k];
      plan_.copied.push_back(!in_loop.count(next));
    }
  }
  void place_section(const std::vector<Instruction>& section) {
    for (const Instruction& i : section) {
      for (int v : i.outputs) place_every_step(v);
      for (int v : i.inputs) place_every_step(v);
    }
  }
  void place_every_step(int v) {
    if (value(v).standing == Standing::carried) {
      if (!history_.count(v)) history_[v] = block({Block::slab, 0, true, type(v).bytes()});
    } else if (!placed(v)) {
      place(v, value(v).standing == Standing::fixed ? Block::fixed : Block::slab);
    }
  }

  // --- elementwise ops

  // How an operand meets a result of this shape; false when only the general kernel can do it.
  bool meets(int v, const Shape& out, Region& as) {
    const Shape& s = type(v).shape;
    as = region(v);
    as.rows = rows_of(out);
    as.cols = cols_of(out);
    if (s.count() == 1) {
      as.row_stride = as.col_stride = 0;
      return true;
    }
    if (s == out) return true;
    if (s.rank() >= 1 && s.count() == s.back() && s.back() == cols_of(out)) {  // one row for all
      as.row_stride = 0;
      return true;
    }
    if (s.rank() != out.rank() || s.back() != 1) return false;
    for (int axis = 0; axis + 1 < s.rank(); ++axis)
      if (s[axis] != out[axis]) return false;
    as.col_stride = 0;  // one element for each row
    return true;
  }
  bool tiles(const Instruction& i) {
    if (!i.op->kernel.tile || i.inputs.empty() || i.inputs.size() > 3 || i.outputs.size() != 1)
      return false;
    const TensorType& out = type(i.outputs[0]);
    if (!i.op->kernel.tile(type(i.inputs.back()).dtype, out.dtype)) return false;
    Region ignored;
    return std::all_of(i.inputs.begin(), i.inputs.end(),
                       [&](int v) { return meets(v, out.shape, ignored); });
  }
  bool is_product(const Instruction& i) const { return tempo::is_product(p_, i); }
  // Known before the loop starts.
  bool there_before(int v) const { return value(v).standing == Standing::fixed && !maker(v); }
  bool takes_parts(const Instruction& i, int v) {
    return tiles(i) || folds(i) || (is_product(i) && i.inputs[0] == v && i.inputs[1] != v);
  }

  // --- parts of one block

  const Instruction* maker(int v) const {
    for (const Instruction& i : p_.loop)
      if (std::find(i.outputs.begin(), i.outputs.end(), v) != i.outputs.end()) return &i;
    return nullptr;
  }
  bool on_last_axis(const Instruction& i) const {
    return i.attributes.has("axis") && i.attributes.integer("axis") == -1 && i.op->rearranges;
  }
  bool only_inside(int v) { return !uses(v).outside && !uses(v).carried; }

  void find_parts() {
    static const OpDefinition* split = find_op("split");
    static const OpDefinition* concat = find_op("concat");
    for (const Instruction& i : p_.loop) {
      if (!on_last_axis(i)) continue;
      if (i.op == split) {
        const bool fit = std::all_of(i.outputs.begin(), i.outputs.end(), [&](int v) {
          return only_inside(v) &&
                 std::all_of(uses(v).loop.begin(), uses(v).loop.end(),
                             [&](const Instruction* r) { return takes_parts(*r, v); });
        });
        if (fit) parts_.insert(&i);
      } else if (i.op == concat) {
        std::set<int> once(i.inputs.begin(), i.inputs.end());
        const bool fit = once.size() == i.inputs.size() &&
                         std::all_of(i.inputs.begin(), i.inputs.end(), [&](int v) {
                           const Instruction* made = maker(v);
                           return made && tiles(*made) && only_inside(v) && !placed(v) &&
                                  std::all_of(uses(v).loop.begin(), uses(v).loop.end(),
                                              [&](const Instruction* r) {
                                                return r == &i || takes_parts(*r, v);
                                              });
                         });
        if (!fit) continue;
        parts_.insert(&i);
        if (!placed(i.outputs[0])) place(i.outputs[0], Block::scratch);
        cut(i.outputs[0], i.inputs);
      }
    }
  }
  // The regions of parts side by side in `whole`.
  void cut(int of, const std::vector<int>& parts) {
    std::size_t offset = region(of).offset;
    for (int v : parts) {
      Region r = region(of);
      r.offset = offset;
      r.cols = cols_of(type(v).shape);
      region(v) = r;
      offset += static_cast<std::size_t>(r.cols) * size_of(r.dtype);
    }
  }

  // --- a + a b becomes a product that accumulates

  // The sum of a product that nothing else reads and of a value that nothing else reads and that is
  // there before: the product is added to where that value is.
  void find_sums() {
    static const OpDefinition* add = find_op("add");
    for (std::size_t k = p_.loop.size(); k-- > 0;)
      if (p_.loop[k].op == add)
        for (std::size_t side : {1u, 0u})
          if (becomes_product(p_.loop[k], p_.loop[k].inputs[side], p_.loop[k].inputs[1 - side]))
            break;
  }
  bool becomes_product(const Instruction& sum, int product, int other) {
    const Instruction* made = maker(product);
    const int total = sum.outputs[0];
    if (!made || !is_product(*made) || !read_once(product) || !only_inside(product) ||
        placed(product) || sums_.count(made) || !(type(other) == type(total)))
      return false;
    if (ours(other)) {
      if (placed(total) || uses(total).carried) return false;
    } else {
      const Instruction* before = maker(other);
      if (!before || before > made || !read_once(other) || !only_inside(other) || placed(other))
        return false;
      if (!placed(total)) place(total, Block::scratch);
      region(other) = region(total);
    }
    sums_[made] = &sum;
    return true;
  }
  // A row that is added to what a product makes, and nothing else reads, is added by the product.
  void find_biases() {
    static const OpDefinition* add = find_op("add");
    std::map<int, const Instruction*> products;  // by the value that holds the result
    for (const Instruction& i : p_.loop)
      if (is_product(i)) {
        const auto sum = sums_.find(&i);
        products[sum == sums_.end() ? i.outputs[0] : sum->second->outputs[0]] = &i;
      }
    for (const Instruction& i : p_.loop)
      for (std::size_t side : {0u, 1u}) {
        const int total = i.inputs.size() == 2 ? i.inputs[side] : -1;
        const auto made = products.find(total);
        if (i.op != add || made == products.end()) continue;
        const int bias = i.inputs[1 - side];
        if (!is_row(bias, type(total)) || !read_once(total) || !only_inside(total) ||
            placed(i.outputs[0]) || uses(i.outputs[0]).carried)
          continue;
        biases_[made->second] = bias;
        taken_over_[&i] = {total, total};
        break;
      }
  }
  bool is_row(int v, const TensorType& of) const {
    const Shape& s = type(v).shape;
    return value(v).standing == Standing::fixed && !maker(v) && type(v).dtype == of.dtype &&
           s.rank() >= 1 && s.count() == s.back() && s.back() == cols_of(of.shape) &&
           s.rank() <= of.shape.rank();
  }
  bool read_once(int v) { return uses(v).loop.size() == 1; }
  // A slab that `before` filled for this use alone.
  bool ours(int v) {
    if (uses(v).loop.size() != 1 || uses(v).carried) return false;
    const bool result = std::any_of(p_.results.begin(), p_.results.end(),
                                    [v](const ProgramResult& r) { return r.value == v; });
    if (result || value(v).standing != Standing::sequence) return false;
    const auto reads = [v](const Instruction& i) {
      return std::find(i.inputs.begin(), i.inputs.end(), v) != i.inputs.end();
    };
    if (std::any_of(p_.before.begin(), p_.before.end(), reads) ||
        std::any_of(p_.after.begin(), p_.after.end(), reads))
      return false;
    return std::any_of(p_.before.begin(), p_.before.end(), [v](const Instruction& i) {
      return std::find(i.outputs.begin(), i.outputs.end(), v) != i.outputs.end();
    });
  }

  // --- the steps, in order

  void add(const Instruction& i) {
    if (parts_.count(&i)) return add_parts(i);
    if (const auto taken = taken_over_.find(&i); taken != taken_over_.end()) {
      region(i.outputs[0]) = region(taken->second.lies_at);
      made_at_[i.outputs[0]] = made_at_.at(taken->second.made_with);
      return;
    }
    if (tiles(i) || folds(i)) return add_tile(i);
    for (int v : i.outputs)
      if (!placed(v) && !sums_.count(&i)) place(v, Block::scratch);
    for (int v : i.outputs) made_at_[v] = plan_.steps.size();
    if (const auto sum = sums_.find(&i); sum != sums_.end())
      taken_over_[sum->second] = {addend(i, *sum->second), i.outputs[0]};
    single_[plan_.steps.size()] = &i;
    plan_.steps.push_back({is_product(i) ? PlanStep::product : PlanStep::single, {}, {}, {}});
  }
  // What the product is added to.
  static int addend(const Instruction& product, const Instruction& add) {
    return add.inputs[add.inputs[0] == product.outputs[0] ? 1 : 0];
  }

  void add_parts(const Instruction& i) {
    for (int v : i.inputs)
      if (const auto at = made_at_.find(v); at != made_at_.end())
        for (int out : i.outputs) made_at_[out] = std::max(made_at_[out], at->second);
    if (const auto at = group_of_.find(i.inputs[0]); at != group_of_.end() && i.outputs.size() > 1)
      for (int out : i.outputs) group_of_[out] = at->second;
    if (i.outputs.size() > 1) {
      if (!placed(i.inputs[0])) place(i.inputs[0], Block::scratch);
      cut(i.inputs[0], i.outputs);
    }
  }

  ProductStep product(const Instruction& i) {
    const auto sum = sums_.find(&i);
    const auto bias = biases_.find(&i);
    const bool accumulates = sum != sums_.end();
    return {region(i.inputs[0]), region(accumulates ? addend(i, *sum->second) : i.outputs[0]),
            i.inputs[1],         i.attributes.integer("transpose_b", 0) != 0,
            accumulates,         bias == biases_.end() ? Region{} : region(bias->second)};
  }

  // Into the first group that it fits and that comes after, or makes, what it reads.
  void add_tile(const Instruction& i) {
    const int out = i.outputs[0];
    std::size_t earliest = 0;
    for (int v : i.inputs)
      if (const auto made = made_at_.find(v); made != made_at_.end())
        earliest = std::max(earliest, made->second + (in_group(v, i) ? 0 : 1));
    std::size_t at = earliest;
    while (at < plan_.steps.size() &&
           !(plan_.steps[at].kind == PlanStep::tiles && fits_group(plan_.steps[at].as_tiles, i)))
      ++at;
    if (at == plan_.steps.size())
      plan_.steps.push_back(
          {PlanStep::tiles, {}, {rows_of(type(out).shape), cols_in(i), false, false, {}}, {}});
    TileStep& group = plan_.steps[at].as_tiles;
    group.whole_rows |= folds(i);
    group.cols = std::max(group.cols, cols_in(i));
    made_at_[out] = at;
    group_of_[out] = at;
    members_[at].push_back(&i);
  }
  bool folds(const Instruction& i) const { return folds_rows(p_, i); }
  int64_t cols_in(const Instruction& i) const {
    return cols_of(type(folds(i) ? i.inputs[0] : i.outputs[0]).shape);
  }
  bool fits_group(const TileStep& g, const Instruction& i) const {
    return g.rows == rows_of(type(i.outputs[0]).shape) && (g.whole_rows || g.cols == cols_in(i));
  }
  bool in_group(int v, const Instruction& i) const {
    const auto at = group_of_.find(v);
    return at != group_of_.end() && fits_group(plan_.steps[at->second].as_tiles, i) &&
           rows_of(type(v).shape) == plan_.steps[at->second].as_tiles.rows;
  }

  // Values that only their own group reads live in registers of the tile; the others get a place.
  void place_registers() {
    for (const auto& [at, members] : members_)
      for (const Instruction* i : members) {
        const int v = i->outputs[0];
        if (placed(v)) continue;
        const bool inside =
            only_inside(v) && std::all_of(uses(v).loop.begin(), uses(v).loop.end(),
                                          [&, here = at](const Instruction* r) {
                                            return group_of_.count(r->outputs[0]) &&
                                                   group_of_.at(r->outputs[0]) == here;
                                          });
        if (!inside) place(v, Block::scratch);
      }
    for (const auto& [at, members] : members_) fill_group(plan_.steps[at].as_tiles, members);
    for (const auto& [at, instruction] : single_) {
      PlanStep& step = plan_.steps[at];
      if (step.kind == PlanStep::product)
        step.as_product = product(*instruction);
      else
        step.as_call = {instruction};
    }
  }

  void fill_group(TileStep& group, const std::vector<const Instruction*>& members) {
    std::map<int, std::size_t> last_read;
    for (std::size_t k = 0; k < members.size(); ++k)
      for (int v : members[k]->inputs) last_read[v] = k;
    std::map<int, int> registers;
    std::vector<int> free;
    group.in_one_run = !group.whole_rows;
    if (group.whole_rows) group.tile_length = (group.cols + 7) / 8 * 8;
    for (std::size_t k = 0; k < members.size(); ++k) {
      const Instruction& i = *members[k];
      const int out = i.outputs[0];
      const TensorType& type_out = type(out);
      const Shape& shape = folds(i) ? type(i.inputs[0]).shape : type_out.shape;
      TileOp op{i.op,
                folds(i) ? i.op->kernel.fold(type_out.dtype)
                         : i.op->kernel.tile(type(i.inputs.back()).dtype, type_out.dtype),
                static_cast<int>(i.inputs.size()),
                {},
                {},
                {},
                cols_in(i)};
      for (std::size_t n = 0; n < i.inputs.size(); ++n) {
        const int v = i.inputs[n];
        if (const auto r = registers.find(v); r != registers.end())
          op.inputs[n] = in_register(group, r->second, type(v).dtype);
        else {
          meets(v, shape, op.inputs[n]);
          if (!group.whole_rows) write_out(v, op.inputs[n]);
        }
        op.strides[n] = op.inputs[n].block == Plan::in_register ? cols_of(type(v).shape) == op.cols
                                                                : op.inputs[n].col_stride != 0;
        group.in_one_run &= runs_on(op.inputs[n]);
      }
      if (placed(out)) {
        op.out = region(out);
      } else {
        int r = group.registers;
        if (free.empty())
          ++group.registers;
        else {
          r = free.back();
          free.pop_back();
        }
        registers[out] = r;
        op.out = in_register(group, r, type_out.dtype);
      }
      for (int v : std::set<int>(i.inputs.begin(), i.inputs.end()))
        if (const auto r = registers.find(v); r != registers.end() && last_read[v] == k)
          free.push_back(r->second);
      group.in_one_run &= runs_on(op.out);
      group.ops.push_back(op);
    }
  }
  // One narrow row for all becomes as many rows, so that the group may run over all of them at
  // once.
  void write_out(int v, Region& r) {
    const bool one_row = r.row_stride == 0 && r.col_stride != 0;
    if (!one_row || !there_before(v) || r.cols > Plan::narrow) return;
    Region all = r;
    all.offset = 0;
    all.row_stride = r.cols * r.col_stride;
    int& at = written_out_[{v, r.rows}];
    if (!at) {
      at = 1 + block({Block::fixed, 0, false, static_cast<std::size_t>(r.rows * all.row_stride)});
      all.block = at - 1;
      plan_.repeated.emplace_back(r, all);
    }
    all.block = at - 1;
    r = all;
  }
  static Region in_register(const TileStep& group, int r, DType dtype) {
    const std::size_t offset = static_cast<std::size_t>(r) * group.register_bytes();
    return {Plan::in_register, offset, 0, 0, 0, 0, dtype};
  }
  static bool runs_on(const Region& r) {
    if (r.row_stride == 0 && r.col_stride == 0) return true;
    return r.col_stride != 0 && r.row_stride == r.cols * r.col_stride;
  }

  bool made_after(int v) const {
    return std::any_of(p_.after.begin(), p_.after.end(), [v](const Instruction& i) {
      return std::find(i.outputs.begin(), i.outputs.end(), v) != i.outputs.end();
    });
  }

  // Rows are independent if every step is elementwise or a product, on the same number of rows.
  void find_shards() {
    int64_t rows = -1;
    for (const PlanStep& s : plan_.steps) {
      if (s.kind == PlanStep::single) return;
      const int64_t own = s.kind == PlanStep::product ? s.as_product.a.rows : s.as_tiles.rows;
      if (rows >= 0 && own != rows) return;
      rows = own;
    }
    for (int v : p_.carried)
      if (rows_of(type(v).shape) != rows) return;
    for (const ProgramResult& r : p_.results) {
      const bool in_loop = maker(r.value) || value(r.value).standing == Standing::carried;
      if (r.kind == ProgramResult::sum && !made_after(r.value)) return;
      if (r.kind == ProgramResult::last && in_loop && rows_of(type(r.value).shape) != rows) return;
    }
    if (rows > 1) plan_.independent_rows = rows;
  }

  const Program& p_;
  Plan plan_;
  std::vector<Uses> uses_;
  std::map<int, int> history_;          // carried value: block
  std::set<const Instruction*> parts_;  // splits and concatenations that cost nothing
  std::map<const Instruction*, const Instruction*> sums_;  // product: the addition it takes over
  std::map<const Instruction*, int> biases_;               // product: the row that it adds
  std::map<const Instruction*, TakenOver> taken_over_;     // additions
  std::map<int, std::size_t> made_at_, group_of_;          // by value: its step
  std::map<std::size_t, std::vector<const Instruction*>> members_;
  std::map<std::pair<int, int64_t>, int> written_out_;  // by value and rows: 1 + its block
  std::map<std::size_t, const Instruction*> single_;    // products and calls, by step
};

}  // namespace

bool is_product(const Program& p, const Instruction& i) {
  static const OpDefinition* matmul = find_op("matmul");
  const auto value = [&p](int v) -> const ProgramValue& {
    return p.values[static_cast<std::size_t>(v)];
  };
  if (i.op != matmul || i.summed || i.attributes.integer("transpose_a", 0)) return false;
  const int right = i.inputs[1];
  const bool running = std::any_of(p.loop.begin(), p.loop.end(), [right](const Instruction& made) {
    return std::find(made.outputs.begin(), made.outputs.end(), right) != made.outputs.end();
  });
  const Shape &a = value(i.inputs[0]).type.shape, &b = value(right).type.shape;
  return !running && a.rank() == 2 && b.rank() == 2 && value(right).standing == Standing::fixed &&
         a[1] > 0 && value(i.outputs[0]).type.shape.count() > 0;
}

bool folds_rows(const Program& p, const Instruction& i) {
  if (!i.op->kernel.fold || i.inputs.size() != 1) return false;
  const TensorType &from = p.values[static_cast<std::size_t>(i.inputs[0])].type,
                   &to = p.values[static_cast<std::size_t>(i.outputs[0])].type;
  if (from.shape.rank() < 1 || from.shape.back() < 2 || !i.op->kernel.fold(from.dtype))
    return false;
  Shape column = from.shape;
  column[-1] = 1;
  return to.shape == column;
}

bool is_light(const Program& p, const Instruction& i) {
  return i.op->kernel.tile || i.op->rearranges || folds_rows(p, i);
}

Plan make_plan(const Program& program) {
  Plan plan = Planner(program).take();
  plan.layout = std::make_shared<const Layout>(lay_out(program, plan));
  return plan;
}

}  // namespace tempo
