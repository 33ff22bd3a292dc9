// SPDX-License-Identifier: Apache-2.0
// Binds elementwise ops and folds to places. A value that only its own group reads lives in a
// register of the tile.
#include <algorithm>
#include <optional>
#include <tuple>

#include "ops/known.hpp"
#include "program/plan/planner.hpp"
#include "tensor/kernels/dots.hpp"

namespace tempo {

namespace {

constexpr int64_t tile_elements = 512;  // of several rows: few calls, and all stay in L1
constexpr int64_t matrix_tile_elements = 1024;

// The number of rows of a value that repeats over all rows of the result; 0 if it does not.
int64_t rows_repeated(const Shape& s, const Shape& out) {
  const auto* first = std::find_if(s.begin(), s.end(), [](int64_t n) { return n != 1; });
  if (s.end() - first > out.rank() || s.back() == 0) return 0;
  const auto* const last = s.back() == 1 ? s.end() - 1 : s.end();
  if (first > last || !std::equal(first, last, out.end() - (s.end() - first))) return 0;
  return rows_of(s);
}

// The region of an operand as a result of shape `out` reads it, if a tile can. If it has fewer rows
// than the result, these must be repeated in memory before the loop.
std::optional<Region> as_operand(Region r, const Shape& s, const Shape& out, bool there_before) {
  r.rows = rows_of(out);
  r.cols = cols_of(out);
  if (s.count() == 1) {
    r.row_stride = r.col_stride = 0;
    return r;
  }
  if (s == out) return r;
  if (s.rank() >= 1 && s.count() == s.back() && s.back() == cols_of(out)) {  // one row for all rows
    r.row_stride = 0;
    return r;
  }
  if (s.rank() >= 1 && s.back() == 1) r.col_stride = 0;  // one element per row
  if (s.rank() == out.rank() && s.back() == 1 && std::equal(s.begin(), s.end() - 1, out.begin()))
    return r;
  if (!there_before || s.rank() < 1 || rows_repeated(s, out) == 0) return std::nullopt;
  r.rows = rows_repeated(s, out);
  return r;
}

// Whether it has one row for each matrix of the result; if it lacks some leading axes, its rows
// must be repeated in memory before the loop.
bool is_row_of_matrix(const Shape& s, const Shape& out, bool there_before) {
  if (s.rank() < 2 || out.rank() < 3 || s.rank() > out.rank() || s[-2] != 1 || out.count() == 0 ||
      (s[-1] != 1 && s[-1] != out[-1]))
    return false;
  const auto* const end = s.end() - 2;
  const auto* const first =
      there_before ? std::find_if(s.begin(), end, [](int64_t n) { return n != 1; }) : s.begin();
  return (there_before || s.rank() == out.rank()) &&
         std::equal(first, end, out.end() - 2 - (end - first));
}

Region in_register(const TileStage& group, std::size_t r, DType dtype) {
  return {Plan::in_register, r * group.register_bytes(), 0, 0, 0, 0, dtype};
}

bool runs_on(const Region& r) {
  if (r.row_stride == 0 && r.col_stride == 0) return true;
  return r.col_stride != 0 && r.row_stride == r.cols * r.col_stride;
}

// The distance between rows of an operand; in a register rows are adjacent.
int64_t row_bytes(const Region& r, const TensorType& type) {
  return r.block == Plan::in_register
             ? cols_of(type.shape) * static_cast<int64_t>(size_of(type.dtype))
             : r.row_stride;
}

// Makes one call for a column if its elements are adjacent; in registers, for whole vectors.
void run_in_column(TileOp& op, const Uses& uses, const Instruction& i) {
  const auto size = [&](ValueId v) { return static_cast<int64_t>(size_of(uses.type(v).dtype)); };
  bool side_by_side = op.rows.output == size(i.outputs[0]);
  bool padded = op.out.block == Plan::in_register;
  for (std::size_t n = 0; n < i.inputs.size(); ++n) {
    const int64_t apart = op.rows.inputs[n];
    side_by_side &= apart == 0 || apart == size(i.inputs[n]);
    padded &= apart == 0 || op.inputs[n].block == Plan::in_register;
  }
  if (!side_by_side) return;
  op.column_multiple = padded ? TileStage::register_padding : 1;
  for (std::size_t n = 0; n < i.inputs.size(); ++n) op.strides[n] = op.rows.inputs[n] != 0;
}

// The registers of a group; each is free again after the last op that reads its value.
class Registers {
 public:
  explicit Registers(const Uses& uses) : uses_(uses) {}
  void reads(const ValueIds& inputs, std::size_t k) {
    for (ValueId v : inputs) last_read_[uses_.root(v)] = k;
  }
  std::optional<std::size_t> find(ValueId v) const {
    const auto at = held_.find(uses_.root(v));
    return at == held_.end() ? std::nullopt : std::optional(at->second);
  }
  std::size_t take(ValueId v) {
    if (free_.empty()) return held_[v] = count_++;
    const std::size_t r = free_.back();
    free_.pop_back();
    return held_[v] = r;
  }
  void give_back(const ValueIds& inputs, std::size_t k) {
    std::set<ValueId> read;
    for (ValueId v : inputs) read.insert(uses_.root(v));
    for (ValueId v : read)
      if (const auto r = find(v); r && last_read_[v] == k) free_.push_back(*r);
  }
  std::size_t count() const { return count_; }

