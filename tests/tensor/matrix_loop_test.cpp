// SPDX-License-Identifier: Apache-2.0
// Loops over a matrix as machine code, beside the same ops one by one in double.
#define BOOST_TEST_MODULE matrix_loop
#include "tensor/compiled/matrix_loop.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "instruction_sets.hpp"
#include "tensor/compiled/passes.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

using Function = MatrixLoop::Function;
using Memory = MatrixLoop::Memory;
using Operand = MatrixLoop::Operand;
using enum MatrixLoop::Function;

constexpr int64_t gap = 3;  // elements between two rows, which no loop may read or write

// The values of an operand for all rows and columns, and for each the sum of the magnitudes that it
// was made of, which bounds the error of rounding.
struct Values {
  std::vector<double> exact, magnitude;
};

// A loop, the memory that it runs on, and what each op makes in double.
template <class T>
class Bench {
 public:
  Bench(int64_t rows, int64_t cols, unsigned seed)
      : loop{sizeof(T) == 4 ? float32 : float64, rows, cols, {}}, random_(seed) {}

  Operand matrix() { return fresh(loop.cols + gap, true); }
  Operand row() { return fresh(0, true); }            // one for all rows
  Operand column() { return fresh(1 + gap, false); }  // one number for each row
  Operand number() { return fresh(0, false); }        // one for all rows

  // `kept`: whether the result is written to memory of its own, or else to `place`.
  Operand op(Function function, std::vector<Operand> inputs, bool kept = true,
             const Operand* place = nullptr) {
    MatrixLoop::Op made{function, std::move(inputs), false, {}, kept};
    for (const Operand& o : made.inputs) made.wide |= loop.is_wide(o);
    const bool wide_out = made.wide && !loop.folds_rows(made);
    const Operand out = place                      ? *place
                        : loop.folds_columns(made) ? (wide_out ? row() : number())
                        : !kept                    ? fresh(loop.cols, true)
                        : wide_out                 ? matrix()
                                                   : column();
    made.out = std::get<Memory>(out);
    made.out.wide = wide_out;
    results_.push_back(values_of(made));
    loop.ops.push_back(std::move(made));
    return loop.ops.size() - 1;
  }
  Operand inside(Function function, std::vector<Operand> inputs) {
    return op(function, std::move(inputs), false);
  }

  // Whether there is code for it, which is then run and compared.
  bool check() {
    const auto code = compile(loop);
    if (!code) return false;
    std::vector<std::vector<T>> after = memory_;
    std::vector<char*> addresses;
    for (std::vector<T>& m : after) addresses.push_back(reinterpret_cast<char*>(m.data()));
    (*code)(addresses.data());
    for (std::size_t k = 0; k < loop.ops.size(); ++k) check_result(k, after);
    for (std::size_t a = 0; a < memory_.size(); ++a)
      BOOST_TEST(std::memcmp(after[a].data(), memory_[a].data(), after[a].size() * sizeof(T)) == 0,
                 "memory " << a << " was written where nothing is kept");
    return true;
  }

  MatrixLoop loop;

