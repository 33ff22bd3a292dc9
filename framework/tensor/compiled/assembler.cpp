// SPDX-License-Identifier: Apache-2.0
// Writes the machine code of a loop, with Xbyak. Some rows run together, so that a row that all of
// them read is loaded once, and so that the sums of columns are loaded and stored once for them.
#include "tensor/compiled/assembler.hpp"

#include "tensor/compiled/passes.hpp"
#include "tensor/cpu.hpp"
#include "tensor/sanitizers.hpp"

#if TEMPO_X86

#include <algorithm>
#include <map>

#include "tensor/compiled/frame.hpp"

namespace tempo {

namespace {

using Function = MatrixLoop::Function;
using Memory = MatrixLoop::Memory;
using Op = MatrixLoop::Op;
using Operand = MatrixLoop::Operand;
using Result = MatrixLoop::Result;

class Assembler : public Frame {
 public:
  Assembler(const MatrixLoop& loop, const RegisterUse& use)
      : Assembler(loop, use, passes_of(loop)) {}

  /// False if there are too few registers.
  bool write() {
    enter();
    start_column_sums();
    const int64_t groups = loop_.rows / use().rows, left = loop_.rows % use().rows;
    Xbyak::Label next;
    mov(count, static_cast<uint64_t>(groups));
    L(next);
    for (const LoopPass& pass : passes_) write_pass(pass, use().rows);
    go_on();
    dec(count);
    jnz(next, T_NEAR);
    if (left > 0)
      for (const LoopPass& pass : passes_) write_pass(pass, left);
    leave();
    return enough();
  }

 private:
  Assembler(const MatrixLoop& loop, const RegisterUse& use, std::vector<LoopPass> passes)
      : Frame(loop, use, read_in_later_passes(loop, passes)),
        loop_(loop),
        passes_(std::move(passes)),
        read_later_(read_in_later_passes(loop, passes_)) {}

  // Whatever an op reads: a result, what an address leads to, or the number -1.
  using Source = std::size_t;
  struct Reads {
    int left = 0, of_row = 0;  // by the ops of the present pass
    Register held = none;
    std::vector<Register> numbers;  // held through a pass: one for each row, or one for all
  };

  Source minus_one() const { return loop_.ops.size() + n_addresses(); }
  Source source_of(const Operand& o) const {
    const auto* memory = std::get_if<Memory>(&o);
    return memory ? loop_.ops.size() + memory->address : std::get<Result>(o);
  }

  // --- registers

  // The register with an operand of a row, which is loaded if none has it.
  Register read(const Operand& o, int64_t row) {
    Reads& r = reads_[source_of(o)];
    if (!r.numbers.empty())
      return r.numbers[r.numbers.size() == 1 ? 0 : static_cast<std::size_t>(row)];
    if (r.held != none) return r.held;
    r.held = take();
    if (!loop_.is_wide(o))
      repeat(r.held, number_at(o, row));
    else if (const auto* memory = std::get_if<Memory>(&o))
      move(vector(r.held), wide_at(*memory, row));
    else  // a result of an earlier pass
      move(vector(r.held), wide_at(loop_.ops[std::get<Result>(o)].out, row));
    return r.held;
  }
  bool is_last_read(const Operand& o) const {
    const Reads& r = reads_[source_of(o)];
    return r.numbers.empty() && r.left == 1;
  }
  void have_read(const Operand& o) {
    Reads& r = reads_[source_of(o)];
    if (--r.left > 0 || !r.numbers.empty()) return;
    give_back(r.held);
    r.held = none;
  }
  void have_read(const Op& op) {
    for (const Operand& o : op.inputs) have_read(o);
  }

  // --- narrow values: op by op, row by row

  void write_narrow(Result k, int64_t row) {
    const Op& op = loop_.ops[k];
    const Xbyak::Xmm a = xmm0, b = xmm1, total = xmm2;
    const auto operand = [&](std::size_t n) { return number_at(op.inputs[n], row); };
    load_number(a, operand(0));
    switch (op.function) {
      case Function::add: add_numbers(a, a, operand(1)); break;
      case Function::subtract: subtract_numbers(a, a, operand(1)); break;
      case Function::multiply: multiply_numbers(a, a, operand(1)); break;
      case Function::negative: multiply_numbers(a, a, minus_one_at()); break;
      case Function::square: multiply_numbers(a, a, a); break;
      case Function::multiply_add:
        load_number(b, operand(1));
        load_number(total, operand(2));
        add_product_of_numbers(total, a, b);
        vmovaps(a, total);
        break;
      case Function::column_sum: add_numbers(a, a, ptr[row_of(op.out, 0)]); break;
      case Function::column_dot:
        load_number(b, operand(1));
        load_number(total, ptr[row_of(op.out, 0)]);
        add_product_of_numbers(total, a, b);
        vmovaps(a, total);
        break;
      case Function::row_sum:
      case Function::row_dot: break;  // of wide values only
    }
    store_number(slot(k, row), a);
    if (op.kept) store_number(ptr[row_of(op.out, row)], a);
  }