 private:
  const Uses& uses_;
  std::map<ValueId, std::size_t> last_read_;
  std::map<ValueId, std::size_t> held_;
  std::vector<std::size_t> free_;
  std::size_t count_ = 0;
};

}  // namespace

bool is_elementwise(const Uses& uses, const Instruction& i) {
  const Program& p = uses.program();
  if (!i.op->kernel.tile || i.inputs.empty() || i.inputs.size() > 3 || i.outputs.size() != 1)
    return false;
  const TensorType& out = p.type(i.outputs[0]);
  return i.op->kernel.tile(p.type(i.inputs.back()).dtype, out.dtype) &&
         std::all_of(i.inputs.begin(), i.inputs.end(), [&](ValueId v) {
           return as_operand({}, p.shape(v), out.shape, uses.there_before(v)) ||
                  is_row_of_matrix(p.shape(v), out.shape, uses.there_before(v));
         });
}

int64_t matrix_rows(const Uses& uses, const Instruction& i) {
  const Program& p = uses.program();
  if (folds_columns(p, i)) return p.shape(i.inputs[0])[-2];
  const Shape& out = p.shape(i.outputs[0]);
  const bool knows = std::any_of(i.inputs.begin(), i.inputs.end(), [&](ValueId v) {
    return !as_operand({}, p.shape(v), out, uses.there_before(v)) &&
           is_row_of_matrix(p.shape(v), out, uses.there_before(v));
  });
  return knows && !folds_rows(p, i) ? out[-2] : 0;
}

int64_t cols_of(const Program& p, const Instruction& i) {
  return cols_of(p.shape(folds_rows(p, i) ? i.inputs[0] : i.outputs[0]));
}
int64_t rows_of(const Program& p, const Instruction& i) {
  return rows_of(p.shape(folds_columns(p, i) ? i.inputs[0] : i.outputs[0]));
}

// One op of a group: an instruction, or a sum together with the product that it sums.
struct Tiles::Member {
  const Instruction* instruction;
  ValueIds inputs;
  Shape shape;  // in which it reads its inputs
  Tile tile;
  bool folds, sums_rows;
};

// In matrices, a sum also computes a product that it alone reads: the product is never written.
std::vector<Tiles::Member> Tiles::members_of(const TileStage& group,
                                             const std::vector<const Instruction*>& members) const {
  std::map<const Instruction*, Member> sums;
  std::set<const Instruction*> gone;
  for (const Instruction* i : members) {
    const ValueId out = i->outputs[0];
    if (group.matrix_rows == 0 || !i->is(multiply_op) || places_.placed(out) ||
        uses_.readers(out).size() != 1)
      continue;
    const Instruction& sum = *uses_.readers(out)[0];
    const std::optional<Member> made = with_product(sum, *i);
    if (made && sums.emplace(&sum, *made).second) gone.insert(i);
  }
  std::vector<Member> all;
  for (const Instruction* i : members) {
    if (gone.contains(i)) continue;
    const auto at = sums.find(i);
    all.push_back(at != sums.end() ? at->second : alone(*i));
  }
  return all;
}

Tiles::Member Tiles::alone(const Instruction& i) const {
  const Program& p = uses_.program();
  const TensorType &type = uses_.type(i.outputs[0]), &from = uses_.type(i.inputs.back());
  const bool rows = folds_columns(p, i), folds = !rows && folds_rows(p, i);
  return {&i,
          i.inputs,
          folds || rows ? from.shape : type.shape,
          rows    ? column_sum(type.dtype)
          : folds ? i.op->kernel.fold(type.dtype)
                  : i.op->kernel.tile(from.dtype, type.dtype),
          folds,
          rows};
}

std::optional<Tiles::Member> Tiles::with_product(const Instruction& sum,
                                                 const Instruction& product) const {
  const Program& p = uses_.program();
  const ValueId out = product.outputs[0];
  const Shape& shape = p.shape(out);
  const DType dtype = p.type(out).dtype;
  const auto wide = [&](ValueId v) { return cols_of(p.shape(v)) == shape.back(); };
  const bool adds = sum.is(add_op) && shape.back() > 1, rows = folds_columns(p, sum);
  ValueIds inputs = product.inputs;
  if (!wide(inputs[0])) std::swap(inputs[0], inputs[1]);
  if (!wide(inputs[0]) || !sum.reads(out) || !product_sum(dtype)) return {};
  if (adds) {
    const ValueId other = sum.inputs[sum.inputs[0] == out ? 1 : 0];
    if (other == out || !wide(other) || p.shape(sum.outputs[0]) != shape) return {};
    inputs.push_back(other);
    return Member{&sum, std::move(inputs), shape, product_sum(dtype), false, false};
  }
  if (rows) return Member{&sum, std::move(inputs), shape, column_dot(dtype), false, true};
  if (!wide(inputs[1]) || !folds_rows(p, sum) || !(sum.is(sum_to_op) || sum.is(sum_op))) return {};
  return Member{&sum, std::move(inputs), shape, row_dot(dtype), true, false};
}

// Whether each operand has all rows of a matrix adjacent.
bool is_one_run(const TileOp& op, const Uses& uses, const ValueIds& inputs, const TensorType& out) {
  const auto goes_on = [&](int64_t apart, int64_t stride, DType dtype) {
    return apart == stride * op.cols * static_cast<int64_t>(size_of(dtype));
  };
  for (std::size_t n = 0; n < inputs.size(); ++n)
    if (!goes_on(op.rows.inputs[n], op.strides[n], uses.type(inputs[n]).dtype)) return false;
  return goes_on(op.rows.output, 1, out.dtype);
}

void Tiles::fill(TileStage& group, const std::vector<const Instruction*>& members) {
  const std::vector<Member> made = members_of(group, members);
  Registers registers(uses_);
  for (std::size_t k = 0; k < made.size(); ++k) registers.reads(made[k].inputs, k);
  group.in_one_run = !group.whole_rows;
  if (group.whole_rows) group.tile_length = (group.cols + 7) / 8 * 8;
  const bool matrices = group.matrix_rows > 0;
  group.tile_rows = std::clamp<int64_t>(
      (matrices ? matrix_tile_elements : tile_elements) / std::max<int64_t>(group.cols, 1), 1,
      matrices ? group.matrix_rows : std::max<int64_t>(group.rows, 1));
  for (std::size_t k = 0; k < made.size(); ++k) {
    const Member& m = made[k];
    const Instruction& i = *m.instruction;
    const ValueId out = i.outputs[0];
    const TensorType& type = uses_.type(out);
    TileOp op{i.op, m.tile, static_cast<int>(m.inputs.size()), {}, {}, {}, cols_of(m.shape), {}};
    op.sums_rows = m.sums_rows;
    for (std::size_t n = 0; n < m.inputs.size(); ++n) {
      const ValueId v = m.inputs[n];
      const auto held = registers.find(v);
      std::tie(op.inputs[n], op.matrices[n]) =
          held ? std::pair(in_register(group, *held, uses_.type(v).dtype), int64_t{0})
               : operand(v, m.shape, group);
      op.strides[n] = held ? cols_of(uses_.type(v).shape) == op.cols : op.inputs[n].col_stride != 0;
      op.rows.inputs[n] = row_bytes(op.inputs[n], uses_.type(v));
      group.in_one_run &= runs_on(op.inputs[n]);
    }
    op.out = places_.placed(out) ? places_.region(out)
                                 : in_register(group, registers.take(out), type.dtype);
    op.out_matrices = op.out.row_stride * (m.sums_rows ? 1 : group.matrix_rows);
    if (m.sums_rows) op.out.row_stride = 0;
    op.rows.output = m.sums_rows ? 0 : row_bytes(op.out, type);
    if (group.whole_rows && !m.folds && !m.sums_rows && op.cols == 1) run_in_column(op, uses_, i);
    op.side_by_side = group.matrix_rows > 0 && !m.folds && !m.sums_rows &&
                      op.column_multiple == 0 && is_one_run(op, uses_, m.inputs, type);
    registers.give_back(m.inputs, k);
    group.in_one_run &= runs_on(op.out);
    group.ops.push_back(op);
  }
  group.registers = registers.count();
  if (matrices) compile_matrices(group);
}

// Repeats rows that are fewer than those of the result, and a single narrow row, so that the group
// can run over all rows at once.
std::pair<Region, int64_t> Tiles::operand(ValueId v, const Shape& shape, const TileStage& group) {
  const Shape& own = uses_.type(v).shape;
  const std::optional<Region> as_rows =
      as_operand(places_.region(v), own, shape, uses_.there_before(v));
  if (!as_rows) {  // one row for each matrix
    Region row = places_.region(v);
    if (own.back() == 1) row.col_stride = 0;
    const int64_t matrices = rows_of(shape) / shape[-2];
    row.rows = rows_of(own);
    if (row.rows < matrices) row = written_out(v, row, matrices);
    const int64_t apart = std::exchange(row.row_stride, 0);
    return {row, apart};
  }
  const auto with_matrices = [&group](const Region& r) {
    return std::pair(r, r.row_stride * group.matrix_rows);
  };
  Region r = *as_rows;
  const int64_t rows = rows_of(shape);
  if (r.rows < rows) return with_matrices(written_out(v, r, rows));
  const bool one_row = r.row_stride == 0 && r.col_stride != 0;
  const bool worth = !group.whole_rows && r.cols <= Plan::few_columns;
  if (!one_row || !worth || !uses_.there_before(v)) return with_matrices(r);
  r.rows = 1;
  return with_matrices(written_out(v, r, rows));
}

Region Tiles::written_out(ValueId v, const Region& rows, int64_t count) {
  Region all = rows;
  all.rows = count;
  all.offset = 0;
  all.row_stride = rows.col_stride == 0 ? static_cast<int64_t>(size_of(rows.dtype))
                                        : rows.cols * rows.col_stride;
  const auto [at, is_new] = written_out_.emplace(std::pair{v, count}, 0);
  if (is_new)
    at->second =
        places_.block({Block::fixed, 0, false, static_cast<std::size_t>(count * all.row_stride)});
  all.block = at->second;
  if (is_new) plan_.repeated.emplace_back(rows, all);
  return all;
}

}  // namespace tempo