 private:
  Operand fresh(int64_t stride, bool wide) {
    const int64_t length = wide ? loop.cols : 1, rows = stride == 0 ? 1 : loop.rows;
    std::vector<T> elements(static_cast<std::size_t>((rows - 1) * stride + length + gap),
                            std::numeric_limits<T>::quiet_NaN());
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < length; ++c)
        elements[static_cast<std::size_t>(r * stride + c)] =
            std::uniform_real_distribution<T>(-1, 1)(random_);
    memory_.push_back(std::move(elements));
    return Memory{memory_.size() - 1, stride * static_cast<int64_t>(sizeof(T)), wide};
  }

  T& element(std::vector<std::vector<T>>& memory, const Memory& m, int64_t r, int64_t c) const {
    const int64_t at = r * m.row_stride / static_cast<int64_t>(sizeof(T)) + (m.wide ? c : 0);
    return memory[m.address][static_cast<std::size_t>(at)];
  }

  std::size_t at(int64_t r, int64_t c) const { return static_cast<std::size_t>(r * loop.cols + c); }

  Values values_of(const Operand& o) {
    if (const auto* k = std::get_if<MatrixLoop::Result>(&o)) return results_[*k];
    Values v;
    for (int64_t r = 0; r < loop.rows; ++r)
      for (int64_t c = 0; c < loop.cols; ++c) {
        v.exact.push_back(element(memory_, std::get<Memory>(o), r, c));
        v.magnitude.push_back(std::abs(v.exact.back()));
      }
    return v;
  }

  Values values_of(const MatrixLoop::Op& op) {
    std::vector<Values> in;
    for (const Operand& o : op.inputs) in.push_back(values_of(o));
    return {made_of(op, in, &Values::exact, -1), made_of(op, in, &Values::magnitude, 1)};
  }

  // With `less` 1 in place of -1, of magnitudes.
  std::vector<double> made_of(const MatrixLoop::Op& op, const std::vector<Values>& inputs,
                              std::vector<double> Values::*of, double less) const {
    const auto in = [&](std::size_t n, std::size_t i) { return (inputs[n].*of)[i]; };
    std::vector<double> all(inputs[0].exact.size());
    for (std::size_t i = 0; i < all.size(); ++i) switch (op.function) {
        case add: all[i] = in(0, i) + in(1, i); break;
        case subtract: all[i] = in(0, i) + less * in(1, i); break;
        case multiply:
        case row_dot:
        case column_dot: all[i] = in(0, i) * in(1, i); break;
        case multiply_add: all[i] = in(0, i) * in(1, i) + in(2, i); break;
        case Function::negative: all[i] = less * in(0, i); break;
        case square: all[i] = in(0, i) * in(0, i); break;
        case row_sum:
        case column_sum: all[i] = in(0, i); break;
      }
    std::vector<double> sums(all.size());
    for (int64_t r = 0; r < loop.rows; ++r)
      for (int64_t c = 0; c < loop.cols; ++c)
        for (int64_t n = 0; n < (loop.folds_rows(op) ? loop.cols : loop.rows); ++n)
          sums[at(r, c)] += loop.folds_rows(op) ? all[at(r, n)] : all[at(n, c)];
    return loop.folds_rows(op) || loop.folds_columns(op) ? sums : all;
  }

  // Also puts back what was there before.
  void check_result(std::size_t k, std::vector<std::vector<T>>& after) {
    const MatrixLoop::Op& op = loop.ops[k];
    if (!op.kept) {  // scratch
      after[op.out.address] = memory_[op.out.address];
      return;
    }
    const double tolerance = 300 * std::numeric_limits<T>::epsilon();
    for (int64_t r = 0; r < (op.out.row_stride == 0 ? 1 : loop.rows); ++r)
      for (int64_t c = 0; c < (op.out.wide ? loop.cols : 1); ++c) {
        T& made = element(after, op.out, r, c);
        const double error = std::abs(made - results_[k].exact[at(r, c)]);
        if (!(error <= tolerance * results_[k].magnitude[at(r, c)]))
          BOOST_ERROR("op " << k << ", row " << r << ", column " << c << ": " << made << " and not "
                            << results_[k].exact[at(r, c)]);
        made = element(memory_, op.out, r, c);
      }
  }

  std::mt19937 random_;
  std::vector<std::vector<T>> memory_;
  std::vector<Values> results_;
};

// --- named loops

// Gated DeltaNet: s' = g s + b (v - (g s) k) k^T, y = s' q.
template <class T>
void delta_rule(Bench<T>& b) {
  const Operand s = b.matrix(), k = b.row(), q = b.row(), v = b.column(), beta = b.column();
  const Operand decayed = b.inside(multiply, {b.number(), s}),
                read = b.inside(row_dot, {decayed, k}),
                change = b.inside(multiply, {b.inside(subtract, {v, read}), beta});
  b.op(row_dot, {b.op(multiply_add, {change, k, decayed}), q});
}

// All that the gradient of a matrix memory sums.
template <class T>
void gradient_of_a_memory(Bench<T>& b) {
  const Operand s = b.matrix(), ds = b.matrix(), dy = b.column(), k = b.column(), v = b.row(),
                q = b.row(), decay = b.number();
  const Operand decayed = b.inside(multiply, {decay, s});
  const Operand next = b.inside(multiply_add, {k, v, decayed});
  const Operand total = b.inside(multiply_add, {dy, q, ds});
  b.op(column_dot, {next, dy});
  const Operand of_decay = b.op(row_dot, {total, s});
  b.op(column_sum, {of_decay});
  b.op(multiply, {decay, total});
  b.op(row_dot, {total, v});
  b.op(column_dot, {total, k});
}

