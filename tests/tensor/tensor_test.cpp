// SPDX-License-Identifier: Apache-2.0
// Each kernel against a plain loop over indices, and large calls against themselves on one thread.
#ifndef BOOST_TEST_MODULE
#define BOOST_TEST_MODULE tensor
#endif
#ifndef BOOST_TEST_DYN_LINK
#define BOOST_TEST_DYN_LINK
#endif
#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>

#include <boost/test/unit_test.hpp>

#include "tensor/kernels/indexing.hpp"
#include "tensor/kernels/linear_algebra.hpp"
#include "tensor/kernels/math.hpp"
#include "tensor/kernels/movement.hpp"
#include "tensor/kernels/pointwise.hpp"
#include "tensor/kernels/random.hpp"
#include "tensor/kernels/reduce.hpp"
#include "tensor/parallel.hpp"
#include "tensor/products/matmul.hpp"
#include "tensor/strides.hpp"

namespace tempo {
namespace {

using Index = std::vector<int64_t>;
using Inputs = std::vector<Array>;

Array run(const Kernel& kernel, const Inputs& inputs, TensorType type, const Attributes& how = {}) {
  std::vector<View> views;
  for (const Array& x : inputs) views.push_back(x.view());
  Array y(type);
  const View outputs[] = {y.view()};
  kernel({views, outputs, how});
  return y;
}

Array filled(DType dtype, const Shape& shape, const std::function<double(int64_t)>& value) {
  Array x(dtype, shape);
  dispatch(dtype, [&]<class T>(T) {
    for (int64_t i = 0; i < x.count(); ++i) x.as<T>()[i] = static_cast<T>(value(i));
  });
  return x;
}

/// Small whole numbers without a pattern, so that sums of a few are exact in every dtype.
Array whole_numbers(const Shape& shape, DType dtype = float32) {
  return filled(dtype, shape, [](int64_t i) { return static_cast<double>(i * 7919 % 23 - 11); });
}

Array normal(const Shape& shape, DType dtype = float32) {
  const Array key = filled(int64, {2}, [](int64_t i) { return 3.0 + static_cast<double>(i); });
  return run(normal_kernel(), {key}, {dtype, shape});
}

double value(const Array& x, int64_t i) {
  return dispatch(x.dtype(), [&]<class T>(T) { return static_cast<double>(x.as<T>()[i]); });
}

Index index_of(const Shape& shape, int64_t i) {
  Index index(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = i % shape[axis];
    i /= shape[axis];
  }
  return index;
}

/// The element at an index: x reads the last axes of it, and 0 where its extent is 1.
double at(const Array& x, const Index& index) {
  int64_t i = 0;
  const auto extra = static_cast<int>(index.size()) - x.shape().rank();
  for (int axis = 0; axis < x.shape().rank(); ++axis)
    i = i * x.shape()[axis] +
        (x.shape()[axis] == 1 ? 0 : index[static_cast<std::size_t>(axis + extra)]);
  return value(x, i);
}

void check_elements(const std::string& what, const Array& y,
                    const std::function<double(const Index&)>& expected, double tolerance = 0) {
  for (int64_t i = 0; i < y.count(); ++i) {
    const double want = expected(index_of(y.shape(), i)), got = value(y, i);
    if (want == got || std::abs(got - want) <= tolerance * std::max(1.0, std::abs(want))) continue;
    BOOST_ERROR(what << " " << to_string(y.type()) << " at " << i << ": got " << got
                     << ", expected " << want << " within " << tolerance);
    return;
  }
}

bool same_bytes(const Array& a, const Array& b) {
  return a.type() == b.type() && std::memcmp(a.as<char>(), b.as<char>(), a.type().bytes()) == 0;
}

Shape broadcast(const Shape& a, const Shape& b) {
  const Shape shapes[] = {a, b};
  return broadcast_shapes(shapes).value();
}

const std::pair<Shape, Shape> broadcast_cases[] = {
    {{}, {}},           {{3, 4}, {3, 4}},          {{3, 4}, {4}},      {{3, 4}, {}},
    {{3, 1}, {1, 4}},   {{2, 3, 4, 5}, {3, 1, 5}}, {{0, 3}, {3}},      {{5, 1, 7}, {1, 6, 1}},
    {{700}, {1}},       {{1}, {2, 600}},           {{3, 700}, {3, 1}}, {{257, 300}, {300}},
    {{2, 1, 3}, {4, 3}}};

BOOST_AUTO_TEST_CASE(arrays_are_aligned_and_share_their_bytes) {
  const Array x(float32, {3, 5});
  BOOST_TEST(reinterpret_cast<std::uintptr_t>(x.as<float>()) % 64 == 0u);
  BOOST_TEST(x.sole_owner());
  const Array y = x.reshaped({15});
  BOOST_TEST(y.as<float>() == x.as<float>());
  BOOST_TEST(!x.sole_owner());
  BOOST_CHECK_THROW(x.reshaped({4, 4}), ShapeError);
}

BOOST_AUTO_TEST_CASE(attributes_print_in_the_order_they_were_given) {
  Attributes a{{"axis", int64_t{-1}}, {"sizes", Index{2, 3}}, {"value", 0.5}};
  a.set("axis", int64_t{-2});
  BOOST_TEST(to_string(a) == "axis=-2, sizes=[2, 3], value=0.5");
  BOOST_CHECK_THROW(a.integer("rate"), Error);
}

BOOST_AUTO_TEST_CASE(parallel_for_covers_its_range_once_and_passes_exceptions_on) {
  for (const auto& [count, grain] : {std::pair{0, 4}, {3, 4}, {4, 4}, {1000, 7}}) {
    std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
    parallel_for(count, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
    });
    BOOST_TEST(std::all_of(seen.begin(), seen.end(), [](const auto& n) { return n == 1; }));
  }
  const auto fail = [](int64_t begin, int64_t) {
    if (begin > 50) throw Error("stop");
  };
  BOOST_CHECK_THROW(parallel_for(100, 10, fail), Error);
  BOOST_CHECK_THROW(set_threads(0), Error);
}

BOOST_AUTO_TEST_CASE(broadcasting_follows_numpy) {
  const Shape unlike[] = {{3, 4}, {3}};
  BOOST_TEST(!broadcast_shapes(unlike));
  BOOST_CHECK(broadcast({0, 3}, {1, 1, 1}) == Shape({1, 0, 3}));
}

BOOST_AUTO_TEST_CASE(pointwise_functions_broadcast) {
  const Kernel subtract = pointwise<Numeric>([](auto a, auto b) { return a - b; });
  const Kernel less = comparison([](auto a, auto b) { return a < b; });
  for (const auto& [a_shape, b_shape] : broadcast_cases) {
    const Shape shape = broadcast(a_shape, b_shape);
    for (DType dtype : {float32, float64, int32, int64}) {
      const Array a = whole_numbers(a_shape, dtype);
      const Array b = filled(dtype, b_shape, [](int64_t i) { return double(i % 5); });
      check_elements("subtract", run(subtract, {a, b}, {dtype, shape}),
                     [&](const Index& i) { return at(a, i) - at(b, i); });
      check_elements("less", run(less, {a, b}, {bool_, shape}),
                     [&](const Index& i) { return at(a, i) < at(b, i); });
      const Array c = filled(bool_, b_shape, [](int64_t i) { return i % 3 == 0; });
      check_elements("where", run(where_kernel(), {c, a, b}, {dtype, shape}),
                     [&](const Index& i) { return at(c, i) != 0 ? at(a, i) : at(b, i); });
    }
  }
}

BOOST_AUTO_TEST_CASE(pointwise_takes_three_inputs_bools_and_refuses_others) {
  const Array a = whole_numbers({4, 300}), b = whole_numbers({300}), c = whole_numbers({4, 1});
  const Kernel f = pointwise([](auto x, auto y, auto z) { return x * y + z; });
  check_elements("x y + z", run(f, {a, b, c}, {float32, {4, 300}}),
                 [&](const Index& i) { return at(a, i) * at(b, i) + at(c, i); });
  const Array t = filled(bool_, {3}, [](int64_t i) { return i != 1; });
  check_elements("not", run(logical([](bool x) { return !x; }), {t}, {bool_, {3}}),
                 [&](const Index& i) { return at(t, i) == 0; });
  BOOST_CHECK_THROW(run(pointwise([](auto x) { return x; }), {t}, {bool_, {3}}), ShapeError);
}

BOOST_AUTO_TEST_CASE(casts_saturate) {
  const double values[] = {-1e30, -2.7, 0, 0.5, 3.9, 1e30, NAN};
  const Array x = filled(float64, {7}, [&](int64_t i) { return values[i]; });
  const int32_t whole[] = {INT32_MIN, -2, 0, 0, 3, INT32_MAX, 0};
  const Array y = run(cast_kernel(), {x}, {int32, {7}});
  BOOST_TEST(std::equal(whole, whole + 7, y.as<int32_t>()));
  const bool truth[] = {true, true, false, true, true, true, true};
  const Array z = run(cast_kernel(), {x}, {bool_, {7}});
  BOOST_TEST(std::equal(truth, truth + 7, z.as<bool>()));
}

BOOST_AUTO_TEST_CASE(scalar_functions_are_stable) {
  using M = MathFor<true>;
  BOOST_TEST(M::logistic(-800.0) == 0);
  BOOST_TEST(M::logistic(800.0f) == 1);
  BOOST_TEST(M::logistic(-30.0) == 9.3576229688392989e-14, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(M::softplus(-40.0) == 4.2483542552915889e-18, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(M::softplus(900.0f) == 900);
}

struct ReduceCase {
  Shape shape;
  Index axes;
};
const ReduceCase reduce_cases[] = {{{7}, {-1}},
                                   {{3, 4}, {}},
                                   {{3, 4}, {-1}},
                                   {{3, 4}, {-2}},
                                   {{3, 4}, {-1, -2}},
                                   {{2, 3, 4, 5}, {-1, -3}},
                                   {{2, 3, 4, 5}, {-2, -4}},
                                   {{5000, 3}, {-2}},
                                   {{3, 5001}, {-1}},
                                   {{300, 1500}, {-2}},
                                   {{1, 1, 4}, {-2}},
                                   {{2, 200, 1, 3}, {-3}}};

BOOST_AUTO_TEST_CASE(reductions_match_plain_loops) {
  for (const auto& [shape, axes] : reduce_cases) {
    for (DType dtype : {float32, int64}) {
      const Array x = whole_numbers(shape, dtype);
      const TensorType type{dtype, reduced_shape(shape, axes, true)};
      std::vector<double> sum(static_cast<std::size_t>(type.shape.count()), 0);
      std::vector<double> max(sum.size(), -1e9), min(sum.size(), 1e9);
      for (int64_t i = 0; i < x.count(); ++i) {
        Index index = index_of(shape, i);
        for (int64_t axis : axes) index[static_cast<std::size_t>(axis + shape.rank())] = 0;
        std::size_t at_y = 0;
        for (int axis = 0; axis < shape.rank(); ++axis)
          at_y = at_y * static_cast<std::size_t>(type.shape[axis]) +
                 static_cast<std::size_t>(index[static_cast<std::size_t>(axis)]);
        sum[at_y] += value(x, i);
        max[at_y] = std::max(max[at_y], value(x, i));
        min[at_y] = std::min(min[at_y], value(x, i));
      }
      const Attributes how{{"axes", axes}};
      const auto check = [&](const char* name, const Array& y, const std::vector<double>& want) {
        std::size_t i = 0;
        check_elements(name, y, [&](const Index&) { return want[i++]; });
      };
      check("sum", run(sum_kernel(), {x}, type, how), sum);
      check("max", run(max_kernel(), {x}, type, how), max);
      check("min", run(min_kernel(), {x}, type, how), min);
      const Array y(type);
      sum_to(x.view(), y.view());
      check("sum_to", y, sum);
    }
  }
}

BOOST_AUTO_TEST_CASE(sums_are_accurate_and_sums_of_nothing_are_zero) {
  const Array tenth = filled(float32, {1 << 22}, [](int64_t) { return 0.1f; });
  for (const Shape& shape : {Shape{1 << 22, 1}, Shape{1 << 20, 4}, Shape{2, 1 << 21}}) {
    const Array total =
        run(sum_kernel(), {tenth.reshaped(shape)}, {float32, {}}, {{"axes", Index{-1, -2}}});
    BOOST_TEST(value(total, 0) == 419430.4f, boost::test_tools::tolerance(5e-7));
  }
  for (const int64_t reverse : {0, 1})  // a float's running sum of 0.1 would be 0.5 % too large
    for (const Shape& shape : {Shape{1 << 22, 1}, Shape{1 << 21, 2}}) {
      const Array running = run(cumsum_kernel(), {tenth.reshaped(shape)}, {float32, shape},
                                {{"axis", int64_t{-2}}, {"reverse", reverse}});
      BOOST_TEST(value(running, reverse ? 0 : (1 << 22) - 1) == 0.1f * float(shape[0]),
                 boost::test_tools::tolerance(5e-7));
    }
  const Array none(float32, {0, 3});
  check_elements("sum", run(sum_kernel(), {none}, {float32, {3}}, {{"axes", Index{-2}}}),
                 [](const Index&) { return 0; });
  BOOST_CHECK_THROW(run(max_kernel(), {none}, {float32, {3}}, {{"axes", Index{-2}}}), ShapeError);
}

BOOST_AUTO_TEST_CASE(nan_wins_in_max_and_argmax) {
  for (const Shape& shape : {Shape{40, 1}, Shape{40, 2}}) {
    const Array x = filled(float32, shape, [](int64_t i) { return i == 20 ? NAN : double(i); });
    const Array y = run(max_kernel(), {x}, {float32, {shape[1]}}, {{"axes", Index{-2}}});
    BOOST_TEST(std::isnan(value(y, 0)));
    const Array at_nan = run(argmax_kernel(), {x}, {int64, {shape[1]}}, {{"axis", int64_t{-2}}});
    BOOST_TEST(value(at_nan, 0) == static_cast<double>(20 / shape[1]));
  }
}

BOOST_AUTO_TEST_CASE(argmax_and_cumsum_walk_along_their_axis) {
  const Array x = whole_numbers({3, 5, 4});
  const Array best = run(argmax_kernel(), {x}, {int64, {3, 4}}, {{"axis", int64_t{-2}}});
  check_elements("argmax", best, [&](const Index& i) {
    int64_t place = 0;
    for (int64_t j = 1; j < 5; ++j)
      if (at(x, {i[0], j, i[1]}) > at(x, {i[0], place, i[1]})) place = j;
    return static_cast<double>(place);
  });
  for (int64_t reverse : {0, 1})
    for (int64_t exclusive : {0, 1}) {
      const Attributes how{{"axis", int64_t{-2}}, {"reverse", reverse}, {"exclusive", exclusive}};
      check_elements("cumsum", run(cumsum_kernel(), {x}, x.type(), how), [&](const Index& i) {
        double total = 0;
        for (int64_t j = 0; j < 5; ++j)
          if ((reverse ? j > i[1] : j < i[1]) || (j == i[1] && !exclusive))
            total += at(x, {i[0], j, i[2]});
        return total;
      });
    }
}

const std::pair<Shape, Shape> matmul_cases[] = {
    {{3, 4}, {4, 5}},       {{1, 1}, {1, 1}},       {{2, 3, 4}, {4, 5}},
    {{2, 3, 4}, {2, 4, 5}}, {{3, 4}, {2, 4, 5}},    {{2, 1, 3, 4}, {3, 4, 5}},
    {{0, 4}, {4, 5}},       {{3, 0}, {0, 5}},       {{2, 3, 4}, {4, 0}},
    {{400, 70}, {70, 190}}, {{150, 90}, {90, 700}}, {{5, 60, 70}, {5, 70, 80}}};

Shape last_two_swapped(Shape shape) {
  std::swap(shape[-1], shape[-2]);
  return shape;
}

BOOST_AUTO_TEST_CASE(matmul_matches_a_plain_loop) {
  for (const auto& [a_shape, b_shape] : matmul_cases)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (DType dtype : {float32, float64}) {
          const Array a = whole_numbers(ta ? last_two_swapped(a_shape) : a_shape, dtype);
          const Array b = whole_numbers(tb ? last_two_swapped(b_shape) : b_shape, dtype);
          const Shape shape = matmul_shape(a.shape(), b.shape(), ta, tb).value();
          const Attributes how{{"transpose_a", int64_t{ta}}, {"transpose_b", int64_t{tb}}};
          const int64_t inner = a_shape[-1];
          check_elements("matmul", run(matmul_kernel(), {a, b}, {dtype, shape}, how), [&](Index i) {
            double total = 0;
            for (int64_t k = 0; k < inner; ++k) {
              Index at_a = i, at_b = i;
              at_a[i.size() - (ta ? 2 : 1)] = k;
              at_a[i.size() - (ta ? 1 : 2)] = i[i.size() - 2];
              at_b[i.size() - (tb ? 1 : 2)] = k;
              at_b[i.size() - (tb ? 2 : 1)] = i.back();
              total += at(a, at_a) * at(b, at_b);
            }
            return total;
          });
        }
  BOOST_TEST(!matmul_shape({3, 4}, {5, 4}));
  BOOST_TEST(!matmul_shape({2, 3, 4}, {3, 4, 5}));
  BOOST_TEST(!matmul_shape({4}, {4, 5}));
}

BOOST_AUTO_TEST_CASE(gemm_adds_beta_c) {
  const Array a = whole_numbers({2, 3}), b = whole_numbers({3, 4});
  const Array c = filled(float32, {2, 4}, [](int64_t) { return 2; });
  gemm(float32, false, false, 2, 4, 3, a.as<void>(), 3, b.as<void>(), 4, 0.5, c.as<void>(), 4);
  const Array ab = run(matmul_kernel(), {a, b}, {float32, {2, 4}});
  check_elements("gemm", c, [&](const Index& i) { return at(ab, i) + 1; });
  gemm(float32, false, false, 2, 4, 0, a.as<void>(), 0, b.as<void>(), 4, 0, c.as<void>(), 4);
  check_elements("gemm", c, [](const Index&) { return 0; });
}

BOOST_AUTO_TEST_CASE(movement_moves_every_dtype) {
  for (DType dtype : {float32, float64, int32, int64, bool_}) {
    const Array x = whole_numbers({2, 5, 3, 4}, dtype);
    const Attributes order{{"permutation", Index{-2, -4, -1, -3}}};
    check_elements("transpose", run(transpose_kernel(), {x}, {dtype, {3, 2, 4, 5}}, order),
                   [&](const Index& i) {
                     return at(x, {i[1], i[3], i[0], i[2]});
                   });
    check_elements("slice",
                   run(slice_kernel(), {x}, {dtype, {2, 2, 3, 4}},
                       {{"axis", int64_t{-3}}, {"begin", int64_t{1}}}),
                   [&](const Index& i) {
                     return at(x, {i[0], 1 + i[1], i[2], i[3]});
                   });
    check_elements("pad",
                   run(pad_kernel(), {x}, {dtype, {2, 5, 3, 9}},
                       {{"axis", int64_t{-1}}, {"before", int64_t{2}}}),
                   [&](const Index& i) {
                     const bool inside = i[3] >= 2 && i[3] < 6;
                     return inside ? at(x, {i[0], i[1], i[2], i[3] - 2}) : 0;
                   });
    check_elements("reverse", run(reverse_kernel(), {x}, x.type(), {{"axes", Index{-1, -3}}}),
                   [&](const Index& i) {
                     return at(x, {i[0], 4 - i[1], i[2], 3 - i[3]});
                   });
    const Array row = whole_numbers({3, 1, 4}, dtype);
    check_elements("broadcast", run(broadcast_kernel(), {row}, {dtype, {2, 3, 600, 4}}),
                   [&](const Index& i) { return at(row, i); });
    check_elements("fill", run(fill_kernel(), {}, {dtype, {3, 4}}, {{"value", 1.0}}),
                   [](const Index&) { return 1; });
  }
  for (const Shape& shape : {Shape{33, 70}, Shape{1, 5}, Shape{0, 4}, Shape{301, 333}}) {
    const Array x = whole_numbers(shape);
    check_elements("transpose",
                   run(transpose_kernel(), {x}, {float32, last_two_swapped(shape)},
                       {{"permutation", Index{-1, -2}}}),
                   [&](const Index& i) {
                     return at(x, {i[1], i[0]});
                   });
  }
}

BOOST_AUTO_TEST_CASE(concat_and_split_undo_each_other) {
  for (int64_t axis : {-1, -2, -3}) {
    Inputs parts;
    std::vector<View> outputs, views;
    Shape all{3, 4, 5};
    all[static_cast<int>(axis)] = 0;
    for (int64_t size : {2, 0, 7, 1}) {
      Shape shape{3, 4, 5};
      shape[static_cast<int>(axis)] = size;
      all[static_cast<int>(axis)] += size;
      parts.push_back(whole_numbers(shape));
    }
    const Attributes how{{"axis", axis}};
    const Array joined = run(concat_kernel(), parts, {float32, all}, how);
    Inputs again;
    for (const Array& part : parts) {
      again.emplace_back(part.type());
      outputs.push_back(again.back().view());
    }
    views.push_back(joined.view());
    split_kernel()({views, outputs, how});
    for (std::size_t i = 0; i < parts.size(); ++i) BOOST_TEST(same_bytes(parts[i], again[i]));
    Index first_of_third(3, 0);
    first_of_third[static_cast<std::size_t>(axis + 3)] = 2;
    BOOST_TEST(at(joined, first_of_third) == value(parts[2], 0));
  }
}

BOOST_AUTO_TEST_CASE(indexing_gathers_scatters_and_marks) {
  const Array table = whole_numbers({5, 3});
  for (DType dtype : {int32, int64}) {
    const Array indices = filled(dtype, {2, 4}, [](int64_t i) { return double(i * 3 % 5); });
    const Array rows = run(gather_kernel(), {table, indices}, {float32, {2, 4, 3}});
    check_elements("gather", rows, [&](const Index& i) {
      return at(table, {int64_t(at(indices, {i[0], i[1]})), i[2]});
    });
    const Array sums = run(scatter_add_kernel(), {indices, rows}, {float32, {5, 3}});
    check_elements("scatter_add", sums, [&](const Index& i) {
      double count = 0;
      for (int64_t j = 0; j < 8; ++j) count += value(indices, j) == double(i[0]);
      return count * at(table, i);
    });
    check_elements("one_hot", run(one_hot_kernel(), {indices}, {float32, {2, 4, 3}}),
                   [&](const Index& i) {
                     return at(indices, {i[0], i[1]}) == double(i[2]);
                   });
  }
  const Array bad = filled(int64, {1}, [](int64_t) { return 5; });
  BOOST_CHECK_EXCEPTION(
      run(gather_kernel(), {table, bad}, {float32, {1, 3}}), ShapeError, [](const ShapeError& e) {
        const std::string text = e.what();
        return text.find("gather: index 5 ") == 0 && text.find("axis of 5") != std::string::npos;
      });
}

BOOST_AUTO_TEST_CASE(philox_gives_the_published_numbers) {
  const uint32_t ones = 0xffffffff;
  BOOST_CHECK((Philox::numbers({0, 0, 0, 0}, {0, 0}) ==
               Philox::Numbers{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  BOOST_CHECK((Philox::numbers({ones, ones, ones, ones}, {ones, ones}) ==
               Philox::Numbers{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  BOOST_CHECK((
      Philox::numbers({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
      Philox::Numbers{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

BOOST_AUTO_TEST_CASE(random_numbers_have_their_moments_and_do_not_depend_on_shape) {
  const Array key = filled(int64, {2}, [](int64_t i) { return 11 + i; });
  for (DType dtype : {float32, float64}) {
    for (const bool gaussian : {false, true}) {
      const Kernel kernel = gaussian ? normal_kernel() : uniform_kernel();
      const Array x = run(kernel, {key}, {dtype, {200001}});
      double sum = 0, squares = 0;
      for (int64_t i = 0; i < x.count(); ++i) {
        sum += value(x, i);
        squares += value(x, i) * value(x, i);
        if (!gaussian && (value(x, i) < 0 || value(x, i) >= 1))
          BOOST_ERROR("uniform: out of range");
      }
      const double mean = sum / 200001, variance = squares / 200001 - mean * mean;
      BOOST_TEST(std::abs(mean - (gaussian ? 0 : 0.5)) < 0.01);
      BOOST_TEST(std::abs(variance - (gaussian ? 1 : 1.0 / 12)) < 0.01);
      const Array few = run(kernel, {key}, {dtype, {1, 7}});
      check_elements("random", few, [&](const Index& i) { return value(x, i[1]); });
    }
  }
}

BOOST_AUTO_TEST_CASE(permutations_hold_each_number_once) {
  for (int64_t n : {0, 1, 2, 1000}) {
    const Index order = permutation(n, 5, 6);
    BOOST_TEST(std::set<int64_t>(order.begin(), order.end()).size() == static_cast<std::size_t>(n));
    BOOST_TEST(std::all_of(order.begin(), order.end(), [&](int64_t i) { return i >= 0 && i < n; }));
  }
  BOOST_CHECK(permutation(50, 5, 6) == permutation(50, 5, 6));
  BOOST_CHECK(permutation(50, 5, 6) != permutation(50, 5, 7));
}

BOOST_AUTO_TEST_CASE(orthogonal_matrices_are) {
  for (const Shape& shape : {Shape{5, 5}, Shape{40, 7}, Shape{1, 1}, Shape{130, 130}}) {
    const Array a = normal(shape, float64);
    const Array q = run(orthogonal_kernel(), {a}, a.type());
    const Attributes how{{"transpose_a", int64_t{1}}};
    const TensorType square{float64, {shape[1], shape[1]}};
    check_elements(
        "q'q", run(matmul_kernel(), {q, q}, square, how),
        [](const Index& i) { return i[0] == i[1]; }, 1e-13);
    const Array r = run(matmul_kernel(), {q, a}, square, how);
    for (int64_t i = 0; i < shape[1]; ++i) BOOST_TEST(at(r, {i, i}) > 0);
  }
}

BOOST_AUTO_TEST_CASE(results_do_not_depend_on_the_number_of_threads) {
  const Array x = normal({601, 1013}), row = normal({1013}), deep = normal({9, 300, 170});
  const Array weight = normal({1013, 900}), key = filled(int64, {2}, [](int64_t) { return 1; });
  const Array rows = filled(int64, {601}, [](int64_t i) { return double(i * 7 % 13); });
  const auto results = [&] {
    const Attributes ta{{"transpose_a", int64_t{1}}};
    return Inputs{
        run(pointwise([](auto a, auto b) { return std::exp(a) * b; }), {x, row}, x.type()),
        run(sum_kernel(), {x}, {float32, {1013}}, {{"axes", Index{-2}}}),
        run(sum_kernel(), {x}, {float32, {601}}, {{"axes", Index{-1}}}),
        run(sum_kernel(), {x}, {float32, {}}, {{"axes", Index{-1, -2}}}),
        run(sum_kernel(), {deep}, {float32, {300}}, {{"axes", Index{-1, -3}}}),
        run(matmul_kernel(), {x, weight}, {float32, {601, 900}}),
        run(matmul_kernel(), {x, x}, {float32, {1013, 1013}}, ta),
        run(matmul_kernel(), {deep, deep}, {float32, {9, 170, 170}}, ta),
        run(scatter_add_kernel(), {rows, x}, {float32, {13, 1013}}),
        run(normal_kernel(), {key}, {float32, {100001}})};
  };
  const int before = threads();
  set_threads(1);
  const Inputs alone = results();
  set_threads(2);
  BOOST_TEST(threads() == 2);
  const Inputs together = results();
  set_threads(before);
  for (std::size_t i = 0; i < alone.size(); ++i)
    BOOST_TEST(same_bytes(alone[i], together[i]), "result " << i << " differs");
}

}  // namespace
}  // namespace tempo
