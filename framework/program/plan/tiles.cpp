// SPDX-License-Identifier: Apache-2.0
// Elementwise ops and folds, bound to places: what only their own group reads lives in registers of
// the tile.
#include <algorithm>
#include <optional>

#include "program/plan/planner.hpp"

namespace tempo {

namespace {

constexpr int64_t tile_elements = 512;  // of several rows: calls are few, and all stays in L1

// The rows of a value that is there for all of these rows, again and again, if it is; else 0.
int64_t rows_repeated(const Shape& s, const Shape& out) {
  const auto* first = std::find_if(s.begin(), s.end(), [](int64_t n) { return n != 1; });
  if (s.end() - first > out.rank() || s.back() == 0) return 0;
  const auto* const last = s.back() == 1 ? s.end() - 1 : s.end();
  if (first > last || !std::equal(first, last, out.end() - (s.end() - first))) return 0;
  return rows_of(s);
}

// An operand of this shape as a result of that shape reads it, if a tile can. It has fewer rows
// than the result where those have to be written out before the loop.
std::optional<Region> as_operand(Region r, const Shape& s, const Shape& out, bool there_before) {
  r.rows = rows_of(out);
  r.cols = cols_of(out);
  if (s.count() == 1) {
    r.row_stride = r.col_stride = 0;
    return r;
  }
  if (s == out) return r;
  if (s.rank() >= 1 && s.count() == s.back() && s.back() == cols_of(out)) {  // one row for all
    r.row_stride = 0;
    return r;
  }
  if (s.rank() >= 1 && s.back() == 1) r.col_stride = 0;  // one element for each row
  if (s.rank() == out.rank() && s.back() == 1 && std::equal(s.begin(), s.end() - 1, out.begin()))
    return r;
  if (!there_before || s.rank() < 1 || rows_repeated(s, out) == 0) return std::nullopt;
  r.rows = rows_repeated(s, out);
  return r;
}

Region in_register(const TileStage& group, std::size_t r, DType dtype) {
  return {Plan::in_register, r * group.register_bytes(), 0, 0, 0, 0, dtype};
}

bool runs_on(const Region& r) {
  if (r.row_stride == 0 && r.col_stride == 0) return true;
  return r.col_stride != 0 && r.row_stride == r.cols * r.col_stride;
}

// From row to row of an operand; in a register they lie side by side.
int64_t row_bytes(const Region& r, const TensorType& type) {
  return r.block == Plan::in_register
             ? cols_of(type.shape) * static_cast<int64_t>(size_of(type.dtype))
             : r.row_stride;
}

// One call for a column, where its elements lie side by side; in registers, for whole vectors.
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

// Registers of a group, each free again after the last op that reads its value.
class Registers {
 public:
  Registers(const Uses& uses, const std::vector<const Instruction*>& members) : uses_(uses) {
    for (std::size_t k = 0; k < members.size(); ++k)
      for (ValueId v : members[k]->inputs) last_read_[uses.root(v)] = k;
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
  void give_back(const Instruction& i, std::size_t k) {
    std::set<ValueId> read;
    for (ValueId v : i.inputs) read.insert(uses_.root(v));
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
           return as_operand({}, p.shape(v), out.shape, uses.there_before(v)).has_value();
         });
}

int64_t cols_of(const Program& p, const Instruction& i) {
  return cols_of(p.shape(folds_rows(p, i) ? i.inputs[0] : i.outputs[0]));
}

void Tiles::fill(TileStage& group, const std::vector<const Instruction*>& members) {
  const Program& p = uses_.program();
  Registers registers(uses_, members);
  group.in_one_run = !group.whole_rows;
  if (group.whole_rows) group.tile_length = (group.cols + 7) / 8 * 8;
  group.tile_rows =
      std::max<int64_t>(1, std::min(tile_elements / std::max<int64_t>(group.cols, 1), group.rows));
  for (std::size_t k = 0; k < members.size(); ++k) {
    const Instruction& i = *members[k];
    const ValueId out = i.outputs[0];
    const TensorType& type = uses_.type(out);
    const bool folds = folds_rows(p, i);
    TileOp op{i.op,
              folds ? i.op->kernel.fold(type.dtype)
                    : i.op->kernel.tile(uses_.type(i.inputs.back()).dtype, type.dtype),
              static_cast<int>(i.inputs.size()),
              {},
              {},
              {},
              cols_of(p, i),
              {}};
    for (std::size_t n = 0; n < i.inputs.size(); ++n) {
      const ValueId v = i.inputs[n];
      const auto held = registers.find(v);
      op.inputs[n] = held ? in_register(group, *held, uses_.type(v).dtype)
                          : operand(v, folds ? uses_.type(v).shape : type.shape, group);
      op.strides[n] = held ? cols_of(uses_.type(v).shape) == op.cols : op.inputs[n].col_stride != 0;
      op.rows.inputs[n] = row_bytes(op.inputs[n], uses_.type(v));
      group.in_one_run &= runs_on(op.inputs[n]);
    }
    op.out = places_.placed(out) ? places_.region(out)
                                 : in_register(group, registers.take(out), type.dtype);
    op.rows.output = row_bytes(op.out, type);
    if (group.whole_rows && !folds && op.cols == 1) run_in_column(op, uses_, i);
    registers.give_back(i, k);
    group.in_one_run &= runs_on(op.out);
    group.ops.push_back(op);
  }
  group.registers = registers.count();
}

// Some rows that are there for all become as many rows; so does one narrow row, so that the group
// may run over all of them at once.
Region Tiles::operand(ValueId v, const Shape& shape, const TileStage& group) {
  Region r = *as_operand(places_.region(v), uses_.type(v).shape, shape, uses_.there_before(v));
  const int64_t rows = rows_of(shape);
  if (r.rows < rows) return written_out(v, r, rows);
  const bool one_row = r.row_stride == 0 && r.col_stride != 0;
  const bool worth = !group.whole_rows && r.cols <= Plan::few_columns;
  if (!one_row || !worth || !uses_.there_before(v)) return r;
  r.rows = 1;
  return written_out(v, r, rows);
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