  // --- a pass over the columns

  void write_pass(const LoopPass& pass, int64_t rows) {
    for (Result k : pass.narrow)
      for (int64_t row = 0; row < rows; ++row) write_narrow(k, row);
    if (pass.wide.empty()) return;
    count_reads(pass);
    start_row_sums(pass, rows);
    hold_numbers(pass, rows);
    Xbyak::Label next;
    xor_(column.cvt32(), column.cvt32());
    L(next);
    load_column_sums(pass);
    for (Reads& r : reads_) r.left = static_cast<int>(rows) * r.of_row;
    for (int64_t row = 0; row < rows; ++row) {
      start_row(pass);
      for (Result k : pass.wide) write_wide(k, row);
    }
    store_column_sums(pass);
    const auto bytes = static_cast<uint32_t>(loop_.cols * size());
    if (bytes > static_cast<uint32_t>(use().vector_bytes)) {
      add(column, static_cast<uint32_t>(use().vector_bytes));
      cmp(column, bytes);
      jb(next, T_NEAR);
    }
    for (Reads& r : reads_) {
      for (Register n : r.numbers) give_back(n);
      r.numbers.clear();
    }
    for (Result k : pass.wide)
      if (loop_.folds_rows(loop_.ops[k])) store_row_sums(k, rows);
  }

  void count_reads(const LoopPass& pass) {
    reads_.assign(minus_one() + 1, {});
    for (Result k : pass.wide) {
      for (const Operand& o : loop_.ops[k].inputs) ++reads_[source_of(o)].of_row;
      reads_[minus_one()].of_row += loop_.ops[k].function == Function::negative;
    }
  }

  // Whether one row is for all rows.
  bool is_shared(const Operand& o) const {
    const auto* memory = std::get_if<Memory>(&o);
    return memory && memory->row_stride == 0;
  }

  // A wide value of all rows keeps its register and its count; the others are those of the new row.
  void start_row(const LoopPass& pass) {
    for (Result k : pass.wide)
      for (const Operand& o : loop_.ops[k].inputs) {
        Reads& r = reads_[source_of(o)];
        if (!is_shared(o)) r.left = r.of_row;
      }
  }

  // Numbers that stay in registers through all columns, as many as there may be.
  void hold_numbers(const LoopPass& pass, int64_t rows) {
    int left = use().numbers;
    if (Reads& r = reads_[minus_one()]; r.of_row > 0) {  // it has no other place
      r.numbers = {take()};
      repeat(r.numbers[0], minus_one_at());
    }
    for (const bool shared : {true, false})
      for (Result k : pass.wide)
        for (const Operand& o : loop_.ops[k].inputs) {
          Reads& r = reads_[source_of(o)];
          const int64_t n = shared ? 1 : rows;
          if (loop_.is_wide(o) || is_shared(o) != shared || !r.numbers.empty() || n > left)
            continue;
          left -= static_cast<int>(n);
          for (int64_t row = 0; row < n; ++row) {
            r.numbers.push_back(take());
            repeat(r.numbers.back(), number_at(o, row));
          }
        }
  }

  void write_wide(Result k, int64_t row) {
    const Op& op = loop_.ops[k];
    const auto in = [&](std::size_t n) { return vector(read(op.inputs[n], row)); };
    if (loop_.folds_rows(op) || loop_.folds_columns(op)) {
      const Xbyak::Xmm sum =
          vector(sums_[k][loop_.folds_rows(op) ? static_cast<std::size_t>(row) : 0]);
      if (op.inputs.size() == 2)
        add_product(sum, in(0), in(1));
      else
        add_vectors(sum, sum, in(0));
      have_read(op);
      return;
    }
    if (op.function == Function::multiply_add) return put(k, row, write_multiply_add(op, row));
    const Xbyak::Xmm a = in(0), b = op.inputs.size() == 2 ? in(1) : a;
    have_read(op);
    const Register made = take();
    switch (op.function) {
      case Function::add: add_vectors(vector(made), a, b); break;
      case Function::subtract: subtract_vectors(vector(made), a, b); break;
      case Function::negative:
        multiply_vectors(vector(made), a, vector(reads_[minus_one()].numbers[0]));
        break;
      default: multiply_vectors(vector(made), a, b);  // multiply and square
    }
    put(k, row, made);
  }

  // In the register of an operand that no later op reads, if there is one.
  Register write_multiply_add(const Op& op, int64_t row) {
    const Register a = read(op.inputs[0], row), b = read(op.inputs[1], row),
                   c = read(op.inputs[2], row);
    Register made = none;
    if (is_last_read(op.inputs[2])) {
      made = c;
      add_product(vector(c), vector(a), vector(b));
    } else if (is_last_read(op.inputs[0])) {
      made = a;
      multiply_and_add(vector(a), vector(b), vector(c));
    } else if (is_last_read(op.inputs[1])) {
      made = b;
      multiply_and_add(vector(b), vector(a), vector(c));
    } else {
      made = take();
      move(vector(made), vector(c));
      add_product(vector(made), vector(a), vector(b));
    }
    have_read(op);
    keep(made);
    return made;
  }

