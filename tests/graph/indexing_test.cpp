// SPDX-License-Identifier: Apache-2.0
// Tensors as users write them: indices and slices, literals, += and printing; means and sums of
// integers and bools; results of a layer by number.
#define BOOST_TEST_MODULE indexing
#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

using Places = std::vector<int64_t>;

// The elements of x at these places of each axis, found one by one; axes marked in `cut` are left
// out of the shape.
Tensor picked(const Tensor& x, const std::vector<Places>& places, const std::vector<bool>& cut) {
  const Shape shape = x.shape();
  std::vector<double> values;
  std::function<void(int, int64_t)> walk = [&](int axis, int64_t at) {
    if (axis == shape.rank()) return values.push_back(x.element(at));
    for (const int64_t i : places[static_cast<std::size_t>(axis)])
      walk(axis + 1, at * shape[axis] + i);
  };
  walk(0, 0);
  Shape out;
  for (std::size_t axis = 0; axis < places.size(); ++axis)
    if (!cut[axis]) out.push_back(static_cast<int64_t>(places[axis].size()));
  return cast(tensor(values, out, float64), x.dtype());
}

const Places all3{0, 1, 2}, all4{0, 1, 2, 3}, all5{0, 1, 2, 3, 4};

}  // namespace

BOOST_AUTO_TEST_CASE(an_index_picks_what_it_picks_in_numpy) {
  const Tensor x = normal({3, 4, 5});
  const struct {
    const char* name;
    Tensor got;
    std::vector<Places> places;
    std::vector<bool> cut;
  } cases[] = {
      {"x[0]", x[0], {{0}, all4, all5}, {true, false, false}},
      {"x[-1]", x[-1], {{2}, all4, all5}, {true, false, false}},
      {"x[1:]", x[slice(1, end)], {{1, 2}, all4, all5}, {false, false, false}},
      {"x[:, 0]", x(all, 0), {all3, {0}, all5}, {false, true, false}},
      {"x[:, 1:-1]", x(all, slice(1, -1)), {all3, {1, 2}, all5}, {false, false, false}},
      {"x[:, 2:, -1]", x(all, slice(2, end), -1), {all3, {2, 3}, {4}}, {false, false, true}},
      {"x[2, 3, 4]", x(2, 3, 4), {{2}, {3}, {4}}, {true, true, true}},
      {"x[:, :, :]", x(all, all, all), {all3, all4, all5}, {false, false, false}},
      {"x[:, :, ::2]",
       x(all, all, slice(0, end, 2)),
       {all3, all4, {0, 2, 4}},
       {false, false, false}},
      {"x[:, :, 1::2]", x(all, all, slice(1, end, 2)), {all3, all4, {1, 3}}, {false, false, false}},
      {"x[:, :, 1:4:3]", x(all, all, slice(1, 4, 3)), {all3, all4, {1}}, {false, false, false}},
      {"x[:, ::2]", x(all, slice(0, end, 2)), {all3, {0, 2}, all5}, {false, false, false}},
      {"x[:, ::3]", x(all, slice(0, end, 3)), {all3, {0, 3}, all5}, {false, false, false}},
      {"x[:, ::9]", x(all, slice(0, end, 9)), {all3, {0}, all5}, {false, false, false}},
      {"x[::-1]", x[slice(-1, end, -1)], {{2, 1, 0}, all4, all5}, {false, false, false}},
      {"x[..., ::-2]",
       x(all, all, slice(-1, end, -2)),
       {all3, all4, {4, 2, 0}},
       {false, false, false}},
      {"x[..., 3::-2]",
       x(all, all, slice(3, end, -2)),
       {all3, all4, {3, 1}},
       {false, false, false}},
      {"x[..., 3:0:-1]",
       x(all, all, slice(3, 0, -1)),
       {all3, all4, {3, 2, 1}},
       {false, false, false}},
      {"x[..., 4:1:-2]", x(all, all, slice(4, 1, -2)), {all3, all4, {4, 2}}, {false, false, false}},
      {"x[1:1]", x[slice(1, 1)], {{}, all4, all5}, {false, false, false}},
      {"x[2:2:-1]", x[slice(2, 2, -1)], {{}, all4, all5}, {false, false, false}},
  };
  for (const auto& c : cases) check_same(c.name, c.got, picked(x, c.places, c.cut));
  for (const DType dtype : {float32, int32, int64, bool_}) {
    const Tensor y = cast(x > 0, dtype);
    check_same(name_of(dtype), y(1, slice(-1, end, -2)),
               picked(y, {{1}, {3, 1}, all5}, {true, false, false}));
  }
  check_same("nothing backwards", zeros({0, 2})[slice(-1, end, -1)], zeros({0, 2}));
  for (const int64_t far : {int64_t{3}, int64_t{4}, INT64_MAX - 1, INT64_MAX}) {
    check_same("a step past the end", x[slice(1, end, far)], x[slice(1, 2)]);
    check_same("a step past the start", x[slice(-1, end, -far)], x[slice(2, 3)]);
  }
  check_same("the longest step", x[slice(-1, end, INT64_MIN)], x[slice(2, 3)]);
}