template <class T>
void many_sums_of_rows(Bench<T>& b) {
  std::vector<Operand> sums;
  const Operand s = b.matrix();
  for (int n = 0; n < 5; ++n) sums.push_back(b.op(row_dot, {s, b.row()}));
  for (const Operand& sum : sums) b.op(multiply, {sum, s});
  b.op(row_sum, {s});
}

template <class T>
void many_addresses(Bench<T>& b) {
  Operand total = b.matrix();
  for (int n = 0; n < 12; ++n)
    total = b.op(multiply_add, {b.matrix(), n % 2 == 0 ? b.matrix() : b.column(), total});
  b.op(column_sum, {total});
  for (int n = 0; n < 3; ++n) b.op(column_dot, {total, n == 0 ? b.column() : b.matrix()});
}

template <class T>
void in_the_place_of_an_operand(Bench<T>& b) {
  const Operand s = b.matrix(), c = b.column();
  const Operand scaled = b.op(multiply, {s, c}, true, &s);
  const Operand sums = b.op(row_sum, {scaled}, true, &c);
  b.op(add, {scaled, sums});
}

template <class T>
void one_operand_many_times(Bench<T>& b) {
  const Operand s = b.matrix();
  const Operand squared = b.inside(multiply, {s, s});
  const Operand more = b.inside(multiply_add, {squared, squared, squared});
  b.op(subtract, {more, more});
  b.op(row_dot, {more, more});
  b.op(square, {b.op(Function::negative, {s})});
}

template <class T>
void narrow_values_alone(Bench<T>& b) {
  const Operand a = b.column(), c = b.number(), s = b.matrix();
  const Operand sum = b.inside(row_sum, {s});
  const Operand all = b.op(multiply_add, {b.op(add, {a, sum}), c, b.inside(square, {a})});
  b.op(column_dot, {b.op(Function::negative, {all}), a});
  b.op(multiply, {b.inside(subtract, {all, c}), s});
}

template <class T>
struct Named {
  const char* what;
  void (*make)(Bench<T>&);
};
template <class T>
const Named<T> named[] = {{"a delta rule", delta_rule<T>},
                          {"a gradient of a memory", gradient_of_a_memory<T>},
                          {"many sums of rows", many_sums_of_rows<T>},
                          {"many addresses", many_addresses<T>},
                          {"in the place of an operand", in_the_place_of_an_operand<T>},
                          {"one operand many times", one_operand_many_times<T>},
                          {"narrow values alone", narrow_values_alone<T>}};

template <class T>
void check_named() {
  for (const Named<T>& n : named<T>)
    for (const auto& [rows, cols] : std::vector<std::pair<int64_t, int64_t>>{
             {4, 8}, {1, 16}, {2, 8}, {3, 24}, {6, 32}, {7, 16}, {16, 64}, {256, 8}, {5, 256}})
      BOOST_TEST_CONTEXT(n.what << ", " << rows << " rows, " << cols << " columns") {
        Bench<T> b(rows, cols, 1);
        n.make(b);
        BOOST_TEST(b.check());
      }
}

// --- random loops

template <class T>
Bench<T> random_loop(unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return random() % n; };
  const int64_t rows = 1 + static_cast<int64_t>(below(12)),
                cols = 8 * (1 + static_cast<int64_t>(below(5)));
  Bench<T> b(rows, cols, seed);
  std::vector<Operand> wide, narrow;
  const auto one_of = [&](const std::vector<Operand>& made, auto fresh) {
    return made.empty() || below(3) == 0 ? fresh() : made[below(made.size())];
  };
  const auto some_wide = [&] {
    return one_of(wide, [&] { return below(2) == 0 ? b.row() : b.matrix(); });
  };
  const auto some_narrow = [&] {
    return one_of(narrow, [&] { return below(2) == 0 ? b.number() : b.column(); });
  };
  const auto any = [&] { return below(3) == 0 ? some_narrow() : some_wide(); };
  const std::size_t n = 2 + below(10);
  for (std::size_t k = 0; k < n; ++k) {
    const auto f = static_cast<Function>(below(10));
    const bool kept = below(2) == 0, alone = below(4) == 0;
    std::vector<Operand> in = {alone ? some_narrow() : some_wide()};
    if (f == row_sum || f == row_dot) in[0] = some_wide();
    if (f == row_dot) in.push_back(some_wide());
    if (f == column_dot) in.push_back(alone ? some_narrow() : any());
    if (f == add || f == subtract || f == multiply || f == multiply_add)
      in.push_back(alone ? some_narrow() : any());
    if (f == multiply_add) in.push_back(alone ? some_narrow() : some_wide());
    if (f == add || f == multiply) std::swap(in[0], in[below(2)]);
    const bool sums_columns = f == column_sum || f == column_dot;
    const Operand made = b.op(f, in, kept || sums_columns);
    if (!sums_columns) (b.loop.is_wide(made) ? wide : narrow).push_back(made);
  }
  return b;
}