  void put(Result k, int64_t row, Register made) {
    const Op& op = loop_.ops[k];
    if (op.kept || read_later_[k]) move(wide_at(op.out, row), vector(made));
    if (reads_[k].of_row == 0)
      give_back(made);
    else
      reads_[k].held = made;
  }

  // --- sums

  void start_column_sums() {
    clear(0);
    for (const Op& op : loop_.ops) {
      if (!loop_.folds_columns(op)) continue;
      const Xbyak::RegExp out = row_of(op.out, 0);
      if (!op.wide) store_number(ptr[out], xmm0);
      for (int64_t at = 0; op.wide && at < loop_.cols * size(); at += use().vector_bytes)
        move(ptr[out + static_cast<std::size_t>(at)], vector(0));
    }
  }
  void load_column_sums(const LoopPass& pass) {
    for (Result k : pass.wide) {
      if (!loop_.folds_columns(loop_.ops[k])) continue;
      sums_[k] = {take()};
      move(vector(sums_[k][0]), wide_at(loop_.ops[k].out, 0));
    }
  }
  void store_column_sums(const LoopPass& pass) {
    for (Result k : pass.wide) {
      if (!loop_.folds_columns(loop_.ops[k])) continue;
      move(wide_at(loop_.ops[k].out, 0), vector(sums_[k][0]));
      give_back(sums_[k][0]);
    }
  }

  // The first registers of a pass: add_neighbours knows only the first 16.
  void start_row_sums(const LoopPass& pass, int64_t rows) {
    constexpr Register last = 11;  // which leaves some for what adds them up
    for (Result k : pass.wide) {
      if (!loop_.folds_rows(loop_.ops[k])) continue;
      sums_[k].clear();
      for (int64_t row = 0; row < rows; ++row) {
        sums_[k].push_back(take());
        if (sums_[k].back() > last) too_few();
        clear(sums_[k].back());
      }
    }
  }
  // Adds up the elements of the vectors of all rows at once.
  void store_row_sums(Result k, int64_t rows) {
    const Op& op = loop_.ops[k];
    const std::vector<Register>& sums = sums_[k];
    const auto of = [&](int64_t row) {
      return Xbyak::Ymm(sums[static_cast<std::size_t>(std::min(row, rows - 1))]);
    };
    const Register half = take();
    if (use().vector_bytes == 64)
      for (int64_t row = 0; row < rows; ++row) {
        vextractf64x4(Xbyak::Ymm(half), Xbyak::Zmm(of(row).getIdx()), 1);
        add_vectors(of(row), of(row), Xbyak::Ymm(half));
      }
    const auto add_halves = [&](const Xbyak::Ymm& y, int64_t row) {
      const Xbyak::Xmm x(y.getIdx());
      vextractf128(Xbyak::Xmm(half), y, 1);
      add_vectors(x, x, Xbyak::Xmm(half));
      move(slot(k, row), x);
    };
    for (int64_t row = 0; row < rows; row += 2) add_neighbours(of(row), of(row), of(row + 1));
    if (is_float()) {
      add_neighbours(of(0), of(0), rows > 2 ? of(2) : of(0));
      add_halves(of(0), 0);
    } else {
      for (int64_t row = 0; row < rows; row += 2) add_halves(of(row), row);
    }
    give_back(half);
    for (Register r : sums) give_back(r);
    for (int64_t row = 0; op.kept && row < rows; ++row) {
      load_number(xmm0, slot(k, row));
      store_number(ptr[row_of(op.out, row)], xmm0);
    }
  }

  const MatrixLoop loop_;
  const std::vector<LoopPass> passes_;
  const std::vector<bool> read_later_;  // whether a later pass reads each result
  std::vector<Reads> reads_;
  std::map<Result, std::vector<Register>> sums_;
};

class Code final : public CompiledLoop {
 public:
  explicit Code(std::unique_ptr<Assembler> assembler)
      : assembler_(std::move(assembler)), run_(assembler_->getCode<void (*)(char* const*)>()) {}
  TEMPO_CALLS_MADE_CODE void operator()(char* const* addresses) const override { run_(addresses); }

 private:
  std::unique_ptr<Assembler> assembler_;  // owns the memory
  void (*run_)(char* const*);
};

}  // namespace

std::shared_ptr<const CompiledLoop> assemble(const MatrixLoop& loop, const RegisterUse& use) try {
  auto assembler = std::make_unique<Assembler>(loop, use);
  if (!assembler->write()) return nullptr;
  assembler->readyRE();
  return std::make_shared<Code>(std::move(assembler));
} catch (const Xbyak::Error&) {
  return nullptr;
}

}  // namespace tempo

#else

namespace tempo {

std::shared_ptr<const CompiledLoop> assemble(const MatrixLoop&, const RegisterUse&) {
  return nullptr;
}

}  // namespace tempo

#endif