BOOST_AUTO_TEST_CASE(gradients_go_through_indices) {
  const auto f = [](const Tensors& in) {
    const Tensor& x = in[0];
    return sin(x(all, slice(0, end, 2))) * x(all, slice(-1, end, -2)) + x(1, 3, all);
  };
  const GradCheck report = gradcheck(f, {normal({2, 4, 3})});
  BOOST_TEST(report.passed(), report);
}

BOOST_AUTO_TEST_CASE(indices_work_in_a_step) {
  const auto step = [&](const Tensor& x, const State& s) -> Step {
    const Tensor next = s[0] + x(all, slice(0, end, 2)) * x(all, slice(-1, end, -2));
    return {.output = next, .state = {next}};
  };
  const Tensor x = normal({2, 6, 5}), h = zeros({2, 3}, float64);
  check_same("as the plain loop", scan(step, x, {h}).output,
             scan(step, x, {h}, {.plain = true}).output);
}

BOOST_AUTO_TEST_CASE(indices_keep_masks) {
  const Tensor mask = tensor({{true, true, true, false}, {true, false, false, false}});
  const Tensor h = with_mask(normal({2, 4, 3}), mask);
  const struct {
    const char* name;
    Tensor got, expected;
  } cases[] = {
      {"one feature", h(all, all, 0), mask},
      {"every second feature", h(all, all, slice(0, end, 2)), mask},
      {"features backwards", h(all, all, slice(-1, end, -1)), mask},
      {"a sequence", h[slice(1, end)], mask[slice(1, end)]},
      {"part of time", h(all, slice(1, -1)), mask(all, slice(1, -1))},
      {"every second step", h(all, slice(0, end, 2)), tensor({{true, true}, {true, false}})},
      {"every third step", h(all, slice(0, end, 3)), tensor({{true, false}, {true, false}})},
      {"time backwards", h(all, slice(-1, end, -1)), reverse(mask, 1)},
      {"one step", h(all, -1), Tensor{}},
      {"one sequence", h[0], Tensor{}},
  };
  for (const auto& c : cases) {
    const Tensor got = mask_of(c.got);
    BOOST_TEST(static_cast<bool>(got) == static_cast<bool>(c.expected), c.name);
    if (got && c.expected) check_same(c.name, got, c.expected);
  }
  Tensor sum = h;
  for (int i = 0; i < 2; ++i) {
    sum += h;
    sum -= normal({3});
    sum *= 2;
    sum /= h;
  }
  check_same("+= and the like", mask_of(sum), mask);
}