template <class T>
void check_random(InstructionSet set) {
  unsigned compiled = 0;
  constexpr unsigned all = 1500;
  for (unsigned seed = 0; seed < all; ++seed) BOOST_TEST_CONTEXT("seed " << seed) {
      compiled += random_loop<T>(seed).check();
    }
  // With 16 registers some loops have too many values.
  BOOST_TEST(compiled >= (set == InstructionSet::avx512 ? all : all * 95 / 100));
}

template <class F>
void on_each_set_with_code(F body) {
  on_each_instruction_set([&](InstructionSet set) {
    if (set != InstructionSet::baseline) body(set);
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(named_loops_make_what_their_ops_make_one_by_one) {
  on_each_set_with_code([](InstructionSet) {
    check_named<float>();
    // Four doubles are a vector, and eight of AVX-512.
    check_named<double>();
  });
}

BOOST_AUTO_TEST_CASE(random_loops_do) {
  on_each_set_with_code([](InstructionSet set) {
    check_random<float>(set);
    check_random<double>(set);
  });
}

BOOST_AUTO_TEST_CASE(a_loop_is_cut_where_a_sum_of_a_row_is_read) {
  Bench<float> b(4, 16, 1);
  delta_rule(b);
  const std::vector<LoopPass> passes = passes_of(b.loop);
  BOOST_REQUIRE_EQUAL(passes.size(), 2u);
  BOOST_TEST(passes[0].narrow.empty());
  BOOST_TEST(passes[0].wide == std::vector<std::size_t>({0, 1}));
  BOOST_TEST(passes[1].narrow == std::vector<std::size_t>({2, 3}));
  BOOST_TEST(passes[1].wide == std::vector<std::size_t>({4, 5}));
  BOOST_TEST(read_in_later_passes(b.loop, passes) ==
             std::vector<bool>({true, true, false, false, false, false}));
}

BOOST_AUTO_TEST_CASE(zeros_keep_their_signs) {
  on_each_set_with_code([](InstructionSet) {
    MatrixLoop loop{
        float32, 1, 16, {{Function::negative, {Memory{0, 64, true}}, true, {1, 64, true}, true}}};
    std::vector<float> x(16, 0.0F), y(16, 1.0F);
    x[3] = -0.0F;
    char* const addresses[] = {reinterpret_cast<char*>(x.data()),
                               reinterpret_cast<char*>(y.data())};
    (*compile(loop))(addresses);
    for (std::size_t i = 0; i < 16; ++i) BOOST_TEST(std::signbit(y[i]) == (i != 3));
  });
}

BOOST_AUTO_TEST_CASE(there_is_no_code_for) {
  const auto compiles = [](int64_t rows, int64_t cols, DType dtype = float32,
                           Function function = row_sum) {
    const int64_t row = cols * static_cast<int64_t>(size_of(dtype));
    return compile(
               {dtype,
                rows,
                cols,
                {{function, {Memory{0, row, true}}, true, {1, 4, function != row_sum}, true}}}) !=
           nullptr;
  };
  on_each_instruction_set([&](InstructionSet set) {
    BOOST_TEST(compiles(4, 16) == (set != InstructionSet::baseline), "a plain loop");
    BOOST_TEST(!compiles(4, 12), "rows that are not whole vectors");
    BOOST_TEST(!compiles(4, 4), "rows of less than a vector");
    BOOST_TEST(!compiles(0, 16), "no rows");
    BOOST_TEST(!compiles(4, 264), "long sums of rows");
    BOOST_TEST(!compiles(257, 16, float32, column_sum), "long sums of columns");
    BOOST_TEST(!compiles(4, 16, int32), "whole numbers");
    BOOST_TEST(compiles(4, 264, float32, Function::negative) == (set != InstructionSet::baseline),
               "long rows without a sum");
  });
}