BOOST_AUTO_TEST_CASE(assigning_operators_give_the_name_another_tensor) {
  const Tensor x = tensor({1.0, 2, 3}), before = x;
  Tensor y = x;
  y += x;
  check_same("+=", y, tensor({2.0, 4, 6}));
  y -= 1;
  check_same("-= a number", y, tensor({1.0, 3, 5}));
  (y *= x) *= 2;
  check_same("*=", y, tensor({2.0, 12, 30}));
  y /= 2;
  check_same("/=", y, tensor({1.0, 6, 15}));
  check_same("x is as it was", x, tensor({1.0, 2, 3}));
  const Tensor w = parameter(tensor({1.0, 2}));
  Tensor total = 0 * w;
  total += w * w;
  check_same("a gradient", gradient(sum(total), Tensors{w})[0], tensor({2.0, 4}));

  Tensor free = w, named = parameter(ones({2}), "cell/bias");
  BOOST_CHECK_EQUAL(error_of([&] { free += 1; }),
                    "+=: a parameter is a weight, and += would leave it as it is: the name alone "
                    "would stand for another tensor.\n  assign(w, w + x) writes into a weight.");
  BOOST_CHECK_EQUAL(error_of([&] { named *= named; }),
                    "*=: `cell/bias` is a weight, and *= would leave it as it is: the name alone "
                    "would stand for another tensor.\n  assign(w, w * x) writes into a weight.");
  static_assert(!std::is_assignable_v<Tensor, Tensor>, "x[0] = y would change nothing");
}

BOOST_AUTO_TEST_CASE(a_tensor_is_written_as_lists) {
  check_same("a vector", tensor({1.5, 2, -3}), tensor<float>({1.5, 2, -3}, {3}));
  check_same("a matrix", tensor({{1, 2}, {3, 4}, {5, 6}}),
             tensor<int32_t>({1, 2, 3, 4, 5, 6}, {3, 2}));
  check_same("three axes", tensor({{{1, 2}}, {{3, 4}}}), tensor<int32_t>({1, 2, 3, 4}, {2, 1, 2}));
  check_same("lists of one", tensor({{1}, {2}}), tensor<int32_t>({1, 2}, {2, 1}));
  check_same("a list of a list", tensor({{1, 2}}), tensor<int32_t>({1, 2}, {1, 2}));
  check_same("numbers of all kinds", tensor({{1, 2.5}, {true, 4}}),
             tensor<float>({1, 2.5, 1, 4}, {2, 2}));
  check_same("bools", tensor({true, false}), tensor<bool>({true, false}, {2}));
  check_same("large numbers", tensor({int64_t{1} << 40, int64_t{1}}),
             tensor<int64_t>({int64_t{1} << 40, 1}, {2}));
  check_same("exact", tensor({(int64_t{1} << 53) + 1}),
             tensor<int64_t>({(int64_t{1} << 53) + 1}, {1}));
  check_same("a dtype", tensor({{1, 2}}, float64), tensor<double>({1, 2}, {1, 2}, float64));
  check_same("whole numbers as integers", tensor({1.0, 2.0}, int32), tensor<int32_t>({1, 2}, {2}));
  constexpr uint64_t most = UINT64_MAX;
  check_same("beyond int64", tensor({most}, float64), tensor<double>({0x1p64}, {1}, float64));
  check_same("beside a real number", tensor({most, 0.5}), tensor<float>({0x1p64f, 0.5f}, {2}));
  check_same("the largest of int64", tensor({uint64_t{INT64_MAX}}),
             tensor<int64_t>({INT64_MAX}, {1}));
  check_same("beyond float32", tensor({1e300}, float64), tensor<double>({1e300}, {1}, float64));
  check_same("infinity", tensor({HUGE_VAL}), tensor<float>({HUGE_VALF}, {1}));
  check_same("nothing", tensor({}), zeros({0}));
  check_same("nothing, twice", tensor({{}, {}}), zeros({2, 0}));
  const struct {
    std::function<void()> fails;
    const char* text;
  } cases[] = {
      {[] {
         tensor({{1, 2, 3}, {4, 5}});
       },
       "tensor: the lists do not fit together: [0] is a list of 3, and [1] a list of 2.\n"
       "  Lists of one depth must be equally long; pad the shorter ones."},
      {[] {
         tensor({{{1}, {2}}, {{3}, 4}});
       },
       "tensor: the lists do not fit together: [0][0] is a list of 1, and [1][1] a number.\n"
       "  Lists of one depth must be equally long; pad the shorter ones."},
      {[] {
         tensor({1, {2}});
       },
       "tensor: the lists do not fit together: [0] is a number, and [1] a list of 1.\n"
       "  Lists of one depth must be equally long; pad the shorter ones."},
      {[] {
         tensor({0.5, 1}, int64);
       },
       "tensor: 0.5 is no int64.\n"
       "  Give whole numbers that it holds, or the dtype float64."},
      {[] { tensor({int64_t{1} << 40}, int32); },
       "tensor: 1099511627776 is no int32.\n"
       "  Give whole numbers that it holds, or the dtype float64."},
      {[] { tensor({UINT64_MAX}); },
       "tensor: 18446744073709551616 is no int64.\n"
       "  Give whole numbers that it holds, or the dtype float64."},
      {[] { tensor({1e300}); },
       "tensor: 1e+300 is no float32.\n  Give numbers that it holds, or the dtype float64."},
  };
  for (const auto& c : cases) BOOST_CHECK_EQUAL(error_of<ShapeError>(c.fails), c.text);
}

BOOST_AUTO_TEST_CASE(elements_are_read_as_they_are_or_converted) {
  const auto per_element = boost::test_tools::per_element();
  const std::vector<int64_t> large{9007199254740993, 1700000000123456789, INT64_MAX, INT64_MIN};
  BOOST_TEST(tensor(large, {4}).to_vector<int64_t>() == large, per_element);
  const Tensor x = tensor({0.5, -1.75, 0.0});
  BOOST_TEST(x.to_vector<float>() == (std::vector<float>{0.5f, -1.75f, 0}), per_element);
  BOOST_TEST(x.to_vector() == (std::vector<double>{0.5, -1.75, 0}), per_element);
  BOOST_TEST(x.to_vector<int32_t>() == (std::vector<int32_t>{0, -1, 0}), per_element);
  BOOST_TEST((x.to_vector<bool>() == std::vector<bool>{true, true, false}));
  BOOST_TEST(tensor({true, false}).to_vector<float>() == (std::vector<float>{1, 0}), per_element);
  BOOST_TEST(zeros({0, 2}).to_vector().empty());
}

BOOST_AUTO_TEST_CASE(shapes_and_dtypes_are_printed) {
  std::ostringstream out;
  const Tensor x = zeros({2, 3}, float64);
  out << x.shape() << ' ' << x.dtype() << ' ' << Shape{} << ' ' << bool_;
  BOOST_TEST(out.str() == "[2, 3] float64 [] bool");
}

BOOST_AUTO_TEST_CASE(errors_of_indices_say_what_there_is) {
  const Tensor x = ones({2, 3}, float32);
  const struct {
    std::function<void()> fails;
    const char* text;
  } cases[] = {
      {[&] { x[2]; }, "x[...]: index 2 along axis 0 of [2, 3] float32, which has 2 there."},
      {[&] { x(all, -4); }, "x[...]: index -4 along axis 1 of [2, 3] float32, which has 3 there."},
      {[&] { x(all, slice(1, 4)); },
       "x[...]: slice(1, 4) along axis 1 of [2, 3] float32, which has 3 there."},
      {[&] { x(all, slice(2, 1)); },
       "x[...]: slice(2, 1) along axis 1 of [2, 3] float32, which has 3 there."},
      {[&] { x(all, slice(3, end, -1)); },
       "x[...]: slice(3, end, -1) along axis 1 of [2, 3] float32, which has 3 there."},
      {[&] { x(all, slice(0, 2, -1)); },
       "x[...]: slice(0, 2, -1) along axis 1 of [2, 3] float32, which has 3 there."},
      {[&] { x[slice(0, end, 0)]; }, "x[...]: slice(0, end, 0) has a step of 0."},
      {[&] { x(0, 1, 2); },
       "x[...]: 3 indices of [2, 3] float32, which has 2.\n  Give at most one for each axis."},
      {[&] { sum(x)[0]; }, "x[...]: 1 index of [] float32, which has no axes."},
  };
  for (const auto& c : cases) BOOST_CHECK_EQUAL(error_of<ShapeError>(c.fails), c.text);
}

BOOST_AUTO_TEST_CASE(sums_and_means_of_what_is_no_real_number) {
  const Tensor ids = tensor({{1, 2}, {4, 6}}), flags = tensor({{true, false}, {true, true}});
  check_same("a sum of bools", sum(flags), tensor<int64_t>({3}, {}));
  check_same("along an axis", sum(flags, 0), tensor<int64_t>({2, 1}, {2}));
  check_same("a mean of integers", mean(ids), tensor<float>({3.25}, {}));
  check_same("along an axis", mean(ids, 1, true), tensor({{1.5}, {5.0}}));
  check_same("a share", mean(flags, 0), tensor({1.0, 0.5}));
  check_close("var", var(ids), tensor<float>({3.6875}, {}), 1e-6);
  const int64_t large = int64_t{1} << 60;
  check_same("added as integers", mean(tensor({large + 1, -large})), tensor<float>({0.5}, {}));
  check_same("a sum beyond int32", mean(tensor({2000000000, 2000000000})),
             tensor<float>({2e9f}, {}));
  check_same("many", mean(full({2, 1000000}, 5000, int32), 1), tensor<float>({5000, 5000}, {2}));
  check_same("var beyond float32", var(tensor({16777216, 16777217})), tensor<float>({0.25}, {}));
  BOOST_CHECK_EQUAL(error_of<ShapeError>([&] { mean(ids, 2); }),
                    "mean: axis 2 of a tensor with 2 axes.\n  It must lie in [-2, 1].");
}

BOOST_AUTO_TEST_CASE(random_numbers_of_a_dtype) {
  check_same("normal", random_normal({3}, float64, 7), random_normal({3}, 0, 1, float64, 7));
  check_same("uniform", random_uniform({3}, float64, 7), random_uniform({3}, 0, 1, float64, 7));
  // One number in 32768 is rounded to `high`.
  const Tensor x = random_uniform({1 << 19}, 1000, 1001, float32, 7);
  BOOST_TEST(max(x).item() < 1001);
  BOOST_TEST(min(x).item() >= 1000);
  check_same("of no width", random_uniform({3}, 2, 2, float32, 7), full({3}, 2, float32));
}

BOOST_AUTO_TEST_CASE(results_of_a_layer_are_named) {
  const Tensor x = normal({2, 3, 4});
  const Layer lstm = LSTM({.units = 5, .return_state = true, .dtype = float64, .name = "encoder"});
  const auto [y, h, c] = lstm.call<3>(x);
  const Tensors results = lstm.call({x});
  check_same("y", y, results[0]);
  check_same("h", h, results[1]);
  check_same("c", c, results[2]);
  const auto [z, k, m] = lstm.call<3>(Tensors{x}, {.initial_state = {h, c}});
  check_same("from a state", z, lstm(x, {.initial_state = {h, c}}));
  BOOST_CHECK_EQUAL(error_of([&] { lstm.call<2>(x); }),
                    "encoder: it gives 3 results, taken as 2.\n  call<3>(x) takes them all.");
  BOOST_CHECK_EQUAL(error_of([&] { LSTM({.units = 5, .dtype = float64}).call<3>(x); }),
                    "lstm: it gives 1 result, taken as 3.\n"
                    "  With .return_state = true it gives its states after the output.");
  BOOST_CHECK_EQUAL(error_of([&] { Dense({.units = 5, .dtype = float64}).call<2>(x); }),
                    "dense: it gives 1 result, taken as 2.\n  call<1>(x) takes them all.");
}
